"""Rows that Holdfast wrote: advanced-alchemy loads, reads, replaces and deletes them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from holdfast import FileObject
from tests.advanced_alchemy.tables.conftest import Paper, Table
from tests.orm.conftest import contents


async def add(table: Table) -> dict[str, Any]:
    """Insert a row here, and return it as that library reads it."""

    def work(session: Session) -> str:
        page = FileObject(filename="1.txt", content=b"1", metadata={"n": [1, {"ü": None}]})
        paper = Paper(title="ours", file=FileObject(filename="Übersicht.txt", content=b"ours"), pages=[page])
        session.add(paper)
        session.commit()
        return str(paper.id)

    row = await table.run(work)
    return {"row": row} | table.theirs("read", row=row)


async def test_a_row_loads_there(table: Table) -> None:
    """Its path is our key, and what is known of the object is known there."""
    made = await add(table)
    (page,) = made["pages"]
    key = next(key for key, content in contents(table.docs).items() if content == b"ours")
    assert (made["file"]["filename"], made["file"]["size"]) == (key, 4)
    assert made["file"]["checksum"].startswith("sha256:")
    assert (page["metadata"], page["content_type"]) == ({"n": [1, {"ü": None}]}, "text/plain")
    assert table.library("content", file=made["file"]) == "ours"
    assert table.library("content_async", file=made["file"]) == "ours"
    table.library("delete", file=page)
    assert list(contents(table.docs)) == [key]


async def test_it_is_replaced_there_and_here_again(table: Table) -> None:
    """Each deletes what the other stored, once the row is committed."""
    row = (await add(table))["row"]
    table.theirs("change", row=row, file={"filename": "theirs.txt", "content": "theirs"})
    assert sorted(contents(table.docs).values()) == [b"1", b"theirs"]

    def work(session: Session) -> None:
        paper = session.get_one(Paper, row)
        assert paper.file.get_content() == b"theirs"
        paper.file = FileObject(filename="ours.txt", content=b"again")
        session.commit()

    await table.run(work)
    assert sorted(contents(table.docs).values()) == [b"1", b"again"]
    table.theirs("change", row=row, file=None)
    assert sorted(contents(table.docs).values()) == [b"1"]
    assert table.theirs("read", row=row)["file"] is None
    table.theirs("remove", row=row)
    assert contents(table.docs) == {}


async def test_unset_is_none_there(table: Table) -> None:
    """NULL is no file there, and an empty list is one."""

    def work(session: Session) -> list[str]:
        papers = [Paper(title="none"), Paper(title="empty", pages=[])]
        session.add_all(papers)
        session.commit()
        assert session.scalar(text("SELECT COUNT(*) FROM paper WHERE file IS NULL")) == 2
        return [str(paper.id) for paper in papers]

    none, empty = await table.run(work)
    assert table.theirs("read", row=none) == {"title": "none", "file": None, "pages": None}
    assert table.theirs("read", row=empty)["pages"] == []


async def test_a_value_that_went_there_and_back(table: Table) -> None:
    """That library writes our value without its own name for the key; it is the same file."""
    made = await add(table)

    def work(session: Session) -> None:
        paper = session.get_one(Paper, made["row"])
        assert (paper.file.path, paper.file.get_content()) == (made["file"]["filename"], b"ours")
        session.delete(paper)
        session.commit()

    table.theirs("rewrite", row=made["row"])
    await table.run(work)
    assert contents(table.docs) == {}


@pytest.mark.parametrize("way", ["file", "row"])
async def test_it_is_deleted_there(table: Table, way: str) -> None:
    """Holdfast's promises end there: a row of that library's whose object is gone raises here when it is used."""
    made = await add(table)
    if way == "row":
        table.theirs("remove", row=made["row"])
        assert contents(table.docs) == {}
        return
    table.library("delete", file=made["file"])

    def work(session: Session) -> None:
        with pytest.raises(FileNotFoundError):
            session.get_one(Paper, made["row"]).file.get_content()

    await table.run(work)
