"""Who holds an object: asked by its key, of all rows, before it is taken over or deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.maintenance.snapshot import snapshot
from holdfast.orm import holders
from holdfast.orm.engines import engine_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from holdfast.maintenance.rows import Rows
    from holdfast.saving import Ref


def held(rows: Rows, wanted: Collection[Ref]) -> set[Ref]:
    """Return which of some files any row holds.

    Without an index on the keys this reads all tables.
    """
    found: set[Ref] = set()
    for engine in rows.engines if wanted else []:
        with snapshot(rows.session, engine) as connection:
            for each in rows.columns.tables:
                if engine_of(rows.session, each.table) is engine:
                    found |= holders.search(connection, each.columns, wanted)
    return found
