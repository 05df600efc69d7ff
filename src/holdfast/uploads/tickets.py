"""Tickets: a client uploads a file by itself, straight to the storage, and the application never touches the bytes.

The server chooses the key, and agrees on size, type and checksum beforehand. They are bound into what the client is
given as far as the service can, and into the ticket's token, against which `holdfast.uploads.claims.claim` checks what
was uploaded. How the bytes travel is the ticket's ``protocol``: a resumable one (tus) would be another, with the same
tokens and the same claims.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.errors import UnsupportedError
from holdfast.uploads.drafting import drafted
from holdfast.uploads.ticket import Ticket

if TYPE_CHECKING:
    from holdfast.uploads.drafting import Protocol
    from holdfast.uploads.targets import Column

__all__ = ["Ticket", "issue", "issue_async"]


def issue(
    column: Column,
    *,
    filename: str,
    size: int,
    content_type: str,
    checksum: str | None = None,
    purpose: str,
    expires_in: int = 900,
    protocol: Protocol = "auto",
) -> Ticket:
    """Return a ticket, with which a client uploads one file by itself.

    Check first that the client may upload at all: a ticket costs nothing, and what it is used for is stored until a
    sweep finds that nobody claimed it.

    Args:
        column: The mapped column that the file is for, such as ``Document.file``.
        filename: What the client calls the file, a label.
        size: The bytes it is going to have, exactly.
        content_type: What the client says its type is. The claim looks at the content.
        checksum: The ``"sha256:<hex>"`` that the client computed: another file of that size is refused then.
        purpose: Your own text that the claim must repeat, such as ``f"user:{user.id}"``: a ticket that somebody else
            got hold of is of no use to them.
        expires_in: Seconds until the ticket ends, upload and claim included: 12 hours at most, because a sweep takes
            what no row holds for garbage after 24.
        protocol: ``"put"``, ``"form"`` or ``"parts"``, see `Ticket`; ``"auto"`` for parts above 100 MiB where the
            storage has them, else one PUT.

    Raises:
        FileRejectedError: The column takes no such file, or the client's words make no sense.
        ConfigurationError: An argument is out of range, the key scheme needs a row, or `StorageRegistry.sign_urls` was
            not called.
        UnsupportedError: The storage has no such uploads.
        StorageError: The storage failed.
    """
    draft = drafted(
        column,
        filename=filename,
        size=size,
        content_type=content_type,
        checksum=checksum,
        purpose=purpose,
        expires_in=expires_in,
        protocol=protocol,
    )
    try:
        offer = draft.storage.offer_upload(draft.terms)
    except UnsupportedError:
        if not draft.may_go_whole:
            raise
        draft = draft.whole()
        offer = draft.storage.offer_upload(draft.terms)
    return draft.ticket(offer)


async def issue_async(
    column: Column,
    *,
    filename: str,
    size: int,
    content_type: str,
    checksum: str | None = None,
    purpose: str,
    expires_in: int = 900,
    protocol: Protocol = "auto",
) -> Ticket:
    """Like `issue`."""
    draft = drafted(
        column,
        filename=filename,
        size=size,
        content_type=content_type,
        checksum=checksum,
        purpose=purpose,
        expires_in=expires_in,
        protocol=protocol,
    )
    try:
        offer = await draft.storage.offer_upload_async(draft.terms)
    except UnsupportedError:
        if not draft.may_go_whole:
            raise
        draft = draft.whole()
        offer = await draft.storage.offer_upload_async(draft.terms)
    return draft.ticket(offer)
