"""What happens to the files of rows, really and on paper."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from holdfast import FileObject
from tests.orm.model import operations as do
from tests.orm.model.files import SourceFailedError
from tests.orm.model.interpreter import Run
from tests.orm.model.list_edits import NEED_CONTENT, NEED_PAGE, edit
from tests.orm.model.model import Piece
from tests.orm.model.row_steps import chosen, columns_of

PAGES = 2
"""Where the list stands among the columns."""


@dataclass
class Spot:
    """A place that was found: a column of a row, or a position of its list.

    Attributes:
        run: The run.
        label: The row.
        instance: Its object.
        column: The column.
        index: The position; None for a single file, and for a list without any.
    """

    run: Run
    label: int
    instance: Any
    column: str
    index: int | None

    @classmethod
    async def of(cls, run: Run, place: do.Place) -> Spot | None:
        """Find a place, and load what it holds."""
        label = chosen(run.model.labels("document", "picture"), place.row)
        if label is None:
            return None
        instance, row = await run.find(label), run.model.view[label]
        columns = columns_of(row)
        column = columns[place.column % len(columns)]
        await run.world.get(instance, column)
        pages = row.files[column] if column == "pages" else None
        return cls(run, label, instance, column, place.index % len(pages) if pages else None)

    @property
    def is_list(self) -> bool:
        """Whether the column holds a list."""
        return self.column == "pages"

    @property
    def paper(self) -> Any:
        """The column's value in the model."""
        return self.run.model.view[self.label].files[self.column]

    def file(self) -> FileObject | None:
        """Return the file that lies here."""
        value = getattr(self.instance, self.column)
        if not self.is_list:
            return value
        return None if self.index is None else value[self.index]

    def piece(self) -> Piece | None:
        """Return the same on paper."""
        if not self.is_list:
            return self.paper
        return None if self.index is None else self.paper[self.index]

    def put(self, file: FileObject, piece: Piece) -> None:
        """Put a file here; into a list in place, at its end if it is empty."""
        if not self.is_list:
            setattr(self.instance, self.column, file)
            self.note(piece)
        elif self.index is not None:
            getattr(self.instance, self.column)[self.index] = file
            self.note_here(piece)
        else:
            value = getattr(self.instance, self.column)
            if value is None:
                setattr(self.instance, self.column, [file])
            else:
                value.append(file)
            self.note((piece,))

    def remove(self) -> None:
        """Take away what lies here."""
        if not self.is_list:
            setattr(self.instance, self.column, None)
            self.note(None)
        elif self.index is not None:
            del getattr(self.instance, self.column)[self.index]
            self.note(self.paper[: self.index] + self.paper[self.index + 1 :])

    def note(self, value: Any) -> None:
        """Change the column on paper."""
        self.run.model.put(self.label, self.column, value)

    def note_here(self, piece: Piece) -> None:
        """Change what lies here on paper."""
        if self.is_list:
            pages = list(self.paper)
            pages[self.index or 0] = piece
            self.note(tuple(pages))
        else:
            self.note(piece)

    def is_shared(self) -> bool:
        """Return whether the same file lies in another place too, so that a change of it is a change of both."""
        file = self.file()
        held = [*self.run.instances.values(), *(instance for instance, _ in self.run.released.values())]
        values = [value for instance in held for value in vars(instance).values()]
        single = sum(value is file for value in values)
        listed = sum(item == file for value in values if isinstance(value, list) for item in value)
        return single + listed > 1

    def is_on_its_way(self) -> bool:
        """Return whether the file came here from another place and was not flushed since."""
        file = self.file()
        return any(given is file for given in self.run.given)


async def assign(run: Run, op: do.Assign) -> None:
    """Assign new files, or None; an expired or unloaded value is not loaded first."""
    label = chosen(run.model.labels("document", "picture"), op.place.row)
    if label is None:
        return
    columns = columns_of(run.model.view[label])
    column = columns[op.place.column % len(columns)]
    instance = await run.find(label, stale=True)
    if not op.contents and vars(instance).get(column) is None:
        await run.find(label)  # None for None would be no change
    if op.expire and not run.model.is_new(label):
        run.world.session.expire(instance, [column])
        run.model.forget(label, [column])
    if column == "pages" or not op.contents:
        values = [run.make_value(op.contents, column) if op.contents else (None, None)]
    else:
        values = [run.make_value(content, column) for content in op.contents]
    for value, paper in values:
        setattr(instance, column, value)
        run.model.put(label, column, paper)


async def give(run: Run, op: do.Give) -> None:
    """Assign the file of one place to another."""
    source, target = await Spot.of(run, op.source), await Spot.of(run, op.target)
    if source is None or target is None or source == target:
        return
    file, piece = source.file(), source.piece()
    other, other_piece = target.file(), target.piece()
    if file is None or piece is None:
        return
    if source.label != target.label:
        run.borrowed |= {source.label, target.label}
    run.given += [file, *([] if other is None else [other])]
    target.put(file, piece)
    if op.how is do.Giving.SWAP and other is not None and other_piece is not None:
        source.put(other, other_piece)
    elif op.how is not do.Giving.COPY:
        source.remove()


async def edit_pages(run: Run, op: do.EditPages) -> None:
    """Change a list in place; one that is missing is made."""
    spot = await Spot.of(run, do.Place(op.row, PAGES, op.index))
    if spot is None:
        return
    if spot.instance.pages is None:
        spot.instance.pages = []
        spot.note(())
    paper = list(spot.paper)
    files, pieces = run.make_value(op.contents, "pages")
    if (op.how in NEED_CONTENT and not files) or (op.how in NEED_PAGE and not paper):
        return
    edit(op.how, paper, spot.index or 0, list(pieces))
    edit(op.how, spot.instance.pages, spot.index or 0, files)
    if op.how is do.Editing.EXTEND:
        spot.instance.pages += files
        paper += pieces
    spot.note(tuple(paper))


async def annotate(run: Run, op: do.Annotate) -> None:
    """Change metadata in place."""
    spot = await Spot.of(run, op.place)
    file, piece = (spot.file(), spot.piece()) if spot else (None, None)
    if spot is None or file is None or piece is None or spot.is_shared() or spot.is_on_its_way():
        return
    if op.note % 2:
        file.metadata["note"] = op.note
    else:
        file.update_metadata({"note": op.note})
    spot.note_here(replace(piece, note=op.note))
    run.altered.add(spot.label)


async def save_file(run: Run, op: do.SaveFile) -> None:
    """Save new content into a file; one that fails changes nothing."""
    spot = await Spot.of(run, op.place)
    file, piece = (spot.file(), spot.piece()) if spot else (None, None)
    if spot is None or file is None or piece is None or file.to_filename is not None:
        return
    if spot.is_shared() or spot.is_on_its_way():
        return
    source, new = run.make_source(op.content)
    try:
        await run.world.save(file, source)
    except SourceFailedError:
        return
    spot.note_here(replace(piece, data=new.data, once=False, fails=False, named=False, adopted=False))
    run.altered.add(spot.label)


async def delete_file(run: Run, op: do.DeleteFile) -> None:
    """Delete a file by hand: nothing happens while a row holds it."""
    spot = await Spot.of(run, op.place)
    file = spot.file() if spot else None
    if spot is not None and file is not None and file.is_stored:
        await run.world.delete(file)


STEPS: dict[type, Any] = {
    do.Assign: assign,
    do.Give: give,
    do.EditPages: edit_pages,
    do.Annotate: annotate,
    do.SaveFile: save_file,
    do.DeleteFile: delete_file,
}
