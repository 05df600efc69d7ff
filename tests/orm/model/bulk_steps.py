"""Bulk statements, really and on paper. Each flushes first, as the session would if it had autoflush."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from tests.orm.model import statements as do
from tests.orm.model.file_steps import Spot
from tests.orm.model.files import SourceFailedError
from tests.orm.model.interpreter import Run
from tests.orm.model.model import Row
from tests.orm.model.row_steps import columns_of
from tests.orm.model.schema import Document, Picture


def following(run: Run, number: int, count: int, *kinds: str) -> list[int]:
    """Return rows that follow each other, counting round."""
    labels = run.model.labels(*kinds)
    start = number % len(labels) if labels else 0
    return [*labels[start:], *labels[:start]][:count]


async def identities(run: Run, labels: Sequence[int]) -> list[int]:
    """Return the primary keys of some rows."""
    query = select(Document.label, Document.id).where(Document.label.in_(labels))
    found = dict((await run.world.call(run.world.session.execute, query)).all())
    return [found[label] for label in labels]


async def execute(run: Run, labels: Sequence[int], *statement: Any) -> bool:
    """Execute a statement; return whether all contents could be read. If not, nothing has happened."""
    run.touched |= set(labels)
    try:
        await run.accepted(run.world.session.execute, *statement)
    except SourceFailedError:
        return False
    run.altered |= set(labels)
    return True


async def bulk_update(run: Run, op: do.BulkUpdate) -> None:
    """Set a column of several rows."""
    first = following(run, op.place.row, 1, "document", "picture") if await run.flush() else []
    if not first:
        return
    columns = columns_of(run.model.view[first[0]])
    column = columns[op.place.column % len(columns)]
    kind, kinds = (Picture, ["picture"]) if column == "thumbnail" else (Document, ["document", "picture"])
    start = run.model.labels(*kinds).index(first[0])
    labels = following(run, start, op.count, *kinds)
    spot = await Spot.of(run, op.given) if op.given else None
    given = (spot.file(), spot.piece()) if spot else (None, None)
    if spot is not None and given[0] is not None:
        run.borrowed |= {spot.label, *labels}
    keys: list[int] = await identities(run, labels)
    if op.how is do.Selecting.PRIMARY_KEY:
        values = [_value(run, op, column, given, index) for index in range(len(labels))]
        rows = [{"id": key, column: value} for key, (value, _) in zip(keys, values, strict=True)]
        done = await execute(run, labels, update(kind), rows)
    else:
        values = [_value(run, op, column, given, 0)] * len(labels)
        statement = update(kind).where(kind.id.in_(keys)).values({column: values[0][0]})
        done = await execute(run, labels, statement)
    # SQLAlchemy tells no object by primary key, and otherwise those that have the attribute.
    told = {label for label, row in run.instances.items() if op.how is do.Selecting.WHERE and column in vars(row)}
    run.stale |= set(labels) - told
    if done:
        for label, (_, paper) in zip(labels, values, strict=True):
            run.model.put(label, column, paper)
        run.flushed()


def _value(run: Run, op: do.BulkUpdate, column: str, given: tuple[Any, Any], index: int) -> tuple[Any, Any]:
    """Return the value for one row, really and on paper."""
    file, piece = given
    if column == "pages":
        if file is None and not op.contents:
            return None, None
        files, pieces = run.make_value(op.contents, column)
        return (files, pieces) if file is None else ([file, *files], (piece, *pieces))
    if file is not None:
        return file, piece
    return run.make(op.contents[index % len(op.contents)], column) if op.contents else (None, None)


async def bulk_delete(run: Run, op: do.BulkDelete) -> None:
    """Delete several rows, those of pictures from both tables."""
    labels = following(run, op.row, op.count, "document", "picture") if await run.flush() else []
    if not labels:
        return
    keys = await identities(run, labels)
    await execute(run, labels, delete(Picture).where(Picture.id.in_(keys)))
    await execute(run, labels, delete(Document).where(Document.id.in_(keys)))
    run.forget_rows(labels, keys)
    run.model.doomed |= set(labels)
    run.flushed()


async def bulk_insert(run: Run, op: do.BulkInsert) -> None:
    """Insert several rows."""
    if not await run.flush():
        return
    name, kind = ("picture", Picture) if op.picture else ("document", Document)
    how = do.Inserting.PARAMETERS if op.picture else op.how
    covers = op.covers[:1] if how is do.Inserting.VALUES else op.covers
    shared = run.make(covers[0], "cover") if op.shared and covers[0] else None
    rows, papers = [], {}
    for content in covers:
        cover, piece = shared or (run.make(content, "cover") if content else (None, None))
        pages, pieces = (None, None) if op.pages is None else run.make_value(op.pages, "pages")
        column, value, paper = ("thumbnail", cover, piece) if op.picture else ("pages", pages, pieces)
        label = run.label()
        rows.append({"label": label, "kind": name, "cover": cover, column: value})
        papers[label] = new_row(name, **{"cover": piece, column: paper})
    statements = {
        do.Inserting.PARAMETERS: (insert(kind), rows),
        do.Inserting.VALUES: (insert(kind).values(rows[0]),),
        do.Inserting.SEVERAL_VALUES: (insert(kind).values(rows),),
    }
    if await execute(run, [*papers], *statements[how]):
        run.model.view |= papers
        run.flushed()


def new_row(kind: str, **files: Any) -> Row:
    """Return a row on paper."""
    return Row(kind, files=dict.fromkeys(columns_of(Row(kind))) | files)


async def break_insert(run: Run, op: do.BreakInsert) -> None:
    """Insert a row, and another that the database refuses: SQLite keeps the first one."""
    taken = following(run, 0, 1, "document", "picture") if await run.flush() else []
    if not taken:
        return
    label, (file, piece), (other, _) = run.label(), run.make(op.content, "cover"), run.make(op.content, "cover")
    run.touched.add(taken[0])
    rows = [
        {"label": label, "cover": file, "kind": "document"},
        {"label": taken[0], "cover": other, "kind": "document"},
    ]
    try:
        await run.world.call(run.world.session.execute, insert(Document), rows)
    except SourceFailedError:
        return
    except IntegrityError:
        database = run.world.session.get_bind().dialect.name
    else:
        raise AssertionError("a label was given twice")
    if not op.swallow:
        await run.roll_back()
        return
    if database == "postgresql":
        run.broken = run.model.depth
        return
    if database == "sqlite":
        run.model.view[label] = new_row("document", cover=piece)
        run.flushed()
    if op.again:
        label = run.label()
        run.instances[label] = Document(label=label, cover=file)
        run.world.session.add(run.instances[label])
        run.model.view[label] = new_row("document", cover=piece)
        run.altered.add(label)
        await run.flush()


STEPS: dict[type, Any] = {
    do.BulkUpdate: bulk_update,
    do.BulkDelete: bulk_delete,
    do.BulkInsert: bulk_insert,
    do.BreakInsert: break_insert,
}
