"""What only some services can do. Drivers are asked for it by type: who has the methods has the ability."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable

from holdfast.object_settings import NO_SETTINGS, ObjectSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from holdfast.drivers.protocol import Driver, Put, PutOptions
    from holdfast.objects import ObjectInfo


@runtime_checkable
class BatchPut(Protocol):
    """Ability: writing many small objects in one go is cheaper than one by one."""

    def put_many(self, puts: Sequence[Put]) -> list[ObjectInfo | Exception]:
        """Write each object like ``put``; the outcome of each in the same order, an error instead of raising it."""


class SignRequest(NamedTuple):
    """What a signed URL is to allow.

    Attributes:
        key: The object.
        method: ``GET`` or ``PUT``.
        expires_in: Seconds until the URL stops working.
        content_type: Of a GET: the ``Content-Type`` of the answer. Of a PUT: the one that the upload must have.
        content_disposition: Of a GET: the ``Content-Disposition`` of the answer.
        size: Of a PUT: the bytes that the upload must have.
        checksum: Of a PUT: the ``"sha256:<hex>"`` that the upload must have.
        if_absent: Of a PUT: never replace an object.
    """

    key: str
    method: str
    expires_in: int
    content_type: str | None = None
    content_disposition: str | None = None
    size: int | None = None
    checksum: str | None = None
    if_absent: bool = False


@runtime_checkable
class Signer(Protocol):
    """Ability: URLs that let a client read or write one object without credentials."""

    def sign(self, request: SignRequest) -> str:
        """Return a URL. May ask the service for credentials, and then takes as long as that does.

        Raises:
            NotImplementedError: The service, or the credentials, cannot sign that; the message says what can.
        """


@runtime_checkable
class AsyncSigner(Signer, Protocol):
    """The same ability with both halves. Without the async one, the other is run in a thread."""

    async def sign_async(self, request: SignRequest) -> str:
        """Like `sign`."""


class UnsignedError(NotImplementedError):
    """Raised by a `Signer` for an object that lies where nothing signs: it can be served by a URL of another kind."""


class UploadTerms(NamedTuple):
    """One upload that a client is to make by itself.

    Attributes:
        key: The object.
        size: Its bytes, exactly.
        expires_in: Seconds until the upload must have begun.
        content_type: The media type that it must have.
        checksum: The ``"sha256:<hex>"`` that it must have, if that is known.
        as_form: For an HTML form (``POST``) instead of a ``PUT``.
        in_parts: For a multipart upload, whose parts can be sent side by side and again.
        settings: What the service is told besides, only fields that the driver's `Abilities` name.
    """

    key: str
    size: int
    expires_in: int
    content_type: str
    checksum: str | None = None
    as_form: bool = False
    in_parts: bool = False
    settings: ObjectSettings = NO_SETTINGS


class UploadOffer(NamedTuple):
    """How a client makes an upload.

    Attributes:
        method: ``PUT`` of the bytes, or ``POST`` of a form whose last field, ``file``, has them.
        url: Where to; empty for a multipart upload.
        headers: What a PUT must be sent with, besides what a browser adds.
        fields: Of a form: what comes before the file.
        parts: Of a multipart upload: the URL of each part, in order; each is a PUT without headers.
        part_size: Bytes of each part but the last.
        upload_id: What `DirectUploads.finish_upload` takes, of a multipart upload: text without secrets, to be kept
            where the client cannot change it.
        creates_only: Whether the service refuses to replace an object, so that what was checked stays as it is.
        checks_checksum: Whether the service holds the upload to the checksum.
    """

    method: str
    url: str
    headers: Mapping[str, str] = MappingProxyType({})
    fields: Mapping[str, str] = MappingProxyType({})
    parts: tuple[str, ...] = ()
    part_size: int | None = None
    upload_id: str | None = None
    creates_only: bool = False
    checks_checksum: bool = False

    def __repr__(self) -> str:
        return f"UploadOffer({self.method!r}, …)"  # a URL is all that it takes to upload


@runtime_checkable
class DirectUploads(Protocol):
    """Ability: clients upload to the service itself, held to what was agreed as far as the service can."""

    def offer_upload(self, terms: UploadTerms) -> UploadOffer:
        """Return how. May ask the service.

        Raises:
            NotImplementedError: The service, or the credentials, cannot offer that; the message says what can.
        """

    def finish_upload(self, key: str, upload_id: str) -> None:
        """Make a multipart upload an object; one that was finished before is no error.

        Raises:
            FileNotFoundError: Parts are missing, which can still be sent; or there is no such upload.
        """


@runtime_checkable
class PartialUploads(Protocol):
    """Ability: finding what uploads that were cut off, by a crash or a lost network, left behind."""

    def clear_partial_uploads(self, older_than: float, *, delete: bool) -> list[str]:
        """Return what was begun before `older_than` (seconds since the epoch) below the driver's root; drop it.

        Never what is still being written. Without `delete` nothing is dropped.
        """


@runtime_checkable
class AsyncPartialUploads(PartialUploads, Protocol):
    """The same ability with both halves. Without the async one, the other is run in a thread."""

    async def clear_partial_uploads_async(self, older_than: float, *, delete: bool) -> list[str]:
        """Like `clear_partial_uploads`."""


@runtime_checkable
class PartialUploadsBelow(PartialUploads, Protocol):
    """The same ability where an unfinished upload tells the key that it is for: it can be held to a folder."""

    def clear_partial_uploads_below(self, folder: str, older_than: float, *, delete: bool) -> list[str]:
        """Like `clear_partial_uploads`, for keys in a folder and below; the keys are those of the whole."""


class OpenedFile(NamedTuple):
    """A file that was opened for reading; who has it closes the descriptor.

    Attributes:
        descriptor: Of a regular file, and of nothing else.
        size: Bytes.
    """

    descriptor: int
    size: int


@runtime_checkable
class PlainFiles(Protocol):
    """Ability: objects are plain files on this machine, which the kernel can hand out by itself."""

    def open_file(self, key: str) -> OpenedFile:
        """Open an object. A missing one raises."""

    def open_cached(self, key: str) -> OpenedFile | None:
        """Open an object without ever waiting for a disk, in an event loop; None where `open_file` has to do it."""

    def read_cached(self, key: str, start: int, end: int, size: int) -> bytes | None:
        """Read a part of an object of that size, likewise; None in all other cases, also if it would fail."""

    def relative_path(self, key: str) -> str:
        """Return where an object lies below the folder that a server in front of the program knows."""


class Refusal(NamedTuple):
    """Why a service did not make a copy that it was asked for.

    Attributes:
        reason: In its own words.
        lasting: Whether it would refuse other objects of that driver as well.
    """

    reason: str
    lasting: bool = False


@runtime_checkable
class CopiesFrom(Protocol):
    """Ability: objects of another driver are copied without passing through this process."""

    def can_copy_from(self, origin: Driver) -> bool:
        """Return whether to try, as far as that is known without asking the service."""

    def copy_from(self, origin: Driver, source: ObjectInfo, target: str, options: PutOptions) -> Refusal | None:
        """Write an object of another driver as `Driver.put` would, whole or not at all.

        Args:
            origin: A driver that `can_copy_from` accepted.
            source: The object there, as it was just described.
            target: Key of the copy.
            options: How to write it, as for a put.

        Returns:
            Why it could not be done, and nothing was written; None if it was done.
        """


@runtime_checkable
class AsyncCopiesFrom(CopiesFrom, Protocol):
    """The same ability with both halves. Without the async one, the other is run in a thread."""

    async def copy_from_async(
        self, origin: Driver, source: ObjectInfo, target: str, options: PutOptions
    ) -> Refusal | None:
        """Like `copy_from`; to the end, even when cancelled."""


@runtime_checkable
class Transparent(Protocol):
    """Ability: the objects are those of another driver, byte for byte, so that they can be copied from there."""

    def origin(self, key: str) -> tuple[Driver, str]:
        """Return the other driver, and the object's key there."""


def origin_of(driver: Driver, key: str) -> tuple[Driver, str]:
    """Return the driver at the bottom of those that change nothing, and an object's key there."""
    while isinstance(driver, Transparent):
        driver, key = driver.origin(key)
    return driver, key
