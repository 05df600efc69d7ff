"""When `install` is called, and what it finds: each case is a process of its own."""

import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parents[2]

MODELS = """
from advanced_alchemy.base import BigIntBase
from advanced_alchemy.types import FileObject, FileObjectList, StoredObject
from advanced_alchemy.types.file_object import storages
from sqlalchemy.orm import Mapped, mapped_column

class Page(BigIntBase):
    file: Mapped[FileObject | None] = mapped_column(StoredObject("docs"))

class Sheet(BigIntBase):
    pages: Mapped[FileObjectList | None] = mapped_column(StoredObject("docs", multiple=True))

class Plain(BigIntBase):
    pass
"""


def python(code: str, folder: Path, before: str = "") -> str:
    """Run code in a new process, which finds modules in a folder; return what it prints."""
    begin = f"import sys\n{before}\nfrom holdfast.contrib import advanced_alchemy as adapter\n"
    command = [sys.executable, "-W", "ignore", "-c", begin + dedent(code)]
    env = {"PYTHONPATH": f"{folder}:{ROOT / 'src'}"}
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200, env=env, cwd=folder)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def test_after_everything_was_imported(tmp_path: Path) -> None:
    """Modules that have the names already get the others, in the library and in the application."""
    (tmp_path / "application.py").write_text(MODELS.partition("class")[0], encoding="utf-8")
    code = """
    import advanced_alchemy.repository, advanced_alchemy.service, advanced_alchemy.extensions.litestar
    import application
    before = id(application.FileObject)  # a name here would be replaced, too
    adapter.install()
    import holdfast
    import advanced_alchemy.extensions.flask
    assert id(application.FileObject) != before
    assert issubclass(application.FileObject, holdfast.FileObject)
    assert issubclass(application.StoredObject, holdfast.StoredObject)
    assert issubclass(advanced_alchemy.repository._util.StoredObject, holdfast.StoredObject)
    assert advanced_alchemy.base.FileObject is application.FileObject
    from advanced_alchemy.base import BigIntBase
    from sqlalchemy.orm import Mapped
    class Page(BigIntBase):
        file: Mapped[application.FileObject | None]
        pages: Mapped[application.FileObjectList | None]
    assert type(Page.__table__.c.file.type) is type(Page.__table__.c.pages.type) is application.StoredObject
    """
    python(code, tmp_path)


def test_models_are_there_already(tmp_path: Path) -> None:
    """They are named, and nothing has been replaced: the application still runs as it did."""
    (tmp_path / "application.py").write_text(MODELS, encoding="utf-8")
    code = """
    import application
    before = {name: id(value) for name, value in vars(application).items()}
    application.storages._registry["docs"] = object()
    for _ in range(2):
        try:
            adapter.install()
        except adapter.installing.ConfigurationError as error:
            print(error)
    assert {name: id(value) for name, value in vars(application).items()} == before
    class Another(application.BigIntBase):
        file: application.Mapped[application.FileObject] = application.mapped_column(application.StoredObject("docs"))
    """
    told = python(code, tmp_path).splitlines()
    assert told[0] == told[1]
    assert told[0].startswith("application.Page, application.Sheet: made with the StoredObject of advanced-alchemy")
    assert "Call holdfast.contrib.advanced_alchemy.install() before" in told[0]


def test_storages_are_there_already(tmp_path: Path) -> None:
    """They are carried over; one that Holdfast has under that name stays. All come back out when it is uninstalled."""
    code = """
    import holdfast
    from advanced_alchemy.types.file_object import storages, backends
    from advanced_alchemy.types.file_object.backends.obstore import ObstoreBackend
    theirs = id(storages)
    storages.register_backend("memory://", key="one")
    storages.register_backend("memory://", key="two")
    mine = holdfast.storages.register_backend("memory://", key="two")
    adapter.install()
    from advanced_alchemy.types.file_object import FileObject, storages
    assert storages.registered_backends() == ["two", "one"]
    assert storages.get_backend("two") is mine
    FileObject("one", "a.txt", to_filename="a.txt", content=b"a").save()
    adapter.uninstall()
    from advanced_alchemy.types.file_object import FileObject, storages
    assert id(storages) == theirs
    assert FileObject("one", "a.txt").get_content() == b"a"
    assert "one" in holdfast.storages
    """
    python(code, tmp_path)


def test_a_storage_that_cannot_be_carried_over(tmp_path: Path) -> None:
    """It is told at once, and nothing has been replaced."""
    code = """
    import fsspec
    from advanced_alchemy.types.file_object import FileObject, storages
    from advanced_alchemy.types.file_object.backends.fsspec import FSSpecBackend
    storages.register_backend("memory://", key="one")
    storages.register_backend(FSSpecBackend(key="two", fs=fsspec.filesystem("s3", anon=True)))
    before = id(FileObject)
    try:
        adapter.install()
    except adapter.installing.ConfigurationError as error:
        print(error)
    assert id(FileObject) == before
    import holdfast
    assert "one" not in holdfast.storages
    """
    assert "must begin with the bucket" in python(code, tmp_path)


def test_uninstalled(tmp_path: Path) -> None:
    """The library is what it was, also in modules that were imported meanwhile; and it can be installed again."""
    (tmp_path / "application.py").write_text(MODELS, encoding="utf-8")
    code = """
    from advanced_alchemy import _listeners
    from advanced_alchemy.config import SQLAlchemySyncConfig
    from advanced_alchemy.types import FileObject
    from advanced_alchemy.utils.serialization import DEFAULT_TYPE_ENCODERS
    from sqlalchemy.orm import Session
    before, encoders = id(FileObject), dict(DEFAULT_TYPE_ENCODERS)
    initialised = SQLAlchemySyncConfig.__post_init__
    for _ in range(2):
        adapter.install()
        adapter.install()
        import application
        assert id(application.FileObject) != before
        adapter.uninstall()
        adapter.uninstall()
        assert id(application.FileObject) == id(FileObject) == before
        assert _listeners.SyncFileObjectListener._is_listener_enabled(Session())
        assert SQLAlchemySyncConfig.__post_init__ is initialised
        assert DEFAULT_TYPE_ENCODERS == encoders
    import holdfast
    assert isinstance(application.Page.__table__.c.file.type, holdfast.StoredObject)
    class Late(application.BigIntBase):
        file: application.Mapped[FileObject | None] = application.mapped_column(application.StoredObject("docs"))
    """
    python(code, tmp_path)


def test_from_many_threads(tmp_path: Path) -> None:
    """One of them does it, the others wait until it is done."""
    code = """
    import threading
    from sqlalchemy import event
    from sqlalchemy.orm import Mapper
    start, seen = threading.Barrier(8), []
    def work():
        start.wait()
        adapter.install()
        from advanced_alchemy import types, base
        seen.append((types.FileObject, base.FileObject, types.storages, types.StoredObject))
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    import holdfast
    assert len(seen) == 8 and len({tuple(map(id, each)) for each in seen}) == 1
    assert issubclass(seen[0][0], holdfast.FileObject)
    """
    python(code, tmp_path)


@pytest.mark.parametrize("kind", ["Sync", "Async"])
def test_listeners_are_there_already(tmp_path: Path, kind: str) -> None:
    """Sessions that the library made ready before do not delete a file a second time."""
    (tmp_path / "application.py").write_text(MODELS, encoding="utf-8")
    code = """
    import asyncio
    from advanced_alchemy.config import SQLAlchemySyncConfig, SQLAlchemyAsyncConfig
    is_async = %s
    kind, url = (SQLAlchemyAsyncConfig, "sqlite+aiosqlite://") if is_async else (SQLAlchemySyncConfig, "sqlite://")
    config = kind(connection_string=url)
    maker = config.create_session_maker()
    adapter.install()
    import application
    application.storages.register_backend("memory://", key="docs")
    docs = application.storages.get_backend("docs")
    deleted, delete = [], docs._driver.delete
    docs._driver.delete = lambda keys: (deleted.extend(keys), delete(keys))
    async def delete_async(keys):
        deleted.extend(keys)
        delete(keys)
    docs._driver.delete_async = delete_async
    def work(session):
        application.BigIntBase.metadata.create_all(session.connection())
        page = application.Page(file=application.FileObject("docs", "a", content=b"a"))
        session.add(page)
        session.flush()
        return page
    def drop(session, page):
        page.file = None
        session.flush()
        assert not deleted
    def check(page, info):
        assert len(deleted) == 1 and "_aa_file_tracker" not in info, deleted
    async def main():
        async with maker() as session:
            page = await session.run_sync(work)
            await session.commit()
            await session.refresh(page)
            await session.run_sync(drop, page)
            await session.commit()
            await asyncio.sleep(0)
            check(page, session.info)
        await config.get_engine().dispose()
    if is_async:
        asyncio.run(main())
    else:
        with maker() as session:
            page = work(session)
            session.commit()
            drop(session, page)
            session.commit()
            check(page, session.info)
        config.get_engine().dispose()
    """
    python(code % (kind == "Async"), tmp_path)


def test_without_fsspec(tmp_path: Path) -> None:
    """The library says itself that its package is missing; all else works."""
    code = """
    adapter.install()
    from advanced_alchemy.exceptions import MissingDependencyError
    from advanced_alchemy.types import FileObject, storages
    try:
        from advanced_alchemy.types.file_object.backends.fsspec import FSSpecBackend
    except MissingDependencyError as error:
        print(error)
    storages.register_backend("memory://", key="docs")
    FileObject("docs", "a.txt", content=b"a").save()
    """
    told = python(code, tmp_path, before="sys.modules['fsspec'] = None")
    assert "'fsspec' is not installed" in told


def test_holdfast_alone(tmp_path: Path) -> None:
    """Nobody gets the library by importing Holdfast."""
    answer = subprocess.run(
        [sys.executable, "-c", "import sys, holdfast, holdfast.contrib; print('advanced_alchemy' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert answer.stdout == "False\n"
