"""Claims: what a client uploaded by itself is checked against its ticket, and becomes a file that a row can take.

Nothing that the client says is believed: size, checksum and type are those of the object that lies in the storage.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from holdfast.claim import used_before
from holdfast.drivers import threads
from holdfast.errors import BucketNotFoundError, ChecksumMismatchError, FileRejectedError, NotFoundError
from holdfast.inspection import HEAD_SIZE
from holdfast.uploads.uploaded import Uploaded

if TYPE_CHECKING:
    from holdfast.file import FileObject
    from holdfast.uploads.targets import Column


def claim(token: str, column: Column, *, purpose: str) -> FileObject:
    """Check an upload against its ticket, and return it as a file that is free to be put into a row.

    Put it into a row of that column at once: the flush uses the ticket up, in the same transaction. If that rolls back,
    the upload can be claimed again. A file that is refused is deleted, and its ticket is used up.

    Args:
        token: The ticket's.
        column: The column that the ticket was issued for.
        purpose: What the ticket was issued with, made anew from who is asking now.

    Raises:
        InvalidTokenError: The ticket is forged, has expired, is for something else, or was used before.
        NotFoundError: Nothing was uploaded yet, or not all of it.
        FileRejectedError: What was uploaded is not what was agreed on, or breaks a rule of the column.
        ConfigurationError: The column cannot have uploads, or `StorageRegistry.sign_urls` was not called.
        StorageError: The storage failed.
    """
    upload = Uploaded.of(token, column, purpose)
    storage, terms = upload.storage, upload.terms
    if storage.exists(upload.marker):
        raise used_before()
    if terms.upload_id is not None:
        storage.finish_upload(terms.key, terms.upload_id)
    try:
        found = storage.stat(terms.key)
    except BucketNotFoundError:
        raise
    except NotFoundError as error:
        raise upload.missing() from error
    try:
        upload.check(found)
        if upload.needs_copy:
            found = storage.copy(terms.key, upload.copy())
            upload.check(found)
        content_type = upload.accepted(storage.read(upload.key, end=HEAD_SIZE) if upload.has_head else b"")
        if (checksum := upload.unverified) is not None:
            try:
                storage.verify(upload.key, checksum)
            except ChecksumMismatchError as error:
                raise upload.other_bytes() from error
    except FileRejectedError:
        upload.discard()
        raise
    return upload.file(found, content_type)


async def claim_async(token: str, column: Column, *, purpose: str) -> FileObject:
    """Like `claim`."""
    upload = Uploaded.of(token, column, purpose)
    storage, terms = upload.storage, upload.terms
    if await storage.exists_async(upload.marker):
        raise used_before()
    if terms.upload_id is not None:
        await storage.finish_upload_async(terms.key, terms.upload_id)
    try:
        found = await storage.stat_async(terms.key)
    except BucketNotFoundError:
        raise
    except NotFoundError as error:
        raise upload.missing() from error
    try:
        upload.check(found)
        if upload.needs_copy:
            found = await storage.copy_async(terms.key, upload.copy())
            upload.check(found)
        head = await storage.read_async(upload.key, end=HEAD_SIZE) if upload.has_head else b""
        quick = upload.rules.is_quick
        content_type = upload.accepted(head) if quick else await threads.run(upload.accepted, head)
        if (checksum := upload.unverified) is not None:
            try:
                await storage.verify_async(upload.key, checksum)
            except ChecksumMismatchError as error:
                raise upload.other_bytes() from error
    except FileRejectedError:
        await threads.finish(asyncio.ensure_future(upload.discard_async()))
        raise
    return upload.file(found, content_type)
