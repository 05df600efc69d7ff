"""`migrate` in shards: rounds over ranges of rows, until there is nothing left to move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.maintenance.rewriting.walk import count
from holdfast.maintenance.sharding.spans import rewrite_in_shards

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from holdfast.maintenance.reports import MigrateReport, Report
    from holdfast.maintenance.rewriting.moving import Moved
    from holdfast.maintenance.rewriting.walk import Selection
    from holdfast.maintenance.run import Run
    from holdfast.maintenance.sharding.crew import Sharding


def move_in_shards(
    run: Run,
    sharding: Sharding,
    selection: Selection,
    call: Callable[..., MigrateReport],
    *,
    note: Callable[[Sequence[Moved]], object],
    naming: Collection[str],
    forget: Callable[[Report], object],
) -> None:
    """Move all files of some rows: others may appear behind a shard.

    Args:
        run: The run.
        sharding: Who does the shards, and how.
        selection: Which rows.
        call: Moves the files of some rows.
        note: Takes what has moved.
        naming: Storages that such rows name, for the progress.
        forget: Forgets what a round could not do, before the next one.
    """
    counts = run.report.rows.counts
    expected: int | None = sum(count(run.rows, each, selection, naming) for each in selection.tables)
    to_do = 0
    while rewrite_in_shards(
        run, sharding, selection, call, verb="moved", expected=expected, note=lambda part: note(part.moved)
    ):
        to_do, expected = to_do or counts["to_do"], None
        if "workers" in run.report.errors:
            break
        forget(run.report)
        run.report.errors.clear()  # of shards, which are all tried again
    counts["to_do"] = to_do or counts["to_do"]
