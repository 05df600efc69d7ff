"""Raw SQL that changes files, really and on paper: only triggers see it. Each step flushes first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import JSON, column, delete, select, table, update

from tests.orm.model import statements as do
from tests.orm.model.bulk_steps import following, identities
from tests.orm.model.file_steps import Spot
from tests.orm.model.interpreter import Run
from tests.orm.model.row_steps import chosen
from tests.orm.model.schema import DEFAULT_STORAGE

VALUE = JSON(none_as_null=True)
TABLES = {
    name: table(name, column("id"), column("label"), *(column(each, VALUE) for each in DEFAULT_STORAGE))
    for name in ("document", "picture", "folder")
}
"""The tables as a stranger knows them."""


class Cell:
    """A file column of a row, as raw SQL sees it.

    Args:
        run: The run.
        spot: Its place.
    """

    def __init__(self, run: Run, spot: Spot) -> None:
        self._run, self._spot = run, spot
        self._table = TABLES["picture" if spot.column == "thumbnail" else "document"]

    async def read(self) -> Any:
        """Return the value as JSON."""
        return await self._call("scalar", select(self._table.c[self._spot.column]))

    async def write(self, value: Any, paper: Any) -> None:
        """Write a value, which the session hears nothing of."""
        await self._call("execute", update(self._table).values({self._spot.column: value}))
        self._run.touched.add(self._spot.label)
        self._run.altered.add(self._spot.label)
        self._run.world.session.expire(self._spot.instance, [self._spot.column])
        self._run.model.put(self._spot.label, self._spot.column, paper)
        self._run.flushed()

    async def _call(self, method: str, statement: Any) -> Any:
        (key,) = await identities(self._run, [self._spot.label])
        call = getattr(self._run.world.session, method)
        return await self._run.world.call(call, statement.where(self._table.c.id == key))


async def raw_clear(run: Run, op: do.RawClear) -> None:
    """Set a column to NULL."""
    spot = await Spot.of(run, op.place) if await run.flush() else None
    if spot is not None:
        await Cell(run, spot).write(None, None)


async def raw_move(run: Run, op: do.RawMove) -> None:
    """Move a value to another row, or swap two."""
    if not await run.flush():
        return
    source, target = await Spot.of(run, op.source), await Spot.of(run, op.target)
    if source is None or target is None or source.is_list != target.is_list:
        return
    if (source.label, source.column) == (target.label, target.column):
        return
    first, second = Cell(run, source), Cell(run, target)
    value, other = await first.read(), await second.read()
    paper, other_paper = source.paper, target.paper
    await second.write(value, paper)
    await first.write(*((other, other_paper) if op.swap else (None, None)))


async def raw_delete(run: Run, op: do.RawDelete) -> None:
    """Delete a row."""
    labels = following(run, op.row, 1, "document", "picture") if await run.flush() else []
    await _delete(run, "document", labels, labels)


async def raw_delete_folder(run: Run, op: do.RawDeleteFolder) -> None:
    """Delete a folder with its documents."""
    label = chosen(run.model.labels("folder"), op.folder) if await run.flush() else None
    if label is not None:
        folder = await run.find(label)
        inner = [document for document, row in run.model.view.items() if row.folder == label]
        await _delete(run, "folder", [label], inner)
        run.world.session.expunge(folder)
        run.instances.pop(label, None)


async def _delete(run: Run, name: str, labels: Iterable[int], documents: list[int]) -> None:
    keys = await identities(run, documents)
    run.touched |= {*labels, *documents}
    for label in labels:
        statement = delete(TABLES[name]).where(TABLES[name].c.label == label)
        await run.world.call(run.world.session.execute, statement)
    run.forget_rows(documents, keys)
    run.model.doomed |= {*labels, *documents}
    run.flushed()


STEPS: dict[type, Any] = {
    do.RawClear: raw_clear,
    do.RawMove: raw_move,
    do.RawDelete: raw_delete,
    do.RawDeleteFolder: raw_delete_folder,
}
