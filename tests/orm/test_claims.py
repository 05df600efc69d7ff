"""Objects that lie in the storage before a row refers to them: a row claims what is there, and nothing else."""

import pytest
from sqlalchemy.orm import Session

from holdfast import FileObject
from tests.orm.conftest import Database, stored
from tests.orm.documents import Base, Document, file

pytestmark = pytest.mark.usefixtures("docs", "archive")


@pytest.fixture
async def db(database: Database) -> Database:
    """A database with one document, whose file holds `old`."""
    await database.create(Base)

    def work(session: Session) -> None:
        session.add(Document(id=1, file=file(b"old", metadata={"a": {"b": [1]}})))
        session.commit()

    await database.run(work)
    return database


async def test_b38_the_claim_of_a_direct_upload(db: Database, docs) -> None:
    """An object of which nothing is known is looked up by the flush, and from then on the row owns it."""
    docs.put("uploads/direct.bin", b"direct")

    def work(session: Session) -> None:
        row = session.get(Document, 1)
        row.file = FileObject(backend="docs", filename="direct.bin", to_filename="uploads/direct.bin")
        session.commit()
        assert (row.file.size, row.file.path) == (6, "uploads/direct.bin")
        row.file = None
        session.commit()

    await db.run(work)
    assert stored(docs) == []


async def test_b38_a_direct_upload_that_never_came(db: Database, docs) -> None:
    """What is missing is refused, and nothing of the transaction is written."""

    def work(session: Session) -> None:
        row = session.get(Document, 1)
        row.file = FileObject(backend="docs", filename="uploads/direct.bin")
        with pytest.raises(FileNotFoundError, match=r"uploads/direct\.bin"):
            session.flush()
        session.rollback()
        assert row.file.get_content() == b"old"

    await db.run(work)
    assert stored(docs) == [b"old"]


async def test_a_claim_that_is_rolled_back(db: Database, docs) -> None:
    """The object was there before the transaction, so it stays."""
    docs.put("uploads/direct.bin", b"direct")

    def work(session: Session) -> None:
        session.get(Document, 1).file = FileObject(backend="docs", filename="uploads/direct.bin")
        session.flush()
        session.rollback()

    await db.run(work)
    assert stored(docs) == [b"direct", b"old"]
