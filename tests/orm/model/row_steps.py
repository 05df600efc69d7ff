"""What happens to whole rows, boundaries and transactions, really and on paper."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from tests.orm.model import operations as do
from tests.orm.model.files import SourceFailedError
from tests.orm.model.interpreter import Run
from tests.orm.model.model import Row, pieces_of
from tests.orm.model.schema import DEFAULT_STORAGE, DEFERRING, Document, Folder, Picture, Pledge

DEEPEST = 3
"""Savepoints inside each other."""


def chosen(labels: list[int], number: int) -> int | None:
    """Return one of some rows, counting round them."""
    return labels[number % len(labels)] if labels else None


def columns_of(row: Row) -> list[str]:
    """Return the file columns of a row."""
    return [name for name in DEFAULT_STORAGE if name != "thumbnail" or row.kind == "picture"]


async def add_folder(run: Run, _: do.AddFolder) -> None:
    """Add a folder."""
    label = run.label()
    run.instances[label] = Folder(label=label)
    run.world.session.add(run.instances[label])
    run.model.view[label] = Row("folder")


async def add_row(run: Run, op: do.AddRow) -> None:
    """Add a document or a picture."""
    label, kind = run.label(), Picture if op.picture else Document
    row = Row("picture" if op.picture else "document")
    row = Row(row.kind, files=dict.fromkeys(columns_of(row)))
    instance = kind(label=label)
    for column in columns_of(row):
        content = getattr(op, column)
        if content is not None:
            value, paper = run.make_value(content, column)
            setattr(instance, column, value)
            row = row.with_file(column, paper)
    folders = [folder for folder in run.model.labels("folder") if folder in run.model.flushed.keys() - run.model.doomed]
    folder = None if op.folder is None else chosen(folders, op.folder)
    if folder is not None:
        instance.folder_id = await run.world.get(await run.find(folder), "id")
    run.world.session.add(instance)
    run.instances[label] = instance
    run.model.view[label] = Row(row.kind, folder, row.files)


async def add_again(run: Run, _: do.AddAgain) -> None:
    """Add a row once more that was rolled back: its files are pending again."""
    known = [label for label, (_, row) in run.released.items() if row.files and label not in run.altered]
    if not known:
        return
    label = known[0]
    instance, row = run.released.pop(label)
    for column, value in row.files.items():
        # A content that can be read once is spent, and a named key is taken until the root transaction ends.
        if any(piece.once or piece.named for piece in pieces_of(value)):
            content = tuple(do.Content() for _ in value) if column == "pages" else do.Content()
            new, paper = run.make_value(content, column)
            setattr(instance, column, new)
            row = row.with_file(column, paper)
    folder = row.folder if row.folder in run.model.flushed.keys() - run.model.doomed else None
    if folder is None:
        instance.folder_id = None
    instance.id = None
    run.world.session.add(instance)
    run.instances[label], run.model.view[label] = instance, Row(row.kind, folder, row.files)


async def delete_row(run: Run, op: do.DeleteRow) -> None:
    """Delete a row; a new one is taken out of the session."""
    label = chosen(run.model.labels("document", "picture"), op.row)
    if label is None:
        return
    if run.model.is_new(label):
        run.world.session.expunge(run.instances.pop(label))
        del run.model.view[label]
    else:
        await run.world.call(run.world.session.delete, await run.find(label, stale=True))
        run.model.doomed.add(label)


async def switch_row(run: Run, op: do.SwitchRow) -> None:
    """Delete a row and add another with its primary key: an UPDATE, in which what is left out stays."""
    if not await run.flush():
        return
    label = chosen(run.model.labels("document", "picture"), op.row)
    if label is None:
        return
    old, row, new = await run.find(label), run.model.flushed[label], run.label()
    instance = type(old)(id=await run.world.get(old, "id"), label=new)
    for column, content in (("cover", op.cover), ("pages", op.pages)):
        if content is False or (column == "pages" and content is None):
            continue
        value, paper = (None, None) if content is None else run.make_value(content, column)
        setattr(instance, column, value)
        row = row.with_file(column, paper)
    await run.world.call(run.world.session.delete, old)
    run.world.session.add(instance)
    run.model.doomed.add(label)
    run.instances[new], run.model.view[new] = instance, row
    run.altered.add(new)
    if await run.flush():
        run.world.session.expire(instance)  # SQLAlchemy shows None for what was left out


async def delete_folder(run: Run, op: do.DeleteFolder) -> None:
    """Delete a folder with its documents."""
    label = chosen(run.model.labels("folder"), op.folder) if await run.flush() else None
    if label is None:
        return
    folder = await run.find(label)
    run.world.session.expire(folder, ["documents"])
    await run.world.call(run.world.session.delete, folder)
    inner = {document for document, row in run.model.view.items() if row.folder == label}
    run.model.doomed |= {label, *inner}
    run.altered |= inner  # the cascade loaded them once more


async def orphan(run: Run, op: do.Orphan) -> None:
    """Take a document out of its folder."""
    if not await run.flush():
        return
    label = chosen([label for label, row in run.model.view.items() if row.folder is not None], op.row)
    if label is None:
        return
    folder = await run.find(run.model.view[label].folder or 0)
    run.world.session.expire(folder, ["documents"])
    (await run.world.get(folder, "documents")).remove(await run.find(label))
    run.model.doomed.add(label)
    run.altered |= run.model.view.keys()  # the list loaded its documents once more


async def lose(run: Run, op: do.Lose) -> None:
    """Make the session forget what was not flushed."""
    label = chosen(run.model.labels("document", "picture"), op.row)
    if label is None or run.model.is_new(label) or (op.how is do.Losing.EXPUNGE and label in run.model.doomed):
        return
    instance, columns = await run.find(label), None
    run.altered.add(label)
    if op.how is do.Losing.EXPIRE:
        run.world.session.expire(instance)
    elif op.how is do.Losing.EXPIRE_ONE:
        columns = [chosen(columns_of(run.model.view[label]), op.column)]
        run.world.session.expire(instance, columns)
    elif op.how is do.Losing.REFRESH:
        await run.world.call(run.world.session.refresh, instance)
    else:
        run.world.session.expunge(run.instances.pop(label))
    run.model.forget(label, columns)


async def begin(run: Run, _: do.Begin) -> None:
    """Set a savepoint."""
    if run.model.depth < DEEPEST:
        savepoint = await run.attempt(run.world.session.begin_nested)
        if savepoint:
            run.savepoints.append(savepoint)
            run.model.begin()


async def release(run: Run, _: do.Release) -> None:
    """Release the last savepoint."""
    if run.savepoints and await run.attempt(run.savepoints[-1].commit):
        run.savepoints.pop()
        run.model.release()


async def roll_back(run: Run, _: do.RollBack) -> None:
    """Roll back to the last savepoint."""
    if run.savepoints:
        await run.roll_back()


async def flush(run: Run, _: do.Flush) -> None:
    """Flush."""
    await run.flush()


async def break_flush(run: Run, op: do.BreakFlush) -> None:
    """Flush a row that the database refuses."""
    file, _ = run.make(op.content, "cover")
    run.world.session.add(Document(cover=file))
    run.touched |= run.model.changed()
    try:
        await run.world.call(run.world.session.flush)
    except (IntegrityError, SourceFailedError):
        await run.roll_back()
    else:
        raise AssertionError("a row without a label was flushed")


async def break_commit(run: Run, _: do.BreakCommit) -> None:
    """Add a row that the database refuses at COMMIT, if it can do that."""
    if run.world.session.get_bind().dialect.name not in DEFERRING:
        return
    label = run.label()
    run.world.session.add(Pledge(label=label, folder_id=-1))
    run.model.view[label] = Row("pledge")


async def swallow_error(run: Run, _: do.SwallowError) -> None:
    """Run a statement that fails; PostgreSQL then refuses everything up to a rollback."""
    try:
        await run.world.call(run.world.session.execute, text("SELECT * FROM nowhere"))
    except DBAPIError:
        if run.world.session.get_bind().dialect.name == "postgresql":
            run.broken = run.model.depth


STEPS: dict[type, Any] = {
    do.AddFolder: add_folder,
    do.AddRow: add_row,
    do.AddAgain: add_again,
    do.DeleteRow: delete_row,
    do.SwitchRow: switch_row,
    do.DeleteFolder: delete_folder,
    do.Orphan: orphan,
    do.Lose: lose,
    do.Begin: begin,
    do.Release: release,
    do.RollBack: roll_back,
    do.Flush: flush,
    do.BreakFlush: break_flush,
    do.BreakCommit: break_commit,
    do.SwallowError: swallow_error,
}
