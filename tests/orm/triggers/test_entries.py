"""Which changes of a row put which files into the outbox."""

import json
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import Column, Connection, Engine, Integer, MetaData, String, Table, select, update

from holdfast import Outbox, StoredObject

from .rows import entries, outbox_table, run, value, values

metadata = MetaData()
document = Table(
    "document",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("title", String(50)),
    Column("slug", String(50), unique=True),
    Column("cover", StoredObject("docs")),
    Column("scan", StoredObject("docs")),
    Column("Pages", StoredObject("docs", multiple=True), key="sheets"),
)
Outbox(metadata, triggers=True)


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """A connection to the tables, whose transaction is not committed."""
    metadata.create_all(engine)
    with engine.connect() as made:
        made.pages = '"Pages"' if engine.dialect.name != "mariadb" else "`Pages`"
        yield made


def new(connection: Connection, number: int = 1, cover: str | None = None, pages: str | None = None) -> None:
    """Insert a document and forget what that noted."""
    run(
        connection,
        f"INSERT INTO document (id, title, cover, {connection.pages}) VALUES (:id, 'x', :cover, :pages)",
        id=number,
        cover=cover,
        pages=pages,
    )
    entries(connection, metadata)


def test_an_insert_takes(connection: Connection) -> None:
    """A new row takes its files, and an entry says all there is to say."""
    run(
        connection,
        f"INSERT INTO document (id, cover, {connection.pages}) VALUES (7, :cover, :pages)",
        cover=value("a/é ✓.pdf"),
        pages=values("p", "q", "p"),
    )
    found = {row.path: row for row in connection.execute(outbox_table(metadata).select())}
    assert sorted(found) == ["a/é ✓.pdf", "p", "q"]
    row = found["a/é ✓.pdf"]
    assert (row.kind, row.backend, row.owner_table, json.loads(row.owner_key)) == ("take", "docs", "document", ["7"])
    assert abs(row.created_at - time.time()) < 60


def test_an_insert_of_nothing_notes_nothing(connection: Connection) -> None:
    """Neither does an empty list."""
    run(connection, "INSERT INTO document (id) VALUES (1)")
    run(connection, f"INSERT INTO document (id, {connection.pages}) VALUES (2, '[]')")
    assert entries(connection, metadata) == []


def test_a_delete_drops(connection: Connection) -> None:
    """Of each of its columns."""
    new(connection, cover=value("a"), pages=values("p", "q"))
    run(connection, "DELETE FROM document")
    assert entries(connection, metadata) == [(("drop"), path, "document", "1") for path in "apq"]


def test_an_update_drops_and_takes(connection: Connection) -> None:
    """The old file and the new one; in a list only those that came or went."""
    new(connection, cover=value("a"), pages=values("p", "q"))
    run(
        connection,
        f"UPDATE document SET cover = :cover, {connection.pages} = :pages",
        cover=value("b"),
        pages=values("q", "r"),
    )
    assert entries(connection, metadata) == [
        ("drop", "a", "document", "1"),
        ("drop", "p", "document", "1"),
        ("take", "b", "document", "1"),
        ("take", "r", "document", "1"),
    ]


@pytest.mark.parametrize(
    "change",
    [
        "title = 'y'",
        "cover = cover",
        "cover = scan, scan = cover",
        "cover = NULL, scan = {cover}",
        "cover = {changed}",
        "cover = {spaces}",
    ],
)
def test_a_file_that_stays_is_neither(connection: Connection, kind: str, change: str) -> None:
    """A row that keeps its file, in the same column or another, with other metadata even."""
    if kind == "mariadb" and "scan = cover" in change:
        change = "scan = cover, cover = NULL"  # it assigns from left to right
    new(connection, cover=value("a"))
    texts = {"cover": value("a"), "changed": value("a", size=3), "spaces": value("a").replace(": ", ":")}
    run(connection, f"UPDATE document SET {change.format(**{name: f':{name}' for name in texts})}", **texts)
    assert entries(connection, metadata) == []


def test_keys_that_a_collation_takes_for_one(connection: Connection) -> None:
    """Differ in the case of a letter, an accent, a space at the end."""
    for old, made in [("a", "A"), ("e", "é"), ("a", "a ")]:
        new(connection, cover=value(old))
        run(connection, "UPDATE document SET cover = :cover", cover=value(made))
        assert entries(connection, metadata) == sorted(
            [("drop", old, "document", "1"), ("take", made, "document", "1")]
        )
        run(connection, "DELETE FROM document")
        entries(connection, metadata)


def test_storages_are_told_apart(connection: Connection) -> None:
    """The same key in another storage is another file."""
    new(connection, cover=value("a"))
    run(connection, "UPDATE document SET cover = :cover", cover=value("a", backend="archive"))
    table = outbox_table(metadata)
    found = connection.execute(select(table.c.kind, table.c.backend, table.c.path)).all()
    assert sorted(map(tuple, found)) == [("drop", "docs", "a"), ("take", "archive", "a")]


def test_rows_of_advanced_alchemy(connection: Connection) -> None:
    """Their key is the filename, whether the other field is null or absent."""
    for number, text in enumerate(
        ['{"backend": "docs", "filename": "a"}', '{"backend": "docs", "filename": "a", "to_filename": null}'], start=1
    ):
        new(connection, number, cover=text)
    run(connection, "DELETE FROM document")
    assert entries(connection, metadata) == [("drop", "a", "document", "1"), ("drop", "a", "document", "2")]


def test_a_changed_key(connection: Connection) -> None:
    """A row that keeps its file under another key takes it anew; one that lets go of it does so by its old key."""
    new(connection, cover=value("a"), pages=values("p", "q"))
    run(connection, "UPDATE document SET id = 2")
    assert entries(connection, metadata) == [("take", path, "document", "2") for path in "apq"]
    run(connection, "UPDATE document SET id = 3, cover = :cover", cover=value("b"))
    assert entries(connection, metadata) == [
        ("drop", "a", "document", "2"),
        *(("take", path, "document", "3") for path in "bpq"),
    ]


def test_statements_of_many_rows(connection: Connection) -> None:
    """One entry for each row: INSERT from SELECT, UPDATE and DELETE without WHERE, a list of parameters."""
    new(connection, 1, cover=value("a"))
    new(connection, 2, cover=value("b"))
    run(connection, "INSERT INTO document (id, cover) SELECT id + 10, cover FROM document")
    assert entries(connection, metadata) == [("take", "a", "document", "11"), ("take", "b", "document", "12")]
    run(connection, "UPDATE document SET cover = NULL WHERE id > 10")
    assert entries(connection, metadata) == [("drop", "a", "document", "11"), ("drop", "b", "document", "12")]
    connection.execute(document.insert(), [{"id": 20}, {"id": 21}])
    connection.execute(update(document).where(document.c.id < 10).values(cover=None))
    assert entries(connection, metadata) == [("drop", "a", "document", "1"), ("drop", "b", "document", "2")]


def test_a_swap(connection: Connection) -> None:
    """Each file is dropped by one row and taken by the other."""
    new(connection, 1, cover=value("a"))
    new(connection, 2, cover=value("b"))
    run(
        connection,
        "UPDATE document SET cover = CASE id WHEN 1 THEN {} ELSE {} END".format(
            *(
                f"CAST(:{name} AS jsonb)" if connection.dialect.name == "postgresql" else f":{name}"
                for name in ("one", "two")
            )
        ),
        one=value("b"),
        two=value("a"),
    )
    assert entries(connection, metadata) == [
        ("drop", "a", "document", "1"),
        ("drop", "b", "document", "2"),
        ("take", "a", "document", "2"),
        ("take", "b", "document", "1"),
    ]


UPSERTS = {
    "postgresql": "ON CONFLICT (id) DO UPDATE SET cover = excluded.cover",
    "sqlite": "ON CONFLICT (id) DO UPDATE SET cover = excluded.cover",
    "mariadb": "ON DUPLICATE KEY UPDATE cover = VALUES(cover)",
}


def test_an_upsert(connection: Connection, kind: str) -> None:
    """The file that it replaces is dropped."""
    new(connection, cover=value("a"))
    run(connection, f"INSERT INTO document (id, cover) VALUES (1, :cover) {UPSERTS[kind]}", cover=value("b"))
    assert set(entries(connection, metadata)) == {("drop", "a", "document", "1"), ("take", "b", "document", "1")}


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("mariadb", marks=pytest.mark.mariadb)])
def test_replace(connection: Connection) -> None:
    """A row that makes way for another drops its file, found by primary key or by any unique column."""
    new(connection, cover=value("a"), pages=values("p"))
    run(connection, "REPLACE INTO document (id, slug, cover) VALUES (1, 's', :cover)", cover=value("b"))
    assert entries(connection, metadata) == [
        ("drop", "a", "document", "1"),
        ("drop", "p", "document", "1"),
        ("take", "b", "document", "1"),
    ]
    run(connection, "REPLACE INTO document (id, slug, cover) VALUES (2, 's', :cover)", cover=value("c"))
    assert entries(connection, metadata) == [("drop", "b", "document", "1"), ("take", "c", "document", "2")]


@pytest.mark.parametrize("kind", ["sqlite"])
def test_update_or_replace(connection: Connection) -> None:
    """SQLite removes rows for an UPDATE as well."""
    new(connection, 1, cover=value("a"))
    new(connection, 2, cover=value("b"))
    run(connection, "UPDATE OR REPLACE document SET id = 1 WHERE id = 2")
    assert entries(connection, metadata) == [("drop", "a", "document", "1"), ("take", "b", "document", "1")]


def test_a_rollback_takes_entries_back(connection: Connection) -> None:
    """They share the transaction's fate, a savepoint's too."""
    new(connection, cover=value("a"))
    run(connection, "SAVEPOINT one")
    run(connection, "DELETE FROM document")
    run(connection, "ROLLBACK TO SAVEPOINT one")
    assert entries(connection, metadata) == []
