"""The rules of a column, applied to one file: before its first byte is stored, and while the others pass."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from holdfast.drivers import threads
from holdfast.drivers.closing import aclose, close
from holdfast.errors import FileRejectedError
from holdfast.inspection import HEAD_SIZE
from holdfast.rules import Candidate
from holdfast.sources import BytesSource, Source

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from holdfast.file import FileObject
    from holdfast.rules import Rules
    from holdfast.saving import Saving


def admit_all(savings: Sequence[Saving]) -> list[Exception]:
    """Look at the beginning of files that have rules; return the refusals, having looked at all."""
    failures: list[Exception] = []
    for saving in savings:
        if saving.rules:
            try:
                _admit(saving)
            except Exception as error:  # noqa: BLE001  # one file's failure is that file's outcome
                failures.append(error)
    return failures


async def admit_all_async(savings: Sequence[Saving]) -> list[Exception]:
    """Like `admit_all`, side by side."""
    calls = [_admit_async(saving) for saving in savings if saving.rules]
    if not calls:
        return []
    failures: list[Exception] = []
    for outcome in await asyncio.gather(*calls, return_exceptions=True):
        if isinstance(outcome, Exception):
            failures.append(outcome)
        elif outcome is not None:  # such as a cancellation that came out of the content itself
            raise outcome
    return failures


def stored_type(file: FileObject, rules: Rules) -> str | None:
    """Apply rules to a file that lies in a storage already.

    Returns:
        The type that the row records; None where there is nothing to say about it.

    Raises:
        FileRejectedError: It breaks a rule. It stays where it is.
    """
    if not rules or file._accepted_by == rules:
        return None
    size = file.backend.stat(file._key()).size
    head = file.get_content(end=HEAD_SIZE) if rules.reads_content and size else b""
    return _judge_stored(file, rules, size, head)


async def stored_type_async(file: FileObject, rules: Rules) -> str | None:
    """Like `stored_type`."""
    if not rules or file._accepted_by == rules:
        return None
    size = (await file.backend.stat_async(file._key())).size
    head = await file.get_content_async(end=HEAD_SIZE) if rules.reads_content and size else b""
    if rules.is_quick:
        return _judge_stored(file, rules, size, head)
    return await threads.run(_judge_stored, file, rules, size, head)


def _judge_stored(file: FileObject, rules: Rules, size: int, head: bytes) -> str | None:
    kind = rules.accepted_type(Candidate(file.filename, "", size, head), file._content_type)
    return kind if rules.accept else None


def _admit(saving: Saving) -> None:
    source = _begin(saving)
    _judge(saving, source, source.peek(HEAD_SIZE) if saving.rules.reads_content else b"")


async def _admit_async(saving: Saving) -> None:
    source, rules = _begin(saving), saving.rules
    if source.is_async:
        head = await source.peek_async(HEAD_SIZE) if rules.reads_content else b""
        if rules.is_quick:
            _judge(saving, source, head)
        else:
            await threads.run(_judge, saving, source, head)
    elif rules.is_quick and (isinstance(source, BytesSource) or not rules.reads_content):
        _admit(saving)
    else:  # to its end even when cancelled: a source must not be read by two threads at once
        await threads.run_to_end(threads.blocking.submit(_admit, saving))


def _begin(saving: Saving) -> Source:
    source: Source = saving.request.content
    if source.size is not None:
        saving.rules.check_size(source.size, saving.file.filename)
    return source


def _judge(saving: Saving, source: Source, head: bytes) -> None:
    candidate = Candidate(saving.file.filename, "", source.size, head)
    kind = saving.rules.accepted_type(candidate, saving.declared)
    if not isinstance(source, BytesSource):  # of bytes in memory all is known
        source = (_AsyncRuledSource if source.is_async else _RuledSource)(source, saving, head)
    saving.request = saving.request._replace(content=source, content_type=kind)


class _RuledSource(Source):
    """A source that ends in a refusal where it gets too long, or has another beginning than what was looked at."""

    is_async: ClassVar[bool] = False

    def __init__(self, source: Source, saving: Saving, head: bytes) -> None:
        self._source, self._rules, self._name = source, saving.rules, saving.file.filename
        self._head = head if source.replayable else b""
        self.size, self.replayable = source.size, source.replayable

    @property
    def spent(self) -> bool:
        """Whether the content was read and cannot be read again."""
        return self._source.spent

    def chunks(self) -> Iterator[memoryview]:
        """Yield the bytes."""
        chunks, seen = self._source.chunks(), 0
        try:
            for chunk in chunks:
                self._check(chunk, seen)
                seen += chunk.nbytes
                yield chunk
            self._check_end(seen)
        finally:
            close(chunks)

    async def chunks_async(self) -> AsyncIterator[memoryview]:
        """Yield the bytes."""
        chunks, seen = self._source.chunks_async(), 0
        try:
            async for chunk in chunks:
                self._check(chunk, seen)
                seen += chunk.nbytes
                yield chunk
            self._check_end(seen)
        finally:
            await aclose(chunks)

    def _check(self, chunk: memoryview, seen: int) -> None:
        self._rules.check_size(seen + chunk.nbytes, self._name)
        expected = self._head[seen : seen + chunk.nbytes]
        if expected and chunk[: len(expected)] != expected:
            raise self._changed()

    def _check_end(self, seen: int) -> None:
        if seen < len(self._head):
            raise self._changed()

    def _changed(self) -> FileRejectedError:
        message = f"the content of {self._name!r} was changed while it was being stored"
        return FileRejectedError(message, code="type_mismatch", field=self._rules.field, filename=self._name)


class _AsyncRuledSource(_RuledSource):
    """One that has to be awaited."""

    is_async = True
