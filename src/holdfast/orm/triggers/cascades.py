"""MariaDB and MySQL fire no triggers for what a foreign key cascades to: triggers on the tables above stand in.

A row is deleted there with everything below it, so the trigger BEFORE DELETE of each table above one with files walks
down to them: along every way on which no table comes twice, and in a table that cascades to itself (a tree) to any
depth. Longer circles are walked around once; what lies deeper is left to ``holdfast sweep``.

A changed primary key is followed as well, AFTER UPDATE: a file that is to be deleted is looked for in its row, which
has another name now.
"""

from __future__ import annotations

from hashlib import sha256
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from holdfast.orm.triggers.mariadb_rows import BELOW, Rows, differ
from holdfast.orm.triggers.sql import all_of, any_of, trigger_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from holdfast.orm.triggers.sql import Quoting
    from holdfast.orm.triggers.tables import Cascade, FileTable, TableName

_HASH = 8
_STEP = "holdfast_step"


class Watch(NamedTuple):
    """A trigger.

    Attributes:
        table: The table that it watches.
        name: Its name.
        event: When it is looked at.
        when: The condition on which it does something.
        body: The statements.
    """

    table: TableName
    name: str
    event: str
    when: str
    body: list[str]


def watches(table: FileTable, quote: Quoting, rows: Rows) -> Iterator[Watch]:
    """Yield the triggers that watch the tables above one with files."""
    deletes = [each for each in table.cascades if each.deletes]
    for above, ways in _ways(table.table, deletes).items():
        body = [rows.notes("drop", _Walk(table, quote, deletes).tables(above, way, "OLD")) for way in ways]
        yield Watch(above, _name(table.table, above, "delete"), "BEFORE DELETE", "TRUE", body)
    updates = [each for each in table.cascades if each.updates]
    for above, ways in _ways(table.table, updates).items():
        renamed = [way for way in ways if set(way[-1].local) & set(table.key)]
        body = [rows.notes("take", _Walk(table, quote, updates).tables(above, way, "NEW")) for way in renamed]
        remote = dict.fromkeys(name for way in renamed for name in way[0].remote)
        if body:
            yield Watch(above, _name(table.table, above, "update"), "AFTER UPDATE", differ(quote.names(remote)), body)


def _name(table: TableName, above: TableName, suffix: str) -> str:
    names = "\0".join(map(str, (table.schema, table.name, above.schema, above.name)))
    return trigger_name(table, f"{sha256(names.encode()).hexdigest()[:_HASH]}_{suffix}")


def _ways(table: TableName, cascades: Sequence[Cascade]) -> dict[TableName, list[tuple[Cascade, ...]]]:
    """Return the ways down to a table from each above it, itself included where it is in a circle."""
    found: dict[TableName, list[tuple[Cascade, ...]]] = {}
    rest: list[tuple[Cascade, ...]] = [(each,) for each in cascades if each.source == table]
    while rest:
        way = rest.pop()
        above = way[0].referent
        found.setdefault(above, []).append(way)
        passed = {step.source for step in way}
        if above not in passed:
            rest += [(each, *way) for each in cascades if each.source == above and each.referent != above]
    return found


class _Walk:
    """The tables of a WITH that lead from a row to the rows below it.

    Args:
        table: The table with files.
        quote: Writes names.
        cascades: The foreign keys to follow.
    """

    def __init__(self, table: FileTable, quote: Quoting, cascades: Iterable[Cascade]) -> None:
        self._table, self._quote = table, quote
        self._circles: dict[TableName, list[Cascade]] = {}
        for each in cascades:
            if each.source == each.referent:
                self._circles.setdefault(each.source, []).append(each)

    def tables(self, above: TableName, way: Sequence[Cascade], row: str) -> str:
        """Return the WITH for one way down; its last table, `BELOW`, has the rows with files."""
        name = f"{_STEP}0"
        start = ", ".join(f"{row}.{column} AS {column}" for column in self._needed(above, way[0]))
        steps = [f"{name} AS (SELECT {start}{self._circle(above, way[0], name)})"]
        for number, (edge, following) in enumerate(pairwise(way)):
            name = f"{_STEP}{number + 1}"
            below = f"SELECT {self._columns(edge.source, following)} {self._join(edge, f'{_STEP}{number}')}"
            steps.append(f"{name} AS ({below}{self._circle(edge.source, following, name)})")
        steps += self._last(way[-1], len(way) - 1)
        return "WITH RECURSIVE " + ",\n".join(steps)

    def _last(self, edge: Cascade, number: int) -> list[str]:
        names = ", ".join(self._quote.names((*self._table.key, *self._table.files), "s."))
        circles = self._circles.get(edge.source)
        if not circles:
            return [f"{BELOW} AS (SELECT {names} {self._join(edge, f'{_STEP}{number}')})"]
        name = f"{_STEP}{number + 1}"
        below = f"SELECT {self._columns(edge.source, None)} {self._join(edge, f'{_STEP}{number}')}"
        same = all_of(f"s.{each} = g.{each}" for each in self._needed(edge.source, None))
        return [
            f"{name} AS ({below}{self._circle(edge.source, None, name)})",
            f"{BELOW} AS (SELECT {names} FROM {self._quote.table(edge.source)} AS s JOIN {name} AS g ON {same})",  # noqa: S608  # names are quoted
        ]

    def _columns(self, table: TableName, edge: Cascade | None) -> str:
        return ", ".join(f"s.{name}" for name in self._needed(table, edge))

    def _needed(self, table: TableName, edge: Cascade | None) -> list[str]:
        """Return the columns of a table that the next step, or the next turn of its circle, joins on."""
        edges = [*([edge] if edge else []), *self._circles.get(table, [])]
        return self._quote.names(dict.fromkeys(name for each in edges for name in each.remote))

    def _circle(self, table: TableName, edge: Cascade | None, name: str) -> str:
        turns = self._circles.get(table, [])
        if not turns or (edge and edge.source == edge.referent):  # this step is the circle
            return ""
        on = any_of(f"({self._on(each)})" for each in turns)
        source = f"FROM {self._quote.table(table)} AS s JOIN {name} AS g ON {on}"
        return f" UNION SELECT {self._columns(table, edge)} {source}"

    def _join(self, edge: Cascade, name: str) -> str:
        return f"FROM {self._quote.table(edge.source)} AS s JOIN {name} AS g ON {self._on(edge)}"

    def _on(self, edge: Cascade) -> str:
        pairs = zip(self._quote.names(edge.local, "s."), self._quote.names(edge.remote, "g."), strict=True)
        return all_of(f"{local} = {remote}" for local, remote in pairs)
