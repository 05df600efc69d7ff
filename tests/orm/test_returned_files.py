"""A file that was taken out of its row, changed, and put back before the flush."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.orm.conftest import Database, stored
from tests.orm.documents import Base, Document, file

pytestmark = pytest.mark.usefixtures("docs", "archive", "quiet")

CHANGES: dict[str, tuple[Any, bytes, dict[str, int]]] = {
    "saved": (lambda value: value.save(b"new"), b"new", {}),
    "described": (lambda value: value.metadata.update(note=1), b"old", {"note": 1}),
    "left alone": (lambda value: None, b"old", {}),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("commit", [True, False], ids=["commit", "rollback"])
async def test_a_file_that_comes_back_changed(database: Database, docs: Any, change: str, commit: bool) -> None:
    """The row has what the file is now; rolled back, what it was."""
    await database.create(Base)
    alter, data, metadata = CHANGES[change]

    def work(session: Session) -> None:
        session.add(Document(id=1, file=file(b"old")))
        session.commit()
        row = session.get_one(Document, 1)
        value = row.file
        row.file = None
        alter(value)
        row.file = value
        (session.commit if commit else session.rollback)()
        session.expire_all()
        assert row.file.get_content() == (data if commit else b"old")
        assert row.file.metadata == (metadata if commit else {})

    await database.run(work)
    # What is saved into a file outside any row is the caller's: a rollback leaves it to the sweep.
    assert stored(docs) == ([data] if commit else sorted({b"old", data}))
