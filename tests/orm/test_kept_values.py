"""Files of rows that a commit expired, looked at where nothing can load them."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from sqlalchemy import inspect, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import DetachedInstanceError

from tests.orm.conftest import Database
from tests.orm.documents import Base, Document, file

pytestmark = pytest.mark.usefixtures("docs", "archive")


@pytest.fixture(params=["aiosqlite", pytest.param("asyncpg", marks=pytest.mark.postgres)])
async def db(request: pytest.FixtureRequest, tmp_path: Any) -> Any:
    """A database with two documents, entered through AsyncSessions."""
    sqlite = request.param == "aiosqlite"
    url = f"sqlite+aiosqlite:///{tmp_path}/test.db" if sqlite else request.getfixturevalue("postgres").url("asyncpg")
    made = await Database(url, is_async=True).create(Base)
    async with AsyncSession(made.engine) as session:
        session.add_all([Document(id=n, title="t", file=file(b"%d" % n), pages=[file(b"p")]) for n in (1, 2)])
        await session.commit()
    yield made
    await made.dispose()


async def documents(session: AsyncSession) -> list[Document]:
    """Load all."""
    return list(await session.scalars(select(Document).order_by(Document.id)))


async def test_a_file_is_there_after_a_commit(db: Database) -> None:
    """That of the row that was committed, and those of others, through any number of commits; nothing else is."""
    async with AsyncSession(db.engine) as session:
        one, two = await documents(session)
        for content in (b"a", b"b", b"c"):
            one.file = file(content)
            await session.commit()
            assert await one.file.get_content_async() == content
        assert await two.file.get_content_async() == b"2"
        assert [await page.get_content_async() for page in two.pages] == [b"p"]
        two.pages.append(file(b"q"))
        two.file.metadata["n"] = 1
        await session.commit()
        assert len(two.pages) == 2
        await session.commit()
        assert "title" in inspect(two).expired_attributes
    async with AsyncSession(db.engine) as session:
        _, two = await documents(session)
        assert (len(two.pages), two.file.metadata) == (2, {"n": 1})


async def test_what_can_be_loaded_is_loaded(db: Database) -> None:
    """In the session's own calls the row is asked, as SQLAlchemy does it."""
    async with AsyncSession(db.engine) as session:
        one, two = await documents(session)
        await session.commit()
        async with AsyncSession(db.engine) as other:
            await other.execute(update(Document).values(file=file(b"other")))
            await other.commit()

        def look(_: Session) -> tuple[bytes, str]:
            return one.file.path, one.title

        path, title = await session.run_sync(look)
        assert (title, one.file.path, one.title) == ("t", path, "t")
        assert await one.file.get_content_async() == b"other"
        await session.refresh(two)
        assert await two.file.get_content_async() == b"other"


async def test_a_query_loads_it(db: Database) -> None:
    """Also where it was not looked at since the commit."""
    async with AsyncSession(db.engine) as session:
        one, _ = await documents(session)
        await session.commit()
        async with AsyncSession(db.engine) as other:
            await other.execute(update(Document).values(file=file(b"other")))
            await other.commit()
        await documents(session)
        assert await one.file.get_content_async() == b"other"


async def test_where_nothing_is_kept(db: Database) -> None:
    """After a rollback, after `expire`, and once the row has left its session; it can be pickled all the same."""
    async with AsyncSession(db.engine) as session:
        one, two = await documents(session)
        await session.commit()
        assert pickle.loads(pickle.dumps(one)).__class__ is Document
        assert two.file.size == 1
        session.expire(two)
        assert "file" in inspect(two).expired_attributes
        await session.commit()
        await session.scalar(select(1))
        await session.rollback()
        assert {"file", "pages"} <= inspect(one).expired_attributes
    with pytest.raises(DetachedInstanceError):
        _ = one.file
