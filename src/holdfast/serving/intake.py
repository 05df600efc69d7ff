"""Holding an upload to what its signed URL allows, while it comes in."""

from __future__ import annotations

import asyncio
import hmac
import re
from hashlib import sha256
from typing import TYPE_CHECKING

from holdfast.disposition import header_type
from holdfast.drivers import threads
from holdfast.drivers.closing import aclose
from holdfast.errors import FileRejectedError, InvalidFormError
from holdfast.multipart_forms import FormReader, Part

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from holdfast.multipart_forms import Event
    from holdfast.signed_urls import Grant

FIELD = "file"
"""The form field that has the file."""

DRAINED = 16 * 1024 * 1024
"""Bytes of a refused upload that are taken all the same: many clients read no answer before they have sent theirs."""

_FORM = 64 * 1024  # bytes of a form besides the file
_PARTS = 20
_INLINE = 64 * 1024  # hashing this much takes 50 µs, about what handing it to a thread costs
_DIGITS = re.compile(r"[0-9]{1,18}", re.ASCII)


def check_head(grant: Grant, content_type: str | None, content_length: str | None) -> str | None:
    """Check what the request of a PUT says of itself, before anything is read.

    Returns:
        The media type to store.

    Raises:
        FileRejectedError: It says something else than the URL allows.
    """
    stated = (content_type or "").strip()
    if grant.content_type is not None and stated.lower() != grant.content_type.lower():
        message = f"the upload must have the Content-Type {grant.content_type!r}"
        raise FileRejectedError(message, code="type_mismatch", limit=grant.content_type, found=stated or None)
    length = _length(content_length)
    if length is not None and grant.size is not None and length != grant.size:
        raise _wrong_size(grant.size, length)
    return grant.content_type or (header_type(stated) if stated else None)


def check_form_head(grant: Grant, content_length: str | None) -> None:
    """Check the length of a form, as `check_head` does that of a file.

    Raises:
        FileRejectedError: There is no room in it for the file, or far too much.
    """
    length = _length(content_length)
    if length is not None and grant.size is not None and not grant.size <= length <= grant.size + _FORM:
        raise _wrong_size(grant.size, length)


class ClientLeftError(Exception):
    """The client of an upload did not send all of it."""

    def __init__(self) -> None:
        super().__init__("the client ended the upload too early")


class ClientStalledError(ClientLeftError):
    """The client of an upload sends nothing, and may have left without a word."""


class Intake:
    """Counts and hashes the bytes of one upload.

    Args:
        grant: What is allowed.
    """

    def __init__(self, grant: Grant) -> None:
        self._allowed, self._checksum = grant.size, grant.checksum
        self._hash = None if grant.checksum is None else sha256()
        self._size = 0

    def checked(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the bytes; whoever stores them stores nothing if this raises.

        Raises:
            FileRejectedError: They are too many, too few, or others than agreed.
        """
        for chunk in chunks:
            self._count(chunk)
            if self._hash is not None:
                self._hash.update(chunk)
            yield chunk
        self._end()

    async def checked_async(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Like `checked`."""
        try:
            async for chunk in chunks:
                self._count(chunk)
                if self._hash is not None:
                    if len(chunk) <= _INLINE:
                        self._hash.update(chunk)
                    else:
                        await asyncio.wrap_future(threads.hashing.submit(self._hash.update, chunk))
                yield chunk
        finally:
            await aclose(chunks)
        self._end()

    def _count(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._allowed is not None and self._size > self._allowed:
            raise _wrong_size(self._allowed, self._size)

    def _end(self) -> None:
        if self._allowed is not None and self._size != self._allowed:
            raise _wrong_size(self._allowed, self._size)
        if self._hash is None or self._checksum is None:
            return
        found = f"sha256:{self._hash.hexdigest()}"
        if not hmac.compare_digest(found, self._checksum):
            message = "the upload has other bytes than were agreed: its checksum differs"
            raise FileRejectedError(message, code="wrong_checksum", limit=self._checksum, found=found)


def form_file(content_type: str | None, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the bytes of the one file of a form; its other fields are passed over.

    Raises:
        InvalidFormError: The body is no such form.
    """
    reader, fields = FormReader(content_type, max_parts=_PARTS), _Fields()
    for chunk in chunks:
        yield from filter(None, map(fields.take, reader.feed(chunk)))
    reader.end()
    fields.end()


async def form_file_async(content_type: str | None, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Like `form_file`."""
    reader, fields = FormReader(content_type, max_parts=_PARTS), _Fields()
    try:
        async for chunk in chunks:
            for data in filter(None, map(fields.take, reader.feed(chunk))):
                yield data
    finally:
        await aclose(chunks)
    reader.end()
    fields.end()


class _Fields:
    """Picks the file out of a form."""

    def __init__(self) -> None:
        self._files = self._other_bytes = 0
        self._inside = False

    def take(self, event: Event) -> bytes | None:
        """Return bytes of the file; None for all else."""
        if isinstance(event, Part):
            self._inside = event.name == FIELD
            self._files += self._inside
            if self._files > 1:
                message = f"the form has more than one field {FIELD!r}"
                raise InvalidFormError(message)
        elif event is not None:
            if self._inside:
                return bytes(event)
            self._other_bytes += len(event)
            if self._other_bytes > _FORM:
                message = f"the form's fields before and after {FIELD!r} are too large"
                raise InvalidFormError(message, code="too_large")
        return None

    def end(self) -> None:
        if not self._files:
            message = f"the form has no field {FIELD!r}"
            raise InvalidFormError(message)


def _length(content_length: str | None) -> int | None:
    if content_length is None:
        return None
    if not _DIGITS.fullmatch(content_length):
        message = "the Content-Length is no number"
        raise FileRejectedError(message, code="wrong_size", found=content_length[:20])
    return int(content_length)


def _wrong_size(allowed: int, found: int) -> FileRejectedError:
    code = "too_large" if found > allowed else "wrong_size"
    return FileRejectedError(f"the upload must have {allowed} bytes", code=code, limit=allowed, found=found)
