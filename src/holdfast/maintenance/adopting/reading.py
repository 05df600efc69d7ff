"""The rows that have no file yet, and what their old columns say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import or_, select, text

from holdfast.maintenance.adopting.places import exact, plain_value
from holdfast.maintenance.rewriting.keyorder import in_order
from holdfast.maintenance.rewriting.walk import PAGE, beyond
from holdfast.maintenance.snapshot import snapshot
from holdfast.orm import rowkeys
from holdfast.orm.engines import engine_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Row, Select

    from holdfast.maintenance.adopting.places import Target
    from holdfast.maintenance.rows import Rows


class OldRow(NamedTuple):
    """A row whose file column is NULL and whose old columns are not.

    Attributes:
        identity: The primary key.
        values: What the old columns hold.
        exact: The same, as `holdfast.maintenance.adopting.places.exact` has it.
    """

    identity: tuple[Any, ...]
    values: tuple[Any, ...]
    exact: tuple[Any, ...]


class OldRows:
    """Such rows in the order of their keys.

    Args:
        rows: The rows of all tables.
        target: The columns.
        where: Only rows that meet this.
        size: Rows of a page.
    """

    def __init__(
        self, rows: Rows, target: Target, *, where: str | ColumnElement[bool] | None = None, size: int = PAGE
    ) -> None:
        self._session, self._target, self._size = rows.session, target, size
        self.engine = engine_of(rows.session, target.table)
        self._keys: Sequence[Any] = list(target.table.primary_key.columns)
        self._query = self._select(where)

    def pages(self) -> Iterator[list[OldRow]]:
        """Yield them, each page read in a transaction of its own."""
        query = self._query.order_by(*in_order(self._keys)).limit(self._size)
        page = self._read(query)
        while page:
            yield page
            if len(page) < self._size:
                return
            page = self._read(query.where(beyond(self._keys, page[-1].identity)))

    def again(self, identities: Sequence[tuple[Any, ...]]) -> list[OldRow]:
        """Return those of some rows that still have no file."""
        dialect = self.engine.dialect
        encoded = [rowkeys.encode(self._target.table, each, dialect) for each in identities]
        return self._read(self._query.where(rowkeys.matching(self._target.table, encoded, dialect))) if encoded else []

    def _select(self, where: str | ColumnElement[bool] | None) -> Select[Any]:
        sources = self._target.sources
        columns = [*map(plain_value, sources), *(exact(each, self.engine.dialect) for each in sources)]
        # Two columns of one name would be one in the result.
        labelled = [column.label(f"holdfast_{index}") for index, column in enumerate(columns)]
        query = select(*self._keys, *labelled).where(
            self._target.column.is_(None), or_(*(each.is_not(None) for each in sources))
        )
        if where is not None:
            query = query.where(text(f"({where})") if isinstance(where, str) else where)
        return query

    def _read(self, query: Select[Any]) -> list[OldRow]:
        with snapshot(self._session, self.engine) as connection:
            return [self._row(row) for row in connection.execute(query)]

    def _row(self, row: Row[Any]) -> OldRow:
        parts = tuple(row)
        keys, middle = len(self._keys), len(self._keys) + len(self._target.sources)
        return OldRow(parts[:keys], parts[keys:middle], parts[middle:])
