"""An upload under examination: what a ticket agreed on, against what lies in the storage."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.claim import LONGEST_CLAIM, Claim, marker_key
from holdfast.errors import AlreadyExistsError, FileRejectedError, InvalidTokenError, NotFoundError, StorageError
from holdfast.file import FileObject
from holdfast.registry import storages
from holdfast.rules import Candidate
from holdfast.saving import Ref
from holdfast.uploads.naming import column_name, fresh_key
from holdfast.uploads.targets import target
from holdfast.uploads.terms import Terms, check_purpose

if TYPE_CHECKING:
    from holdfast.backends.base import StorageBackend
    from holdfast.objects import ObjectInfo
    from holdfast.rules import Rules
    from holdfast.uploads.targets import Column, Target

logger = logging.getLogger("holdfast")

_REFUSED = b"refused"


@dataclass(slots=True)
class Uploaded:
    """What is claimed.

    Attributes:
        target: The column.
        storage: Its storage.
        terms: What was agreed on.
        key: What is checked, and what a row will hold: the upload, or a copy of it.
    """

    target: Target
    storage: StorageBackend
    terms: Terms
    key: str

    @classmethod
    def of(cls, token: str, column: Column, purpose: str) -> Uploaded:
        """Read a ticket.

        Raises:
            InvalidTokenError: It is none, or for something else.
        """
        check_purpose(purpose)
        wanted, terms = target(column), Terms.read(token)
        if (terms.column, terms.storage, terms.purpose) != (column_name(wanted), wanted.backend, purpose):
            message = "the ticket is for something else"  # what for is nobody's business
            raise InvalidTokenError(message)
        return cls(wanted, storages.get(terms.storage), terms, terms.key)

    @property
    def marker(self) -> str:
        """Key of what says that the ticket was used."""
        return marker_key(self.terms.key)

    @property
    def rules(self) -> Rules:
        """The rules of the column."""
        return self.target.place.rules

    @property
    def has_head(self) -> bool:
        """Whether there are first bytes to look at, and a rule that wants them."""
        return self.rules.reads_content and self.terms.size > 0

    @property
    def needs_copy(self) -> bool:
        """Whether somebody might replace the upload after it was checked, or claim it at the same moment."""
        return not (self.terms.is_final and self.storage.abilities.atomic_create)

    @property
    def unverified(self) -> str | None:
        """The checksum, if it is known and the service did not look at it."""
        return None if self.terms.is_verified else self.terms.checksum

    def copy(self) -> str:
        """Choose the key of a copy, which is what is checked from then on: nobody else can write to it."""
        self.key = fresh_key(self.target, self.storage, self.terms.filename, self.terms.content_type)
        return self.key

    def missing(self) -> NotFoundError:
        """Return the error for an upload that never came."""
        message = "nothing was uploaded yet with this ticket"
        return NotFoundError(message, operation="claim", storage=self.storage.key, path=self.terms.key)

    def check(self, found: ObjectInfo) -> None:
        """Refuse another size or type than those that were agreed on.

        Azure lets a client choose the type, and whoever reads the object from there, or from a CDN, is told it.
        """
        if found.size != self.terms.size:
            message = f"the upload has {found.size} bytes, and {self.terms.size} were agreed on"
            raise self._rejected(message, "wrong_size", self.terms.size, found.size)
        agreed, kind = self.terms.content_type, found.content_type
        if kind is not None and self.storage.abilities.content_type and _plain(kind) != _plain(agreed):
            message = f"the upload is stored as {kind}, and {agreed} was agreed on"
            raise self._rejected(message, "type_mismatch", agreed, kind)

    def other_bytes(self) -> FileRejectedError:
        """Return the error for other bytes than the ones that were agreed on."""
        message = "the upload has another checksum than the one that was agreed on"
        return self._rejected(message, "wrong_checksum", self.terms.checksum, None)

    def accepted(self, head: bytes) -> str:
        """Return the type that the content has, if the column takes it."""
        terms = self.terms
        candidate = Candidate(terms.filename, "", terms.size, head)
        return self.rules.accepted_type(candidate, terms.content_type)

    def discard(self) -> None:
        """Delete what is refused; never what another claim of the ticket may have put into a row meanwhile."""
        keys = self._copies()
        try:
            with suppress(AlreadyExistsError):
                self.storage.put(self.marker, _REFUSED, if_absent=True)
                keys.append(self.terms.key)
            if keys:
                self.storage.delete(keys)
        except StorageError as error:
            self._left_over(error)

    async def discard_async(self) -> None:
        """Like `discard`."""
        keys = self._copies()
        try:
            with suppress(AlreadyExistsError):
                await self.storage.put_async(self.marker, _REFUSED, if_absent=True)
                keys.append(self.terms.key)
            if keys:
                await self.storage.delete_async(keys)
        except StorageError as error:
            self._left_over(error)

    def file(self, found: ObjectInfo, content_type: str) -> FileObject:
        """Return the file, which the first row that takes it owns."""
        terms, key = self.terms, self.storage.key
        file = FileObject(backend=self.storage, filename=terms.filename, content_type=content_type)
        file._become_claimed(
            found._replace(key=self.key, checksum=terms.checksum),
            Claim(Ref(key, terms.key), Ref(key, self.key), found, terms.expires_at + LONGEST_CLAIM),
        )
        file._become_accepted(self.rules, content_type)
        return file

    def _copies(self) -> list[str]:
        return [] if self.key == self.terms.key else [self.key]

    def _left_over(self, error: StorageError) -> None:
        logger.error("an upload to storage %r was refused, and could not be deleted: %s", self.storage.key, error)

    def _rejected(self, message: str, code: str, limit: object, found: object) -> FileRejectedError:
        field, filename = self.target.place.column, self.terms.filename
        return FileRejectedError(message, code=code, field=field, filename=filename, limit=limit, found=found)


def _plain(content_type: str) -> str:
    """Return a media type without its parameters, which some services write in their own way."""
    return content_type.partition(";")[0].strip().lower()
