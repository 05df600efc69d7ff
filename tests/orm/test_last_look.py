"""Before COMMIT, files that are so old that a sweep may have taken them are looked at again."""

import time
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from holdfast import FileObject, keys
from holdfast.errors import NotFoundError
from tests.orm.conftest import Database, stored
from tests.orm.documents import Base, Document, file

pytestmark = pytest.mark.usefixtures("docs", "archive", "quiet")


def old_key(hours: float) -> str:
    """Return a key of a file that was stored some time ago."""
    return keys.default_key(keys.new_id(time.time() - hours * 3600), "a.txt")


@pytest.mark.parametrize(("hours", "is_refused"), [(1, False), (13, True)])
async def test_a_file_that_was_swept_meanwhile(database: Database, docs: Any, hours: float, is_refused: bool) -> None:
    """The commit of a transaction that took longer than half of the grace period fails if its file is gone."""
    await database.create(Base)
    key = old_key(hours)

    def work(session: Session) -> None:
        docs.put(key, b"old")
        session.add(Document(id=1, file=FileObject(backend="docs", filename=key)))
        session.flush()
        docs.delete(key)
        if not is_refused:
            session.commit()  # a sweep would not have touched so young a file
            return
        with pytest.raises(NotFoundError, match="has gone from storage") as caught:
            session.commit()
        assert (caught.value.storage, caught.value.path) == ("docs", key)
        session.rollback()
        assert session.scalars(select(Document)).all() == []
        session.add(Document(id=1, file=file(b"new")))
        session.commit()

    await database.run(work)
    assert stored(docs) == ([b"new"] if is_refused else [])


async def test_an_old_file_that_is_there(database: Database, docs: Any) -> None:
    """It is committed as ever."""
    await database.create(Base)
    key = old_key(100)
    docs.put(key, b"old")

    def work(session: Session) -> None:
        session.add(Document(id=1, file=FileObject(backend="docs", filename=key)))
        session.commit()
        session.get_one(Document, 1).file.metadata["n"] = 1
        session.commit()
        assert session.get_one(Document, 1).file.get_content() == b"old"

    await database.run(work)
