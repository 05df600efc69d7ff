"""Claims beside an outbox: what a transaction lets go of is noted there, what it claims is not."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, Outbox, StorageBackend, StoredObject, storages
from tests.orm.conftest import Database
from tests.uploads.conftest import World
from tests.uploads.test_copied_uploads import SharedFolder

NAME = "parcels-noted"


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "note"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend=NAME))


OUTBOX = Outbox(Base)


@pytest.fixture(params=["pysqlite", "aiosqlite"])
async def noted(request: pytest.FixtureRequest, tmp_path: Path, signing: None) -> Any:
    """A database with an outbox, and a storage whose uploads are copied."""
    database = Database(f"sqlite+{request.param}:///{tmp_path}/notes.db", is_async=request.param == "aiosqlite")
    await database.create(Base)
    yield World(database, storages.register_backend(StorageBackend(NAME, SharedFolder(tmp_path / "a", durable=False))))
    await database.dispose()
    storages._backends.pop(NAME, None)


async def test_a_claim_leaves_nothing_in_the_outbox(noted: World) -> None:
    """The upload goes with the commit, the file with its row."""
    file = await noted.claim(await noted.uploaded(Note.file), Note.file)
    await noted.commit(Note(id=1, file=file))
    assert sorted(key.rpartition(".")[2] for key in noted.stored()) == ["claimed", "txt"]

    def delete(session: Session) -> int:
        session.delete(session.get(Note, 1))
        session.commit()
        return session.scalar(select(func.count()).select_from(OUTBOX.table).where(OUTBOX.table.c.kind == "drop"))

    assert await noted.run(delete) == 0
    assert [key.rpartition(".")[2] for key in noted.stored()] == ["claimed"]
