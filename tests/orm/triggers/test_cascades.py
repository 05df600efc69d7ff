"""Rows that the database changes by itself, through foreign keys."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Column, Connection, Engine, ForeignKey, ForeignKeyConstraint, Integer, MetaData, String, Table

from holdfast import Outbox, StoredObject

from .rows import entries, run, value, values

metadata = MetaData()
Table("shelf", metadata, Column("id", Integer, primary_key=True))
Table(
    "folder",  # a tree; it holds files, and so do those below it
    metadata,
    Column("id", Integer, primary_key=True),
    Column("shelf_id", ForeignKey("shelf.id", ondelete="cascade")),
    Column("parent_id", ForeignKey("folder.id", ondelete="CASCADE")),
    Column("icon", StoredObject("docs")),
)
Table(
    "document",
    metadata,
    Column("folder_id", ForeignKey("folder.id", ondelete="CASCADE", onupdate="CASCADE"), primary_key=True),
    Column("code", String(10), primary_key=True),
    Column("next_page", ForeignKey("page.id", ondelete="CASCADE", use_alter=True, name="next_page")),
    Column("cover", StoredObject("docs")),
    Column("pages", StoredObject("docs", multiple=True)),
)
Table(
    "page",  # in a circle with documents
    metadata,
    Column("id", Integer, primary_key=True),
    Column("folder_id", Integer),
    Column("code", String(10)),
    Column("scan", StoredObject("docs")),
    ForeignKeyConstraint(
        ["folder_id", "code"], ["document.folder_id", "document.code"], ondelete="CASCADE", onupdate="CASCADE"
    ),
)
Table(
    "note",  # loses its document, not its file
    metadata,
    Column("id", Integer, primary_key=True),
    Column("page_id", ForeignKey("page.id", ondelete="SET NULL")),
    Column("file", StoredObject("docs")),
)
# Unlike names that the triggers might give to tables of their own.
Table("t", metadata, Column("g", Integer, primary_key=True))
Table("s", metadata, Column("v", ForeignKey("t.g", ondelete="CASCADE"), primary_key=True), Column("p", StoredObject()))
Outbox(metadata, triggers=True)


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """A connection to the tables."""
    metadata.create_all(engine)
    with engine.connect() as made:
        yield made


@pytest.fixture
def shelf(connection: Connection) -> Connection:
    """A shelf with folders, documents and pages; another folder beside it."""
    run(connection, "INSERT INTO shelf (id) VALUES (1)")
    for number, shelf_id, parent in [(1, 1, None), (2, None, 1), (3, None, 2), (4, None, None)]:
        run(
            connection,
            "INSERT INTO folder (id, shelf_id, parent_id, icon) VALUES (:id, :shelf, :parent, :icon)",
            id=number,
            shelf=shelf_id,
            parent=parent,
            icon=value(f"folder{number}"),
        )
    for folder, code in [(1, "a"), (3, "b"), (4, "c")]:
        run(
            connection,
            "INSERT INTO document (folder_id, code, cover, pages) VALUES (:folder, :code, :cover, :pages)",
            folder=folder,
            code=code,
            cover=value(f"cover-{code}"),
            pages=values(f"{code}1", f"{code}2"),
        )
    for number, folder, code in [(1, 1, "a"), (2, 3, "b"), (3, 4, "c")]:
        run(
            connection,
            "INSERT INTO page (id, folder_id, code, scan) VALUES (:id, :folder, :code, :scan)",
            id=number,
            folder=folder,
            code=code,
            scan=value(f"scan{number}"),
        )
    run(connection, "INSERT INTO note (id, page_id, file) VALUES (1, 2, :file)", file=value("note"))
    entries(connection, metadata)
    return connection


def below(connection: Connection) -> set[str]:
    """Return what the drops of the rows say, each as table, key and path; notes are no loss."""
    return {f"{table} {key} {path}" for kind, path, table, key in entries(connection, metadata) if kind == "drop"}


DOCUMENT_A = {"document 1,a cover-a", "document 1,a a1", "document 1,a a2", "page 1 scan1"}
DOCUMENT_B = {"document 3,b cover-b", "document 3,b b1", "document 3,b b2", "page 2 scan2"}
DOCUMENT_C = {"document 4,c cover-c", "document 4,c c1", "document 4,c c2", "page 3 scan3"}


@pytest.mark.parametrize(
    ("statement", "dropped"),
    [
        ("DELETE FROM shelf", {"folder 1 folder1", "folder 2 folder2", "folder 3 folder3", *DOCUMENT_A, *DOCUMENT_B}),
        ("DELETE FROM folder WHERE id = 2", {"folder 2 folder2", "folder 3 folder3", *DOCUMENT_B}),
        ("DELETE FROM folder WHERE id = 4", {"folder 4 folder4", *DOCUMENT_C}),
        ("DELETE FROM document WHERE code = 'b'", DOCUMENT_B),
        ("DELETE FROM page WHERE id = 1", {"page 1 scan1"}),
        ("DELETE FROM note", {"note 1 note"}),
    ],
)
def test_on_delete_cascade(shelf: Connection, statement: str, dropped: set[str]) -> None:
    """Every file that went is noted with its own row, however deep it lay; one whose row lost its reference is not."""
    run(shelf, statement)
    assert below(shelf) == dropped


@pytest.mark.parametrize(
    "kind",  # SQLAlchemy makes no such foreign key on SQLite
    [pytest.param("postgresql", marks=pytest.mark.postgres), pytest.param("mariadb", marks=pytest.mark.mariadb)],
)
def test_a_circle(shelf: Connection) -> None:
    """Documents and pages that refer to each other: both ways round."""
    run(shelf, "UPDATE document SET next_page = 1 WHERE code = 'b'")
    run(shelf, "UPDATE document SET next_page = 2 WHERE code = 'c'")
    run(shelf, "DELETE FROM page WHERE id = 1")
    dropped = below(shelf)
    assert {"page 1 scan1", *DOCUMENT_B} <= dropped
    if shelf.dialect.name != "mariadb":  # around once, see `holdfast.orm.triggers.cascades`
        assert dropped == {"page 1 scan1", *DOCUMENT_B, *DOCUMENT_C}


def test_a_row_above_itself(connection: Connection) -> None:
    """A circle of rows ends."""
    run(connection, "INSERT INTO folder (id, icon) VALUES (1, :icon)", icon=value("a"))
    run(connection, "UPDATE folder SET parent_id = 1")
    entries(connection, metadata)
    run(connection, "DELETE FROM folder")
    assert below(connection) == {"folder 1 a"}


def test_on_update_cascade(shelf: Connection) -> None:
    """A row that gets another key that way takes its files anew, under it."""
    run(shelf, "UPDATE folder SET id = 5 WHERE id = 4")
    found = entries(shelf, metadata)
    assert [row for row in found if row[0] == "drop"] == []
    taken = {("take", path, "document", "5,c") for path in ("cover-c", "c1", "c2")}
    assert taken | {("take", "folder4", "folder", "5")} <= set(found)


def test_names_of_the_triggers_own(connection: Connection) -> None:
    """Tables and columns may be called what the statements call theirs."""
    run(connection, "INSERT INTO t (g) VALUES (1)")
    run(connection, "INSERT INTO s (v, p) VALUES (1, :p)", p=value("a"))
    run(connection, "DELETE FROM t")
    assert set(entries(connection, metadata)) == {("take", "a", "s", "1"), ("drop", "a", "s", "1")}


@pytest.mark.parametrize("kind", ["sqlite"])
def test_replace_cascades(shelf: Connection) -> None:
    """SQLite fires the triggers of what goes with a row that makes way for another."""
    run(shelf, "REPLACE INTO folder (id) VALUES (4)")
    assert below(shelf) == {"folder 4 folder4", *DOCUMENT_C}
