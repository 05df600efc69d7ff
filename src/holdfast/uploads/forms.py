"""Forms whose files go straight to their storage, while they arrive: whole files are neither in memory nor on disk.

The storage reads the part, the part reads the parser, the parser reads the request. So a slow storage makes a slow
client, and the memory that a form needs does not depend on its size.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from holdfast.drivers import threads
from holdfast.drivers.closing import aclose
from holdfast.multipart_forms import FormReader
from holdfast.uploads.receipt import Form, Receipt

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable, Iterator, Mapping

    from holdfast.multipart_forms import Event
    from holdfast.uploads.targets import Column

__all__ = ["Form", "form", "form_async"]

_FIELD_SIZE = 65536
_FIELDS = 100
_FILES = 20


@asynccontextmanager
async def form_async(
    chunks: AsyncIterable[bytes],
    content_type: str | None,
    *,
    files: Mapping[str, Column],
    max_field_size: int = _FIELD_SIZE,
    max_fields: int = _FIELDS,
    max_files: int = _FILES,
) -> AsyncGenerator[Form]:
    """Receive a form.

    A file is stored as soon as it arrives, under a fresh key, by the rules of its column. A row that gets it takes it
    over at its flush; what no row has when the block is left, is deleted. What a row in a session has then, but did not
    flush or commit, shares the fate of its transaction.

    Args:
        chunks: The body of the request.
        content_type: Its ``Content-Type``.
        files: For each file that the form may have, the column it is for: ``{"file": Document.file}``.
        max_field_size: Bytes of one text field.
        max_fields: Text fields that the form may have.
        max_files: Files that the form may have.

    Raises:
        InvalidFormError: The body is no such form.
        FileRejectedError: A file breaks a rule of its column.
        StorageError: A storage failed.
        MissingExtraError: The extra ``forms`` is not installed.
    """
    receipt = Receipt(files, max_field_size, max_fields, max_files)
    events = _events_async(FormReader(content_type, max_parts=max_fields + max_files), chunks)
    try:
        try:
            async for event in events:
                await receipt.take_async(event, events)
        finally:
            await aclose(events)
        yield receipt.form
    finally:
        await threads.finish(asyncio.ensure_future(receipt.clear_async()))


@contextmanager
def form(
    chunks: Iterable[bytes],
    content_type: str | None,
    *,
    files: Mapping[str, Column],
    max_field_size: int = _FIELD_SIZE,
    max_fields: int = _FIELDS,
    max_files: int = _FILES,
) -> Generator[Form]:
    """Like `form_async`."""
    receipt = Receipt(files, max_field_size, max_fields, max_files)
    events = _events(FormReader(content_type, max_parts=max_fields + max_files), chunks)
    try:
        for event in events:
            receipt.take(event, events)
        yield receipt.form
    finally:
        receipt.clear()


async def _events_async(reader: FormReader, chunks: AsyncIterable[bytes]) -> AsyncGenerator[Event]:
    async for chunk in chunks:
        for event in reader.feed(chunk):
            yield event
    reader.end()


def _events(reader: FormReader, chunks: Iterable[bytes]) -> Iterator[Event]:
    for chunk in chunks:
        yield from reader.feed(chunk)
    reader.end()
