"""What triggers of MariaDB and MySQL say about rows with files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.orm.triggers.sql import LONGEST_BACKEND, LONGEST_PATH, Quoting, any_of, insert

if TYPE_CHECKING:
    from collections.abc import Iterable

    from holdfast.orm.triggers.tables import FileTable

_BACKSLASH = "CHAR(92 USING utf8mb4)"  # what a literal one means depends on the session


BELOW = "holdfast_below"  # unlike any name of the user's: a table in a WITH hides others


class Rows:
    """The conditions and statements of a table's triggers.

    Args:
        table: The table.
        quote: Writes its names.
    """

    def __init__(self, table: FileTable, quote: Quoting) -> None:
        self._table, self._quote = table, quote

    def holds(self, row: str) -> str:
        """Return the condition that there is anything in the file columns."""
        return any_of(f"{name} IS NOT NULL" for name in self._quote.names(self._table.files, f"{row}."))

    def drops(self, *, update: bool = False) -> str:
        """Return the statement that notes what the old row held, and the new row does not hold after an UPDATE."""
        return self._changes("drop", "OLD", self._missing("NEW") if update else "")

    def takes(self, *, update: bool = False) -> str:
        """Return the statement that notes what the new row holds, and the old one did not under the same key."""
        if not update:
            return self._changes("take", "NEW", "")
        moved = differ(self._quote.names(self._table.key))
        missing = self._missing("OLD")
        return self._changes("take", "NEW", f"{moved} OR {missing}" if moved else missing)

    def notes(self, kind: str, tables: str) -> str:
        """Return the statement that notes what some rows hold, those of the last table in a WITH, `BELOW`."""
        files = self._files(BELOW, f"FROM {BELOW}")
        return f"{insert(self._table, self._quote)}\n{tables}\n{self._entries(kind, 'e.owner')} FROM ({files}) AS e"

    def _changes(self, kind: str, row: str, where: str) -> str:
        entries = f"{self._entries(kind, self._key(row))} FROM ({self._files(row)}) AS e"
        return f"{insert(self._table, self._quote)}\n{entries}{f' WHERE {where}' if where else ''}"

    def _entries(self, kind: str, key: str) -> str:
        return f"SELECT '{kind}', e.backend, e.path, {self._quote.text(self._table.owner)}, {key}, UNIX_TIMESTAMP()"

    def _missing(self, row: str) -> str:
        # As binary: a collation may take two keys for one, for a space at the end or the case of a letter.
        same = " AND ".join(f"CAST(x.{name} AS BINARY) = CAST(e.{name} AS BINARY)" for name in ("backend", "path"))
        return f"NOT EXISTS (SELECT 1 FROM ({self._files(row)}) AS x WHERE {same})"  # noqa: S608  # names are quoted

    def _files(self, row: str, source: str = "") -> str:
        """Return the SELECT of the files that a row holds, or with their owners those of the rows in `source`."""
        extra, owner = (f", {self._key(row)} AS owner", ", owner") if source else ("", "")
        # One array of all columns: MariaDB cannot read a table of a WITH twice where that holds OLD or NEW.
        single = [_if_valid(f"CONCAT('[', {name}, ']')") for name in self._quote.names(self._table.single, f"{row}.")]
        several = [_as_array(name) for name in self._quote.names(self._table.multiple, f"{row}.")]
        array = f"JSON_MERGE_PRESERVE('[]', {', '.join(single + several)})"
        start = f"{source}, " if source else "FROM "
        each = f"SELECT p.v{extra} {start}JSON_TABLE({array}, '$[*]' COLUMNS (v JSON PATH '$')) AS p"
        path = (
            "IF(coalesce(JSON_TYPE(JSON_EXTRACT(v, '$.to_filename')), 'NULL') = 'NULL',"
            " JSON_EXTRACT(v, '$.filename'), JSON_EXTRACT(v, '$.to_filename'))"
        )
        return (
            f"SELECT backend, path{owner} FROM"  # noqa: S608  # names are quoted
            f" (SELECT {_unquoted('b')} AS backend, {_unquoted('p')} AS path{owner} FROM"
            f" (SELECT JSON_EXTRACT(v, '$.backend') AS b, {path} AS p{owner}"
            f" FROM ({each}) AS f WHERE JSON_TYPE(v) = 'OBJECT') AS g"
            " WHERE JSON_TYPE(b) = 'STRING' AND JSON_TYPE(p) = 'STRING') AS h"
            f" WHERE LENGTH(backend) BETWEEN 1 AND {LONGEST_BACKEND} AND LENGTH(path) BETWEEN 1 AND {LONGEST_PATH}"
        )

    def _key(self, row: str) -> str:
        names = self._quote.names(self._table.key, f"{row}.")
        return f"JSON_ARRAY({', '.join(map(_as_text, names))})" if names else "NULL"


def differ(names: Iterable[str]) -> str:
    """Return the condition that an UPDATE changes any of some quoted columns."""
    return any_of(f"NOT (OLD.{name} <=> NEW.{name})" for name in names)


def _if_valid(array: str) -> str:
    return f"IF(JSON_VALID({array}), {array}, '[]')"


def _as_array(name: str) -> str:
    kind = f"JSON_TYPE(IF(JSON_VALID({name}), {name}, NULL))"
    return f"CASE {kind} WHEN 'ARRAY' THEN {name} WHEN 'OBJECT' THEN CONCAT('[', {name}, ']') ELSE '[]' END"


def _unquoted(value: str) -> str:
    return f"CONVERT(JSON_UNQUOTE({value}) USING utf8mb4)"


def _as_text(value: str) -> str:
    # CONCAT: the character set of a bare number is called binary, too.
    binary = f"CONCAT({_BACKSLASH}, 'x', LOWER(HEX({value})))"
    return f"IF(CHARSET(CONCAT({value})) = 'binary', {binary}, CONVERT({value} USING utf8mb4))"
