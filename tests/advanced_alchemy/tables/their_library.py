"""advanced-alchemy as it is, in a process of its own where nothing of Holdfast is installed in its place.

It reads one command a line, ``{"call": name, ...arguments}``, and answers each with one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import warnings
from typing import Any
from uuid import UUID

import fsspec

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from advanced_alchemy._listeners import _active_file_operations
    from advanced_alchemy.base import UUIDAuditBase
    from advanced_alchemy.config import SQLAlchemyAsyncConfig, SQLAlchemySyncConfig
    from advanced_alchemy.types.file_object import FileObject, FileObjectList, StoredObject, storages
    from advanced_alchemy.types.file_object.backends.fsspec import FSSpecBackend
    from advanced_alchemy.types.file_object.backends.obstore import ObstoreBackend

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.orm.attributes import flag_modified


class Paper(UUIDAuditBase):
    __tablename__ = "paper"
    title: Mapped[str] = mapped_column(String(100))
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))
    pages: Mapped[FileObjectList | None] = mapped_column(StoredObject(backend="docs", multiple=True))


def register(driver: str, key: str, fs: Any, **options: Any) -> None:
    """Register a storage."""
    if isinstance(fs, dict):
        fs = fsspec.filesystem(**fs)
    kind = ObstoreBackend if driver == "obstore" else FSSpecBackend
    storages.register_backend(kind(key=key, fs=fs, **options))


def create(url: str) -> None:
    """Make the table."""
    engine = SQLAlchemySyncConfig(connection_string=url).get_engine()
    Paper.__table__.create(engine)
    engine.dispose()


def write(url: str, rows: list[dict[str, Any]]) -> None:
    """Insert rows, as an application of that library does: the session saves the content after its commit."""

    def insert(session: Any) -> None:
        for row in rows:
            pages = row.get("pages")
            paper = Paper(id=UUID(row["id"]), title=row["title"], file=_file(row.get("file")))
            paper.pages = None if pages is None else FileObjectList([_file(page) for page in pages])
            session.add(paper)
            session.commit()

    _in_session(url, insert)


def change(url: str, row: str, file: dict[str, Any] | None) -> None:
    """Replace the file of a row, or remove it."""

    def replace(session: Any) -> None:
        session.get(Paper, UUID(row)).file = _file(file)
        session.commit()

    _in_session(url, replace)


def rewrite(url: str, row: str) -> None:
    """Write a row's values as that library would."""

    def write_again(session: Any) -> None:
        paper = session.get(Paper, UUID(row))
        for name in ("file", "pages"):
            flag_modified(paper, name)
        session.commit()

    _in_session(url, write_again)


def remove(url: str, row: str) -> None:
    """Delete a row."""

    def delete(session: Any) -> None:
        session.delete(session.get(Paper, UUID(row)))
        session.commit()

    _in_session(url, delete)


def read(url: str, row: str) -> dict[str, Any]:
    """Return what that library sees in a row."""

    def load(session: Any) -> dict[str, Any]:
        paper = session.get(Paper, UUID(row))
        shown = {"title": paper.title, "file": paper.file and paper.file.to_dict()}
        return shown | {"pages": None if paper.pages is None else [page.to_dict() for page in paper.pages]}

    return _in_session(url, load)


def content(file: dict[str, Any]) -> str:
    """Return what a file reads as."""
    return FileObject(**file).get_content().decode()


def content_async(file: dict[str, Any]) -> str:
    """Return the same, by the other method; that library's file system of S3 cannot do both in one process."""
    return asyncio.run(FileObject(**file).get_content_async()).decode()


def sign(file: dict[str, Any]) -> str:
    """Return a URL of a file."""
    return FileObject(**file).sign(expires_in=60)


def delete(file: dict[str, Any]) -> None:
    """Delete a file."""
    FileObject(**file).delete()


def _file(fields: dict[str, Any] | None) -> FileObject | None:
    if fields is None:
        return None
    fields = {"backend": "docs"} | fields
    content = fields.pop("content", None)
    if fields.pop("saved", False):
        return FileObject(**fields).save(content.encode())
    return FileObject(**fields, content=None if content is None else content.encode())


def _in_session(url: str, work: Any) -> Any:
    if "aiosqlite" in url or "asyncpg" in url:
        return asyncio.run(_in_async_session(url, work))
    config = SQLAlchemySyncConfig(connection_string=url)
    with config.get_session() as session:
        result = work(session)
    config.get_engine().dispose()
    return result


async def _in_async_session(url: str, work: Any) -> Any:
    config = SQLAlchemyAsyncConfig(connection_string=url)
    async with config.get_session() as session:
        result = await session.run_sync(work)
    while _active_file_operations:
        await asyncio.gather(*_active_file_operations)
    await config.get_engine().dispose()
    return result


CALLS: dict[str, Any] = {
    call.__name__: call
    for call in (register, create, write, change, rewrite, remove, read, content, content_async, sign, delete)
}


def main() -> None:
    """Obey until nobody commands any more."""
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer = {"result": CALLS[command.pop("call")](**command)}
        except Exception as error:  # noqa: BLE001  # it is the test's to judge
            answer = {"error": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
