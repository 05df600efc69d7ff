"""Names and texts as a database writes them."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy import Dialect

    from holdfast.orm.triggers.tables import FileTable, TableName

_LONGEST = 63  # bytes of a name in PostgreSQL; MariaDB takes 64 characters
_MARK = 16

LONGEST_BACKEND, LONGEST_PATH = 4096, 1024  # bytes


@dataclass(frozen=True, slots=True)
class Part:
    """Triggers that are made and dropped together.

    Attributes:
        table: The table that they watch.
        names: Their names.
        mark: What tells these from older ones of the same name; it stands in their text.
        creates: The statements that make them, and first drop what has their names.
        drops: The statements that drop them, if they exist.
    """

    table: TableName
    names: tuple[str, ...]
    mark: str
    creates: tuple[str, ...]
    drops: tuple[str, ...]


class Quoting:
    """How a dialect quotes.

    Args:
        dialect: SQLAlchemy's dialect.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._preparer = dialect.identifier_preparer
        # A driver that takes % for a parameter has it doubled in names already; here statements are doubled as a whole.
        self._doubles = "%%" in self._preparer.quote_identifier("%")
        self._escapes = dialect.name in {"mysql", "mariadb"}

    def name(self, name: str) -> str:
        """Return a name, quoted if need be."""
        quoted = str(self._preparer.quote(name))
        return quoted.replace("%%", "%") if self._doubles else quoted

    def names(self, names: Iterable[str], prefix: str = "") -> list[str]:
        """Return columns of a row or a table."""
        return [f"{prefix}{self.name(name)}" for name in names]

    def qualified(self, name: str, schema: str | None) -> str:
        """Return a name with its schema, if it has one."""
        return f"{self.name(schema)}.{self.name(name)}" if schema else self.name(name)

    def table(self, table: TableName) -> str:
        """Return a table's full name."""
        return self.qualified(table.name, table.schema)

    def text(self, text: str) -> str:
        """Return a literal."""
        if self._escapes and "\\" in text:  # whether it escapes depends on the session
            return f"CONVERT(0x{text.encode().hex()} USING utf8mb4)"
        return "'" + text.replace("'", "''") + "'"


def trigger_name(table: TableName, suffix: str = "") -> str:
    """Return ``holdfast_<table>_<suffix>``, the table's name hashed when that is too long."""
    tail = f"_{suffix}" if suffix else ""
    name = f"holdfast_{table.name}{tail}"
    if len(name.encode()) <= _LONGEST:
        return name
    return f"holdfast_{sha256(table.name.encode()).hexdigest()[:_MARK]}{tail}"


def marked(build: Callable[[str], Sequence[str]]) -> tuple[str, tuple[str, ...]]:
    """Return the mark of some statements, and the statements with it: another table or version has another mark."""
    digest = sha256("\n".join(build("")).encode()).hexdigest()[:_MARK]
    mark = f"holdfast {digest}"
    return mark, tuple(build(mark))


def insert(table: FileTable, quote: Quoting) -> str:
    """Return the start of each statement that adds entries, without its SELECT."""
    columns = "kind, backend, path, owner_table, owner_key, created_at"
    return f"INSERT INTO {quote.table(table.outbox)} ({columns})"


def any_of(conditions: Iterable[str]) -> str:
    """Return a condition that holds if one of some does."""
    return " OR ".join(conditions)


def all_of(conditions: Iterable[str]) -> str:
    """Return a condition that holds if all of some do."""
    return " AND ".join(conditions)
