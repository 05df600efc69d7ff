"""What is not the value of a file is passed over, and no statement fails for it."""

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import Column, Connection, Engine, Integer, MetaData, String, Table

from holdfast import Outbox, StoredObject

from .rows import entries, run, value

metadata = MetaData()
Table(
    "document",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("title", String(9)),
    Column("cover", StoredObject("docs")),
    Column("pages", StoredObject("docs", multiple=True)),
)
Outbox(metadata, triggers=True)

LONG = "x" * 1025
DEEP = "[" * 20 + "]" * 20

# Text -> the keys that it holds in a column of one file, and in one of several.
VALUES = {
    "null": ("", ""),
    "3": ("", ""),
    "-1.5e300": ("", ""),
    "true": ("", ""),
    '"a"': ("", ""),
    "{}": ("", ""),
    "[]": ("", ""),
    '{"backend": "docs"}': ("", ""),
    '{"filename": "a"}': ("", ""),
    '{"backend": null, "filename": "a"}': ("", ""),
    '{"backend": 3, "filename": "a"}': ("", ""),
    '{"backend": {"a": 1}, "filename": "a"}': ("", ""),
    '{"backend": "", "filename": "a"}': ("", ""),
    '{"backend": "docs", "filename": 3}': ("", ""),
    '{"backend": "docs", "filename": ""}': ("", ""),
    '{"backend": "docs", "filename": "a", "to_filename": 3}': ("", ""),
    '{"backend": "docs", "filename": "a", "to_filename": ""}': ("", ""),
    '{"backend": "docs", "filename": "a", "to_filename": ["b"]}': ("", ""),
    value(LONG): ("", ""),
    value("é" * 513): ("", ""),
    value("x", backend="x" * 5000): ("", ""),
    value("a", metadata=json.loads(DEEP)): ("a", "a"),
    value("a"): ("a", "a"),
    f"[{value('a')}]": ("", "a"),
    f'[[{value("b")}], null, 3, "x", {{}}, {value(LONG)}, {value("a")}]': ("", "a"),
}
NOT_JSON = {
    "": ("", ""),
    "{": ("", ""),
    "\x00": ("", ""),
    value("a") + ",": ("", ""),
    f"[{value('a')}": ("", ""),
    "[" * 5000 + "]" * 5000: ("", ""),
}


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """A connection to the tables."""
    metadata.create_all(engine)
    with engine.connect() as made:
        yield made


def check(connection: Connection, text: object, keys: tuple[str, str]) -> None:
    """Let rows take, keep and drop a value in each column."""
    for column, expected in zip(("cover", "pages"), keys, strict=True):
        run(connection, f"INSERT INTO document (id, {column}) VALUES (1, :value)", value=text)
        assert entries(connection, metadata) == [("take", key, "document", "1") for key in expected]
        run(connection, "UPDATE document SET title = 'x'")
        assert entries(connection, metadata) == []
        run(connection, f"UPDATE document SET {column} = :value", value=value("other"))
        dropped = [("drop", key, "document", "1") for key in expected]
        assert entries(connection, metadata) == [*dropped, ("take", "other", "document", "1")]
        run(connection, f"UPDATE document SET {column} = :value", value=text)
        entries(connection, metadata)
        run(connection, "DELETE FROM document")
        assert entries(connection, metadata) == dropped


@pytest.mark.parametrize("text", VALUES)
def test_json(connection: Connection, text: str) -> None:
    """JSON of every shape."""
    check(connection, text, VALUES[text])


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("mariadb", marks=pytest.mark.mariadb)])
@pytest.mark.parametrize("text", NOT_JSON)
def test_not_json(connection: Connection, kind: str, text: str) -> None:
    """Databases that keep text keep any text."""
    if kind == "mariadb":  # whose JSON is text with a check
        run(connection, "ALTER TABLE document MODIFY cover LONGTEXT, MODIFY pages LONGTEXT")
    check(connection, text, NOT_JSON[text])


@pytest.mark.parametrize("kind", ["sqlite"])
def test_half_a_character(connection: Connection) -> None:
    """A key that no client could read back out of the outbox never gets there."""
    broken = '{"backend": "docs", "filename": "a\\ud800"}'
    check(connection, broken, ("", ""))
    check(connection, f"[{broken}, {value('b')}]", ("", "b"))
    check(connection, '{"backend": "docs", "filename": "\\ud83d\\ude00"}', ("😀", "😀"))


@pytest.mark.parametrize("kind", ["sqlite"])
@pytest.mark.parametrize("stored", [3, 1.5, b"{}", b"\xff", value("a").encode()])
def test_not_text(connection: Connection, stored: object) -> None:
    """A column of SQLite keeps anything."""
    check(connection, stored, ("", ""))
