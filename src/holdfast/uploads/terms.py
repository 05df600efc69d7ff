"""What a ticket says, as the text that a client carries from its issue to its claim and cannot change."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.claim import LONGEST_TICKET
from holdfast.errors import ConfigurationError, FileRejectedError, InvalidTokenError
from holdfast.keys import clean_label
from holdfast.registry import storages

if TYPE_CHECKING:
    from holdfast.tokens import TokenKeys

_PURPOSE = "holdfast-ticket"
_CHECKSUM = re.compile(r"sha256:[0-9a-f]{64}")
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}(;[ -~]{0,100})?")  # RFC 6838 §4.2
_MAX_NAME = 255
_MAX_EXTENSION = 16
_MAX_SIZE = 2**63 - 1


class Terms(NamedTuple):
    """What was agreed on when a ticket was issued.

    Attributes:
        column: The column, see `column_name`.
        purpose: The application's own text, such as whose upload it is.
        storage: Name of the storage.
        key: The object.
        size: Its bytes.
        content_type: What the client called its type.
        filename: What the client calls it, a label.
        checksum: The ``"sha256:<hex>"`` that the client computed, if it did.
        protocol: How the bytes travel.
        upload_id: Of a multipart upload: what finishes it.
        is_final: Whether nobody can replace the object any more.
        is_verified: Whether the service holds the upload to the checksum.
        expires_at: Seconds since the epoch.
    """

    column: str
    purpose: str
    storage: str
    key: str
    size: int
    content_type: str
    filename: str
    checksum: str | None
    protocol: str
    upload_id: str | None
    is_final: bool
    is_verified: bool
    expires_at: int

    def signed(self) -> str:
        """Return the token."""
        fields = [
            self.column,
            self.purpose,
            self.storage,
            self.key,
            str(self.size),
            self.content_type,
            self.filename,
            self.checksum or "",
            self.protocol,
            self.upload_id or "",
            str(int(self.is_final)),
            str(int(self.is_verified)),
            str(self.expires_at),
        ]
        return ticket_keys().sign(_PURPOSE, fields, expires_at=self.expires_at)

    @classmethod
    def read(cls, token: str) -> Terms:
        """Return what a token says.

        Raises:
            InvalidTokenError: It is none of ours, or has expired.
        """
        if not isinstance(token, str):
            message = "a ticket's token is a text"
            raise InvalidTokenError(message)
        fields = ticket_keys().read(_PURPOSE, token)
        if len(fields) != len(cls._fields):
            message = "the ticket was issued by another version"
            raise InvalidTokenError(message)
        column, purpose, storage, key, size, kind, filename, checksum, protocol, upload_id, *rest = fields
        is_final, is_verified, expires_at = rest
        return cls(
            column=column,
            purpose=purpose,
            storage=storage,
            key=key,
            size=int(size),
            content_type=kind,
            filename=filename,
            checksum=checksum or None,
            protocol=protocol,
            upload_id=upload_id or None,
            is_final=is_final == "1",
            is_verified=is_verified == "1",
            expires_at=int(expires_at),
        )


def ticket_keys() -> TokenKeys:
    """Return what signs tickets.

    Raises:
        ConfigurationError: Nobody said which secret that is.
    """
    if storages.signed_urls is None:
        message = (
            'tickets are signed: call storages.sign_urls("https://app.example.com/files", secret="…") once, when the '
            "application starts"
        )
        raise ConfigurationError(message)
    return storages.signed_urls.keys


def expiry(expires_in: Any) -> int:
    """Return when a ticket ends, in seconds since the epoch.

    Raises:
        ConfigurationError: It would be valid for too long: a sweep might take the upload for garbage meanwhile.
    """
    if type(expires_in) is not int or not 1 <= expires_in <= LONGEST_TICKET:
        message = f"expires_in={expires_in!r} must be whole seconds from 1 to {LONGEST_TICKET} (12 hours)"
        raise ConfigurationError(message)
    return int(time.time()) + expires_in


def check_purpose(purpose: Any) -> None:
    """Refuse a purpose that says nothing, so that anybody's ticket would do.

    Raises:
        ConfigurationError: It is one.
    """
    if not isinstance(purpose, str) or not 1 <= len(purpose) <= _MAX_NAME:
        message = f'purpose= must be a text of 1 to {_MAX_NAME} characters that says whose upload it is: f"user:{{id}}"'
        raise ConfigurationError(message)


def check_declaration(field: str | None, filename: Any, size: Any, content_type: Any, checksum: Any) -> str:
    """Refuse what a client cannot mean by its file; return the name as a label.

    Raises:
        FileRejectedError: Something is out of range, or of another kind.
    """
    name = filename if isinstance(filename, str) else None

    def refuse(code: str, message: str, found: Any) -> None:
        raise FileRejectedError(message, code=code, field=field, filename=name and _label(name), found=found)

    if not name:
        refuse("invalid", "an upload needs the name of its file", None)
    if type(size) is not int or not 0 <= size <= _MAX_SIZE:
        refuse("wrong_size", "the size of an upload must be a whole number of bytes", None)
    if not isinstance(content_type, str) or not _MEDIA_TYPE.fullmatch(content_type):
        refuse("type_not_accepted", "the type of an upload must be a media type, such as image/png", None)
    if checksum is not None and not (isinstance(checksum, str) and _CHECKSUM.fullmatch(checksum)):
        refuse("wrong_checksum", 'the checksum of an upload must be "sha256:" and 64 hexadecimal digits', None)
    return _label(str(name))


def _label(filename: str) -> str:
    """Return a name that is fit to be shown and short enough for a token; the extension survives."""
    label = clean_label(filename)
    if len(label) <= _MAX_NAME:
        return label
    stem, dot, extension = label[-_MAX_EXTENSION:].rpartition(".")
    tail = dot + extension if dot and stem else ""
    return label[: _MAX_NAME - len(tail)] + tail
