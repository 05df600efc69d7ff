"""What others do meanwhile, really and on paper."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from holdfast import FileObject
from tests.orm.model import operations
from tests.orm.model import outsiders as do
from tests.orm.model.dying import dying
from tests.orm.model.interpreter import Run
from tests.orm.model.list_edits import NEED_CONTENT, NEED_PAGE, edit
from tests.orm.model.model import Piece, Row
from tests.orm.model.row_steps import chosen, columns_of
from tests.orm.model.schema import Document, Mode

SNAPSHOTS = ("mariadb",)
"""The databases where a transaction does not see what was committed since it began."""


def untouched(run: Run) -> list[int]:
    """Return the rows that another session may change without waiting for the first one."""
    stages, used = run.model, run.touched | run.model.changed() | run.borrowed
    labels = [label for label in run.model.labels("document", "picture") if label not in used]
    labels = [label for label in labels if stages.view[label] is stages.committed.get(label)]
    if _is_hidden(run):  # the first session could reach them through their folders
        labels = [label for label in labels if stages.view[label].folder is None]
    return labels


def _is_hidden(run: Run) -> bool:
    session = run.world.session
    return session.in_transaction() and session.get_bind().dialect.name in SNAPSHOTS


async def elsewhere(run: Run, op: do.Elsewhere) -> None:
    """Change rows in another session; in the middle of a transaction not on SQLite, which has one writer."""
    first, other = run.world.session, run.world.other_session()
    database, labels = first.get_bind().dialect.name, untouched(run)
    if not labels or (first.in_transaction() and database == "sqlite"):
        return
    rows: dict[int, Any] = {}
    papers: dict[int, Row | None] = {}
    try:
        for each in op.edits:
            number = each.place.row if isinstance(each, operations.Assign) else each.row
            label = labels[number % len(labels)]
            if label not in rows:
                rows[label] = await run.world.call(other.scalar, select(Document).filter_by(label=label))
            paper = papers.get(label, run.model.committed[label])
            if paper is not None:
                papers[label] = await _changed(run, other, rows[label], paper, each)
        keys = {label: await run.world.get(row, "id") for label, row in rows.items()}
        await run.world.call(other.commit)
    except OperationalError:
        if not _is_hidden(run):
            raise
        await run.world.call(other.rollback)  # a lock was in the way: it may be on more rows than were changed
        return
    finally:
        await run.world.call(other.close)
    for label, paper in papers.items():
        _take_note(run, label, keys[label], paper)


async def _changed(run: Run, session: Any, instance: Any, paper: Row, op: Any) -> Row | None:
    """Do one change, and return the row on paper."""
    if isinstance(op, operations.DeleteRow):
        await run.world.call(session.delete, instance)
        return None
    if isinstance(op, operations.Assign):
        columns = columns_of(paper)
        column = columns[op.place.column % len(columns)]
        content = op.contents if column == "pages" else op.contents[0] if op.contents else None
        value, new = run.make_value(content, column) if op.contents else (None, None)
        setattr(instance, column, value)
        return paper.with_file(column, new)
    pages, pieces = await run.world.get(instance, "pages"), list(paper.files["pages"] or ())
    files, new = run.make_value(op.contents, "pages")
    if pages is None or (op.how in NEED_CONTENT and not files) or (op.how in NEED_PAGE and not pieces):
        return paper
    index = op.index % len(pieces) if pieces else 0
    edit(op.how, pieces, index, list(new))
    edit(op.how, pages, index, files)
    return paper.with_file("pages", tuple(pieces))


def _take_note(run: Run, label: int, key: int, paper: Row | None) -> None:
    """Note what another session has committed."""
    if _is_hidden(run):
        run.model.hidden.add(label)
    run.model.change_outside(label, paper)
    run.stale.add(label)
    if paper is None:
        run.stale.discard(label)
        run.forget_rows([label], [key])


async def take_up(run: Run, op: do.TakeUp) -> None:
    """Let a row take up what another one let go of; without an outbox nobody else would delete it."""
    labels = untouched(run)
    source, target = chosen(labels, op.source), chosen(labels, op.target)
    if run.bench.mode is Mode.PLAIN or run.world.session.in_transaction() or source is None or target is None:
        return
    piece, row = run.model.view[source].files["cover"], run.model.view[source]
    if piece is None or source == target:
        return
    run.killed = True
    other = run.world.other_session()
    instance = await run.world.call(other.scalar, select(Document).filter_by(label=source))
    key, file = instance.id, instance.cover
    instance.cover = None
    with dying():
        await run.world.call(other.commit)
    await run.world.call(other.close)
    _take_note(run, source, key, row.with_file("cover", None))
    taker = await run.find(target, stale=True)
    taker.cover = FileObject(backend=file.backend_key, filename="file.txt", to_filename=file.path)
    run.model.put(target, "cover", Piece(piece.data, piece.storage, adopted=True))
    await run.flush()


async def sweep(run: Run, _: do.Sweep) -> None:
    """Sweep when the transaction is as good as over."""
    if await run.flush():
        run.bench.sweep()
        run.swept = True


STEPS: dict[type, Any] = {do.Elsewhere: elsewhere, do.TakeUp: take_up, do.Sweep: sweep}
