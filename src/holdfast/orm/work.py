"""The I/O of one flush: uploads, look-ups and copies, all at once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from holdfast import admission
from holdfast.keys import new_id
from holdfast.rules import NO_RULES, Rules
from holdfast.saving import Place, Ref, Saving, save_all, save_all_async
from holdfast.schemes import KeyContext, make_key

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from holdfast.file import FileObject
    from holdfast.objects import ObjectInfo
    from holdfast.orm.claiming import Claiming
    from holdfast.orm.ledger import Frame


@dataclass(slots=True, eq=False)
class Copying:
    """A file that needs a copy, because a row must not share it with another.

    Attributes:
        original: The file as it was assigned; it may still be pending when the copy is planned.
        copy: The file that takes its place.
        key: Key of the copy, in the storage of the original.
        edit: The column value that it is for.
        rules: What its column accepts.
    """

    original: FileObject
    copy: FileObject
    key: str
    edit: Any
    rules: Rules = NO_RULES

    @classmethod
    def of(cls, file: FileObject, place: Place, edit: Any) -> Copying:
        """Plan a copy."""
        context = KeyContext(new_id(), file, place.row, place.model, place.column)
        key = make_key(place.scheme or file.backend.key_scheme, context)
        return cls(file, file._twin(file.backend), key, edit, place.rules)

    @property
    def ref(self) -> Ref:
        """Where the copy will lie."""
        return Ref(self.original.backend.key, self.key)

    def run(self) -> None:
        """Copy."""
        kind = admission.stored_type(self.original, self.rules)
        self._finish(self.original.backend.copy(str(self.original.path), self.key), kind)

    async def run_async(self) -> None:
        """Copy."""
        kind = await admission.stored_type_async(self.original, self.rules)
        self._finish(await self.original.backend.copy_async(str(self.original.path), self.key), kind)

    def _finish(self, info: ObjectInfo, kind: str | None) -> None:
        self.copy._copied(self.original, info)
        if self.rules:
            self.copy._become_accepted(self.rules, kind or self.original.content_type)


@dataclass(slots=True)
class Work:
    """What a flush has to do in the storages.

    Attributes:
        savings: Content to upload.
        lookups: Existing objects of which nothing is known yet.
        copies: Copies, made after the uploads.
        adopted: Files that get their first row.
        checks: Those of them that must keep to rules; dealt with before anything is uploaded.
        claims: Those of them that clients uploaded by themselves; dealt with before anything is uploaded.
    """

    savings: list[Saving] = field(default_factory=list)
    lookups: list[FileObject] = field(default_factory=list)
    copies: list[Copying] = field(default_factory=list)
    adopted: list[FileObject] = field(default_factory=list)
    checks: list[tuple[FileObject, Rules]] = field(default_factory=list)
    claims: list[Claiming] = field(default_factory=list)

    def adopt(self, file: FileObject, rules: Rules = NO_RULES) -> None:
        """Let a row own an object that lies in the storage already; it is looked up if nothing is known of it."""
        self.adopted.append(file)
        if rules:
            self.checks.append((file, rules))
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
        for claiming in self.claims:
            claiming.run()
        for file, rules in self.checks:
            _accept(file, rules, admission.stored_type(file, rules))
        _raise_first(save_all(self.savings))
        for file in self.lookups:
            file.refresh()
        for copying in self.copies:
            copying.run()

    async def run_async(self) -> None:
        """Like `run`, side by side."""
        await _all(*(claiming.run_async() for claiming in self.claims))
        await _all(*(_check_async(file, rules) for file, rules in self.checks))
        _raise_first(await save_all_async(self.savings))
        await _all(*(file.refresh_async() for file in self.lookups), *(copying.run_async() for copying in self.copies))


async def _check_async(file: FileObject, rules: Rules) -> None:
    _accept(file, rules, await admission.stored_type_async(file, rules))


def _accept(file: FileObject, rules: Rules, kind: str | None) -> None:
    file._become_accepted(rules, kind or file._content_type)


def _undo_adoption(file: FileObject) -> Any:
    before = file._owned, file._content_type, file._accepted_by

    def undo() -> None:
        file._owned, file._content_type, file._accepted_by = before

    return undo


async def _all(*calls: Coroutine[None, None, object]) -> None:
    if calls:
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        _raise_first([outcome for outcome in outcomes if isinstance(outcome, BaseException)])


def _raise_first(failures: Sequence[BaseException]) -> None:
    if not failures:
        return
    first = failures[0]
    for other in failures[1:]:
        first.add_note(f"also: {type(other).__name__}: {other}")
    raise first
