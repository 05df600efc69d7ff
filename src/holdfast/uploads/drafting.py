"""What a ticket is going to say, before the storage is asked how the client may upload."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from holdfast.drivers.optional import UploadTerms
from holdfast.drivers.protocol import MIB
from holdfast.errors import ConfigurationError
from holdfast.registry import storages
from holdfast.uploads.naming import column_name, fresh_key
from holdfast.uploads.targets import target
from holdfast.uploads.terms import Terms, check_declaration, check_purpose, expiry, ticket_keys
from holdfast.uploads.ticket import Ticket

if TYPE_CHECKING:
    from holdfast.backends.base import StorageBackend
    from holdfast.drivers.optional import UploadOffer
    from holdfast.uploads.targets import Column

Protocol: TypeAlias = Literal["auto", "put", "form", "parts"]
"""How the bytes of a direct upload travel."""

_PROTOCOLS = get_args(Protocol)
_LARGE = 100 * MIB  # a lost connection is a pity from here on: parts are sent again one by one


@dataclass(frozen=True, slots=True)
class Draft:
    """A ticket without the storage's offer."""

    storage: StorageBackend
    terms: UploadTerms
    column: str
    purpose: str
    filename: str
    expires_at: int
    may_go_whole: bool

    def whole(self) -> Draft:
        """Return the same without parts."""
        return replace(self, terms=self.terms._replace(in_parts=False), may_go_whole=False)

    def ticket(self, offer: UploadOffer) -> Ticket:
        """Return the ticket."""
        protocol = "parts" if self.terms.in_parts else "form" if self.terms.as_form else "put"
        terms = Terms(
            column=self.column,
            purpose=self.purpose,
            storage=self.storage.key,
            key=self.terms.key,
            size=self.terms.size,
            content_type=self.terms.content_type,
            filename=self.filename,
            checksum=self.terms.checksum,
            protocol=protocol,
            upload_id=offer.upload_id,
            is_final=offer.creates_only,
            is_verified=offer.checks_checksum,
            expires_at=self.expires_at,
        )
        return Ticket(
            token=terms.signed(),
            protocol=protocol,
            method=offer.method,
            url=offer.url,
            headers=dict(offer.headers),
            fields=dict(offer.fields),
            parts=offer.parts,
            part_size=offer.part_size,
            expires_at=self.expires_at,
        )


def drafted(
    column: Column,
    *,
    filename: str,
    size: int,
    content_type: str,
    checksum: str | None,
    purpose: str,
    expires_in: int,
    protocol: Protocol,
) -> Draft:
    """Return what a ticket is going to say; the arguments are those of `holdfast.uploads.tickets.issue`.

    Raises:
        FileRejectedError: The column takes no such file, or the client's words make no sense.
        ConfigurationError: An argument is out of range, the key scheme needs a row, or there is no secret.
    """
    if protocol not in _PROTOCOLS:
        message = f"protocol={protocol!r} must be one of {', '.join(map(repr, _PROTOCOLS))}"
        raise ConfigurationError(message)
    ticket_keys()
    check_purpose(purpose)
    expires_at = expiry(expires_in)
    wanted = target(column)
    label = check_declaration(wanted.place.column, filename, size, content_type, checksum)
    content_type = wanted.place.rules.check_declared(label, content_type, size)
    storage = storages.get(wanted.backend)
    is_large = protocol == "auto" and size > _LARGE
    terms = UploadTerms(
        key=fresh_key(wanted, storage, label, content_type),
        size=size,
        expires_in=expires_in,
        content_type=content_type,
        checksum=checksum,
        as_form=protocol == "form",
        in_parts=is_large or protocol == "parts",
    )
    return Draft(storage, terms, column_name(wanted), purpose, label, expires_at, may_go_whole=is_large)
