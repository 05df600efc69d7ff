"""SQLite: three triggers for each table, and two for the rows that REPLACE removes without firing any."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from holdfast.errors import ConfigurationError
from holdfast.orm.triggers.sql import (
    LONGEST_BACKEND,
    LONGEST_PATH,
    Part,
    Quoting,
    all_of,
    any_of,
    insert,
    marked,
    trigger_name,
)
from holdfast.orm.triggers.tables import FileTable, TableName

if TYPE_CHECKING:
    from sqlalchemy import Connection

_NOW = "CAST(strftime('%s', 'now') AS INTEGER)"
_PATH = "CASE coalesce(json_type(v, '$.to_filename'), 'null') WHEN 'null' THEN '$.filename' ELSE '$.to_filename' END"
_ESCAPE = "'\\x'"  # of a binary key, as PostgreSQL writes it


class _Body(NamedTuple):
    """What a trigger does.

    Attributes:
        event: When it is looked at.
        when: The condition on which it does something.
        statements: What it does.
    """

    event: str
    when: str
    statements: list[str]


def parts(table: FileTable, quote: Quoting) -> list[Part]:
    """Return the triggers of a table.

    Raises:
        ConfigurationError: The outbox is in another database file.
    """
    schema = table.table.schema
    if schema != table.outbox.schema:
        message = (
            f"SQLite's triggers write to their own database only: the table {table.owner} is in "
            f"{schema or 'main'!r}, its outbox in {table.outbox.schema or 'main'!r}"
        )
        raise ConfigurationError(message)
    # Inside of a trigger tables of its database go by their bare names.
    table = replace(table, table=TableName(table.table.name), outbox=TableName(table.outbox.name))
    row = _Rows(table, quote)
    changed = any_of([row.differs(name) for name in (*table.files, *table.key)])
    bodies = {
        "insert": _Body("AFTER INSERT", row.holds("NEW"), [row.takes("NEW")]),
        "update": _Body("AFTER UPDATE", changed, [row.drops("OLD", row.files("NEW")), row.takes("NEW", row.kept())]),
        "delete": _Body("AFTER DELETE", row.holds("OLD"), [row.drops("OLD")]),
    }
    if unique := [names for names in (table.key, *table.unique) if names]:
        meets = any_of([f"({all_of(row.equals(name) for name in names)})" for names in unique])
        moved = any_of([row.differs(name) for names in unique for name in names])
        bodies["replace"] = _Body("BEFORE INSERT", "1", [row.removes(meets)])
        bodies["update_replace"] = _Body("BEFORE UPDATE", moved, [row.removes(meets)])
    return [_part(table, schema, quote, suffix, body) for suffix, body in bodies.items()]


def exists(connection: Connection, part: Part, quote: Quoting) -> bool:
    """Return whether a part is there as it would be made."""
    schema = quote.qualified("sqlite_master", part.table.schema)
    query = text(f"SELECT sql FROM {schema} WHERE type = 'trigger' AND name = :name")  # noqa: S608  # a quoted name
    found = connection.execute(query, {"name": part.names[0]}).scalar()
    return found is not None and part.mark in found


def _part(table: FileTable, schema: str | None, quote: Quoting, suffix: str, body: _Body) -> Part:
    name = trigger_name(table.table, suffix)
    full = quote.qualified(name, schema)
    drop = f"DROP TRIGGER IF EXISTS {full}"
    statements = "".join(f"{each};\n" for each in body.statements)

    def build(mark: str) -> list[str]:
        head = f"CREATE TRIGGER {full} {body.event} ON {quote.table(table.table)} FOR EACH ROW WHEN {body.when}"
        return [drop, f"{head}\nBEGIN\n/* {mark} */\n{statements}END"]

    mark, creates = marked(build)
    return Part(TableName(table.table.name, schema), (name,), mark, creates, (drop,))


class _Rows:
    """What a table's triggers say about its rows.

    Args:
        table: The table.
        quote: Writes its names.
    """

    def __init__(self, table: FileTable, quote: Quoting) -> None:
        self._table, self._quote = table, quote

    def differs(self, column: str) -> str:
        """Return the condition that an UPDATE changes a column."""
        name = self._quote.name(column)
        return f"OLD.{name} IS NOT NEW.{name}"

    def equals(self, column: str) -> str:
        """Return the condition that a row of the table has the new value in a column."""
        name = self._quote.name(column)
        return f"{name} = NEW.{name}"

    def holds(self, row: str) -> str:
        """Return the condition that there is anything in the file columns."""
        return any_of(f"{name} IS NOT NULL" for name in self._quote.names(self._table.files, f"{row}."))

    def kept(self) -> str:
        """Return the files that the old row held under the same primary key."""
        same = all_of(f"OLD.{name} IS NEW.{name}" for name in self._quote.names(self._table.key))
        return f"{self.files('OLD')} AND {same}" if same else self.files("OLD")

    def drops(self, row: str, kept: str = "") -> str:
        """Return the statement that notes what a row held."""
        return self._entries("drop", self._key(row), f"{self.files(row)}{f' EXCEPT {kept}' if kept else ''}")

    def takes(self, row: str, had: str = "") -> str:
        """Return the statement that notes what a row holds."""
        return self._entries("take", self._key(row), f"{self.files(row)}{f' EXCEPT {had}' if had else ''}")

    def removes(self, where: str) -> str:
        """Return the statement that notes what some rows hold that may be about to go."""
        source = f"FROM (SELECT * FROM {self._quote.table(self._table.table)} WHERE {where}) AS t"  # noqa: S608  # names are quoted
        return self._entries("drop", "e.owner", self.files("t", source))

    def files(self, row: str, source: str = "") -> str:
        """Return the SELECT of the files that a row holds, or with their owners those that the rows of `source` hold.

        What is not JSON must reach no function that reads it, and only CASE says what comes first.
        """
        extra, owner = (f", {self._key(row)} AS owner", ", owner") if source else ("", "")
        columns = [
            f"SELECT CASE {_kind(name)} WHEN 'object' THEN {name} END AS v{extra} {source}"
            for name in self._quote.names(self._table.single, f"{row}.")
        ]
        for name in self._quote.names(self._table.multiple, f"{row}."):
            array = f"CASE {_kind(name)} WHEN 'array' THEN {name} WHEN 'object' THEN json_array(json({name})) END"
            each = f"json_each({array}) AS p"
            joined = f"{source}, {each}" if source else f"FROM {each}"
            columns.append(f"SELECT CASE p.type WHEN 'object' THEN p.value END AS v{extra} {joined}")
        return (
            f"SELECT backend, path{owner} FROM (SELECT json_extract(v, '$.backend') AS backend,"  # noqa: S608  # names are quoted
            f" json_extract(v, {_PATH}) AS path, json_type(v, '$.backend') = 'text'"
            f" AND json_type(v, {_PATH}) = 'text' AS texts{owner}"
            f" FROM ({' UNION ALL '.join(columns)}) WHERE v IS NOT NULL)"
            f" WHERE texts AND {_is_sound('backend', LONGEST_BACKEND)} AND {_is_sound('path', LONGEST_PATH)}"
        )

    def _entries(self, kind: str, key: str, files: str) -> str:
        owner = self._quote.text(self._table.owner)
        start = insert(self._table, self._quote)
        return f"{start}\nSELECT '{kind}', e.backend, e.path, {owner}, {key}, {_NOW} FROM ({files}) AS e"

    def _key(self, row: str) -> str:
        names = self._quote.names(self._table.key, f"{row}.")
        if not names:
            return "NULL"
        parts = [
            f"CASE typeof({name}) WHEN 'blob' THEN {_ESCAPE} || lower(hex({name})) ELSE CAST({name} AS TEXT) END"
            for name in names
        ]
        # A primary key may be NULL here: such a row is searched for by its file.
        return (
            f"CASE WHEN {any_of(f'{name} IS NULL' for name in names)} THEN NULL ELSE json_array({', '.join(parts)}) END"
        )


def _kind(value: str) -> str:
    valid = f"CASE WHEN json_valid({value}) THEN json_type({value}) END"
    return f"CASE typeof({value}) WHEN 'text' THEN {valid} END"


def _is_sound(text: str, longest: int) -> str:
    """Return the condition that a text has a length that makes sense, and is Unicode: SQLite takes any bytes."""
    length = f"length(CAST({text} AS BLOB)) BETWEEN 1 AND {longest}"
    return f"{length} AND {text} NOT GLOB '*' || char(65533) || '*'"
