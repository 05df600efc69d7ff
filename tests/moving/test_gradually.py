"""Moving files user by user, as the documents show it, and then all that are left."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Uuid, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from holdfast import FileObject, StoredObject, storages
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.backends.wrappers import GradualBackend
from holdfast.maintenance import settle, settle_async
from tests.orm.conftest import Database
from tests.orm.conftest import database as database  # noqa: PLC0414  # a fixture


class Base(DeclarativeBase):
    pass


class Document(Base):
    __tablename__ = "gradual_document"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(Uuid)
    file: Mapped[FileObject] = mapped_column(StoredObject(backend="local-legacy"))


MIGRATED: set[UUID] = set()


def is_migrated_user(user_id: UUID) -> bool:
    """The application's feature flag."""
    return user_id in MIGRATED


def get_storage_backend(user_id: UUID) -> str:
    """Determine storage backend for user, as the documents have it."""
    if is_migrated_user(user_id):
        return "s3-new"
    return "local-legacy"


@pytest.fixture
def both(tmp_path: Any, s3_bucket: Any) -> Iterator[Any]:
    """Configure both local and S3 for gradual migration, as the documents have it."""
    before = dict(storages.all())
    storages.register_backend(FSSpecBackend(key="local-legacy", fs="file", prefix=str(tmp_path / "uploads")))
    options = {name: value for name, value in s3_bucket.obstore.items() if name != "bucket"}
    storages.register_backend(ObstoreBackend(key="s3-new", fs=f"s3://{s3_bucket.name}/", **options))
    yield s3_bucket
    MIGRATED.clear()
    storages._backends.clear()
    storages._backends.update(before)


@pytest.fixture
async def tables(database: Database) -> Database:
    """A database with the table."""
    return await database.create(Base)


async def test_b65_a_flag_per_user(tables: Database, both: Any) -> None:
    """The users of one column have their files in two storages, each file knows in which; a flag moves the next one."""
    ada, bob = uuid4(), uuid4()
    MIGRATED.add(ada)

    def upload(session: Any, user: UUID, content: bytes) -> int:
        file = FileObject(backend=get_storage_backend(user), filename="plan.txt", content=content)
        document = Document(user_id=user, file=file)
        session.add(document)
        session.commit()
        return document.id

    first = await tables.run(lambda session: upload(session, ada, b"Plan A"))
    second = await tables.run(lambda session: upload(session, bob, b"Plan B"))
    await tables.run(
        lambda session: check(session, {first: ("s3-new", b"Plan A"), second: ("local-legacy", b"Plan B")})
    )
    assert len(both.keys()) == 1
    MIGRATED.add(bob)
    third = await tables.run(lambda session: upload(session, bob, b"Plan C"))

    def replace(session: Any) -> None:
        document = session.get(Document, second)
        document.file = FileObject(backend=get_storage_backend(bob), filename="plan.txt", content=b"Plan D")
        session.commit()

    await tables.run(replace)
    expected = {first: ("s3-new", b"Plan A"), second: ("s3-new", b"Plan D"), third: ("s3-new", b"Plan C")}
    await tables.run(lambda session: check(session, expected))
    assert len(both.keys()) == 3
    assert list(storages.get("local-legacy").list()) == []  # the old file went with the commit that replaced it


async def test_b65_without_a_flag(tables: Database, both: Any) -> None:
    """The storage moves under its own name: no row is touched, and what is new lies in the new place at once."""
    old, new = storages.get("local-legacy"), storages.get("s3-new")

    def upload(session: Any, content: bytes) -> None:
        session.add(Document(user_id=uuid4(), file=FileObject(filename="plan.txt", content=content)))
        session.commit()

    await tables.run(lambda session: upload(session, b"Plan A"))
    # The old one needs a name of its own now; nobody but the storage that moves is to use it.
    disk = FSSpecBackend("disk", "file", str(old.native))
    storages.unregister("s3-new")
    storage = storages.register_backend(GradualBackend("local-legacy", new=new, old=disk))
    await tables.run(lambda session: upload(session, b"Plan B"))
    expected = {1: ("local-legacy", b"Plan A"), 2: ("local-legacy", b"Plan B")}
    await tables.run(lambda session: check(session, expected))
    assert (storage.remaining(), len(both.keys())) == (1, 1)
    report = await settle_async("local-legacy") if tables.is_async else settle("local-legacy")
    assert (report.ok, report.counts["copied"]) == (True, 1)
    await tables.run(lambda session: check(session, expected))
    assert (storage.remaining(), len(both.keys())) == (0, 2)
    options = {name: value for name, value in both.obstore.items() if name != "bucket"}
    storages.register_backend(ObstoreBackend("local-legacy", f"s3://{both.name}/", **options))  # and that is the end
    await tables.run(lambda session: check(session, expected))


def check(session: Any, expected: dict[int, tuple[str, bytes]]) -> None:
    """Compare where the files of rows are, and what is in them."""
    found = {
        document.id: (document.file.backend.key, document.file.get_content())
        for document in session.scalars(select(Document))
    }
    assert found == expected
