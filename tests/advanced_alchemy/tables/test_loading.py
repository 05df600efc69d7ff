"""Rows that advanced-alchemy wrote: loaded, served, replaced and deleted as they are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from holdfast import FileObject
from holdfast.maintenance import sweep, verify
from holdfast.maintenance.reports import BROKEN
from holdfast.serving import wsgi
from tests.advanced_alchemy.tables.conftest import Paper, Table
from tests.orm.conftest import contents

BARE = {"filename": "reports/Jahr 2025 – ü.txt", "content": "bare"}
"""As that library's session leaves it: without size and etag."""
SAVED = {"filename": "saved.txt", "content": "saved", "saved": True, "content_type": "x/y", "metadata": {"é": [1]}}


JSON = {"sqlite": ":value", "mariadb": ":value", "postgresql": "CAST(:value AS JSONB)"}


def get(session: Session, row: UUID) -> Paper:
    """Return a row that must be there."""
    return session.get_one(Paper, row)


def serve(file: FileObject, **headers: str) -> tuple[str, dict[str, str], bytes]:
    """Return what a WSGI server would send."""
    sent: list[Any] = []
    environ = {"REQUEST_METHOD": "GET", "wsgi.multithread": True, **headers}
    body = wsgi.FileResponse(file)(
        environ, lambda status, given, *_: sent.append((status, {name.lower(): text for name, text in given}))
    )
    return *sent[0], b"".join(body)


async def test_a_row_loads(table: Table) -> None:
    """Its name, type, metadata and place; with and without what is known of the object."""
    bare, saved = table.add("bare", file=BARE), table.add("saved", file=SAVED, pages=[SAVED | {"filename": "p.txt"}])

    def work(session: Session) -> None:
        file = get(session, bare).file
        assert (file.path, file.filename, file.size, file.etag) == (BARE["filename"], BARE["filename"], None, None)
        assert (file.get_content(), file.backend) == (b"bare", "docs")
        assert file.refresh().size == 4
        file = get(session, saved).file
        assert (file.size, file.content_type, file.metadata) == (5, "x/y", {"é": [1]})
        assert [page.get_content() for page in get(session, saved).pages] == [b"saved"]
        assert get(session, bare).pages is None

    await table.run(work)


async def test_a_row_is_served(table: Table) -> None:
    """In whole and in part, with a length and an etag that the row does not know."""
    row = table.add("bare", file=BARE)
    file = await table.run(lambda session: get(session, row).file)
    status, headers, body = serve(file)
    assert (status, body, headers["content-length"]) == ("200 OK", b"bare", "4")
    assert headers["etag"]
    status, headers, body = serve(file, HTTP_RANGE="bytes=1-2")
    assert (status, body) == ("206 Partial Content", b"ar")
    assert serve(file, HTTP_IF_NONE_MATCH=headers["etag"])[0] == "304 Not Modified"


@pytest.mark.parametrize("way", ["replace", "unset", "delete", "bulk replace", "bulk unset", "bulk delete"])
async def test_a_row_lets_go(table: Table, way: str) -> None:
    """Its object goes with the commit, not with a rollback, however the row is changed."""
    row = table.add("bare", file=BARE, pages=[SAVED])
    other = table.add("other", file=BARE | {"filename": "other.txt"})

    def work(session: Session) -> None:
        for end in (session.rollback, session.commit):
            mine = Paper.id == row
            if way == "bulk delete":
                session.execute(delete(Paper).where(mine))
            elif way.startswith("bulk"):
                session.execute(update(Paper).where(mine).values(file=_new(way), pages=None))
            elif way == "delete":
                session.delete(get(session, row))
            else:
                get(session, row).file, get(session, row).pages = _new(way), None
            end()
            if end == session.rollback:
                assert contents(table.docs)[BARE["filename"]] == b"bare"
        assert get(session, other).file.get_content() == b"bare"

    await table.run(work)
    left = contents(table.docs)
    assert left.pop("other.txt") == b"bare"
    assert list(left.values()) == ([b"new"] if "replace" in way else [])


def _new(way: str) -> FileObject | None:
    return FileObject(filename="new.txt", content=b"new") if "replace" in way else None


async def test_a_list_is_edited(table: Table) -> None:
    """A page less and a page more; what stays, stays under its own key."""
    row = table.add("pages", pages=[SAVED | {"filename": name} for name in ("1.txt", "2.txt")])

    def work(session: Session) -> None:
        pages = get(session, row).pages
        del pages[0]
        pages.append(FileObject(filename="3.txt", content=b"3"))
        session.commit()
        assert [page.get_content() for page in get(session, row).pages] == [b"saved", b"3"]

    await table.run(work)
    left = contents(table.docs)
    assert left.pop("2.txt") == b"saved"
    assert list(left.values()) == [b"3"]


async def test_metadata_is_changed(table: Table) -> None:
    """The row is written again, its object stays where it is, and that library still reads both."""
    row = table.add("bare", file=BARE)

    def work(session: Session) -> None:
        get(session, row).file.metadata["checked"] = True
        session.commit()

    await table.run(work)
    file = table.theirs("read", row=str(row))["file"]
    assert (file["filename"], file["metadata"]) == (BARE["filename"], {"checked": True})
    assert contents(table.docs) == {BARE["filename"]: b"bare"}


async def test_json_null(table: Table) -> None:
    """Unset is JSON null there. It is None here, for every question that is asked with None, and becomes NULL."""
    unset, row = table.add("unset"), table.add("set", file=BARE, pages=[])

    def work(session: Session) -> None:
        assert session.scalar(text("SELECT COUNT(*) FROM paper WHERE file IS NOT NULL")) == 2
        assert get(session, unset).file is None
        for column, of in ((Paper.file, {"set"}), (Paper.pages, {"set"})):
            rest = {"unset", "set"} - of
            for condition, titles in (
                (column.is_(None), rest),
                (column == None, rest),  # noqa: E711  # the operator that people use
                (~column.is_not(None), rest),
                (column.is_not(None), of),
                (column != None, of),  # noqa: E711  # as above
                (~column.is_(None), of),
            ):
                assert set(session.scalars(select(Paper.title).where(condition))) == titles
        assert [paper.title for paper in session.query(Paper).filter_by(file=None)] == ["unset"]
        paper = get(session, unset)
        paper.file = FileObject(filename="new.txt", content=b"new")
        session.commit()
        assert sorted(contents(table.docs).values()) == [b"bare", b"new"]
        paper.file = None
        session.commit()
        assert session.scalar(text("SELECT COUNT(*) FROM paper WHERE file IS NULL")) == 1
        assert session.execute(update(Paper).where(Paper.file.is_(None)).values(title="none")).rowcount == 1
        session.commit()

    await table.run(work)
    assert table.theirs("read", row=str(unset)) == {"title": "none", "file": None, "pages": None}
    assert table.theirs("read", row=str(row))["pages"] == []


async def test_verify_and_sweep(table: Table) -> None:
    """What is missing is found, whatever the rows know; what a row holds is swept by no order, JSON null holds none."""
    table.add("unset")
    table.add("bare", file=BARE, pages=[SAVED])
    table.add("missing", file={"filename": "missing.txt"})
    table.docs.put("stray.txt", b"stray")

    def work(session: Session) -> None:
        found = verify(session, Paper.metadata, grace=timedelta(0))
        assert [(finding.kind, finding.key) for finding in found.findings if finding.kind in BROKEN] == [
            ("missing", "missing.txt")
        ]
        sweep(
            session, Paper.metadata, grace=timedelta(0), delete=True, all_keys=True, shared=True
        )  # models of other tests

    await table.run(work)
    assert contents(table.docs) == {BARE["filename"]: b"bare", "saved.txt": b"saved"}


async def test_a_slash_in_front(table: Table) -> None:
    """That library leaves it out of the key."""
    row = table.add("slash", file=BARE | {"filename": "/in/front.txt"})

    def work(session: Session) -> None:
        paper = get(session, row)
        assert (paper.file.path, paper.file.get_content()) == ("in/front.txt", b"bare")
        paper.file.metadata["n"] = 1
        session.commit()
        assert contents(table.docs) == {"in/front.txt": b"bare"}
        session.delete(paper)
        session.commit()

    await table.run(work)
    assert contents(table.docs) == {}


async def test_unknown_fields(table: Table) -> None:
    """Fields of other versions are no hindrance, and go with the first change of the value."""
    row = table.add("bare", file=BARE)
    value = '{"backend": "docs", "filename": "a.txt", "protocol": "file", "extra": {"n": 1}, "metadata": null}'

    def work(session: Session) -> None:
        session.execute(text("UPDATE paper SET file = " + JSON[session.get_bind().dialect.name]), {"value": value})
        session.commit()
        table.docs.put("a.txt", b"a")
        assert get(session, row).file.get_content() == b"a"
        get(session, row).file.metadata = {"n": 2}
        session.commit()

    await table.run(work)
    file = table.theirs("read", row=str(row))["file"]
    assert (file["filename"], file["metadata"]) == ("a.txt", {"n": 2})
