"""MariaDB and MySQL: three triggers for each table, and those of `cascades` on the tables above it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from holdfast.orm.triggers import cascades
from holdfast.orm.triggers.cascades import Watch
from holdfast.orm.triggers.mariadb_rows import Rows, differ
from holdfast.orm.triggers.sql import Part, Quoting, marked, trigger_name

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from holdfast.orm.triggers.tables import FileTable

_FOUND = text(
    "SELECT action_statement FROM information_schema.triggers"
    " WHERE trigger_schema = coalesce(:schema, DATABASE()) AND trigger_name = :name"
)


def parts(table: FileTable, quote: Quoting) -> list[Part]:
    """Return the triggers of a table."""
    rows = Rows(table, quote)
    changed = differ(quote.names((*table.files, *table.key)))
    bodies = {
        "insert": (rows.holds("NEW"), [rows.takes()]),
        "update": (changed, [rows.drops(update=True), rows.takes(update=True)]),
        "delete": (rows.holds("OLD"), [rows.drops()]),
    }
    watched = [
        Watch(table.table, trigger_name(table.table, event), f"AFTER {event.upper()}", when, body)
        for event, (when, body) in bodies.items()
    ]
    return [_part(each, quote) for each in [*watched, *cascades.watches(table, quote, rows)]]


def exists(connection: Connection, part: Part, quote: Quoting) -> bool:  # noqa: ARG001  # as the other dialects
    """Return whether a part is there as it would be made."""
    values = {"schema": part.table.schema, "name": part.names[0]}
    found = connection.execute(_FOUND, values).scalar()
    return found is not None and part.mark in found


def _part(watch: Watch, quote: Quoting) -> Part:
    full = quote.qualified(watch.name, watch.table.schema)
    drop = f"DROP TRIGGER IF EXISTS {full}"
    statements = "".join(f"{each};\n" for each in watch.body)

    def build(mark: str) -> list[str]:
        head = f"CREATE TRIGGER {full} {watch.event} ON {quote.table(watch.table)} FOR EACH ROW"
        # IF, not a WHERE in the statements: a row that keeps its files costs 3 µs then, not 90.
        return [drop, f"{head}\nIF {watch.when} THEN\n/* {mark} */\n{statements}END IF"]

    mark, creates = marked(build)
    return Part(watch.table, (watch.name,), mark, creates, (drop,))
