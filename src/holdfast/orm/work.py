"""The I/O of one flush: uploads, look-ups and copies, all at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from holdfast.keys import new_id
from holdfast.saving import Place, Ref, Saving, save_all, save_all_async
from holdfast.schemes import KeyContext, make_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.file import FileObject
    from holdfast.orm.ledger import Frame


@dataclass(slots=True, eq=False)
class Copying:
    """A file that needs a copy, because a row must not share it with another.

    Attributes:
        original: The file as it was assigned; it may still be pending when the copy is planned.
        copy: The file that takes its place.
        key: Key of the copy, in the storage of the original.
        edit: The column value that it is for.
    """

    original: FileObject
    copy: FileObject
    key: str
    edit: Any

    @classmethod
    def of(cls, file: FileObject, place: Place, edit: Any) -> Copying:
        """Plan a copy."""
        context = KeyContext(new_id(), file, place.row, place.model, place.column)
        key = make_key(place.scheme or file.backend.key_scheme, context)
        return cls(file, file._twin(file.backend), key, edit)

    @property
    def ref(self) -> Ref:
        """Where the copy will lie."""
        return Ref(self.original.backend.key, self.key)

    def run(self) -> None:
        """Copy."""
        info = self.original.backend.copy(str(self.original.path), self.key)
        self.copy._copied(self.original, info)

    async def run_async(self) -> None:
        """Copy."""
        info = await self.original.backend.copy_async(str(self.original.path), self.key)
        self.copy._copied(self.original, info)


@dataclass(slots=True)
class Work:
    """What a flush has to do in the storages.

    Attributes:
        savings: Content to upload.
        lookups: Existing objects of which nothing is known yet.
        copies: Copies, made after the uploads.
        adopted: Files that get their first row.
    """

    savings: list[Saving] = field(default_factory=list)
    lookups: list[FileObject] = field(default_factory=list)
    copies: list[Copying] = field(default_factory=list)
    adopted: list[FileObject] = field(default_factory=list)

    def adopt(self, file: FileObject) -> None:
        """Let a row own an object that lies in the storage already; it is looked up if nothing is known of it."""
        self.adopted.append(file)
        if file.size is None and file.etag is None:
            self.lookups.append(file)

    def announce(self, frame: Frame) -> None:
        """Note the new objects before they are written: a crash or failure must find them noted."""
        for saving in self.savings:
            frame.note(saving)
        frame.created += [copying.ref for copying in self.copies]
        frame.undo += [_undo_adoption(file) for file in self.adopted]

    def run(self) -> None:
        """Do it all; raise the first failure when everything has ended."""
        _raise_first(save_all(self.savings))
        for file in self.lookups:
            file.refresh()
        for copying in self.copies:
            copying.run()

    async def run_async(self) -> None:
        """Like `run`, side by side."""
        _raise_first(await save_all_async(self.savings))
        outcomes = await asyncio.gather(
            *(file.refresh_async() for file in self.lookups),
            *(copying.run_async() for copying in self.copies),
            return_exceptions=True,
        )
        _raise_first([outcome for outcome in outcomes if isinstance(outcome, Exception)])


def _undo_adoption(file: FileObject) -> Any:
    owned = file._owned

    def undo() -> None:
        file._owned = owned

    return undo


def _raise_first(failures: Sequence[Exception]) -> None:
    if not failures:
        return
    first = failures[0]
    for other in failures[1:]:
        first.add_note(f"also: {type(other).__name__}: {other}")
    raise first
