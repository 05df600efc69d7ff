"""What a storage service must be able to do, on one screen.

A driver is given valid keys and bodies whose blocks are already counted and hashed. It raises its library's own
exceptions and says in `Driver.classify` what they mean; the storage wraps them, once. Keys given to a driver are
relative to the driver's root. A driver is safe to share between threads and builds its connections on first use.

Driver authors run `holdfast.testing.BackendContract` against theirs.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeGuard, runtime_checkable

from holdfast.object_settings import NO_SETTINGS, ObjectSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

    from holdfast.drivers.abilities import Abilities
    from holdfast.drivers.body import Body
    from holdfast.errors import StorageError
    from holdfast.objects import ObjectInfo

MIB = 1024 * 1024
SINGLE_PUT_LIMIT = 8 * MIB
"""Largest body sent in one request, in bytes."""


class PutOptions(NamedTuple):
    """How to write an object.

    Attributes:
        content_type: Media type, kept where the service can.
        metadata: The caller's fields (any JSON), kept where the service can.
        if_absent: Never replace. Guaranteed for bodies up to `SINGLE_PUT_LIMIT` where the service has an atomic
            create; beyond that the key's randomness is relied on.
        use_multipart: True or False to force or forbid a multipart upload; None to choose by size.
        chunk_size: Bytes of one part.
        max_concurrency: Parts under way at once.
        settings: What the service is told besides, only fields that the driver's `Abilities` name.
    """

    content_type: str | None = None
    metadata: Mapping[str, Any] = MappingProxyType({})
    if_absent: bool = False
    use_multipart: bool | None = None
    chunk_size: int = 5 * MIB
    max_concurrency: int = 12
    settings: ObjectSettings = ObjectSettings()


class Driver(Protocol):
    """The sync half, which every driver has."""

    @property
    def abilities(self) -> Abilities:
        """What the service keeps and guarantees; told without connecting."""

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write the whole body or nothing, durably; replace unless ``if_absent``. On failure leave nothing behind."""

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Yield the bytes from `start` up to `end`: chunks of about `chunk_size`, or one chunk for None.

        A range past the end yields what there is, maybe nothing; a missing object raises.
        """

    def stat(self, key: str) -> ObjectInfo:
        """Describe an object."""

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects in as few requests as the service allows; a missing one is no error."""

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Copy an object inside the service, with its content type and metadata, and with these settings of the copy.

        Through this process where the service cannot be told them with a copy.
        """

    def list(self, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
        """Yield the objects below the folder `prefix` (all for ``""``) with keys greater than `after`.

        In the order of the keys' UTF-8 bytes, in bounded memory. Content type and metadata may be left out.
        """

    def classify(self, error: BaseException) -> type[StorageError] | None:
        """Return the class that an exception of the service's library stands for; None if it is not one."""

    @property
    def native(self) -> Any:
        """The library's own object: the escape hatch for what Holdfast does not offer."""


class AsyncDriver(Driver, Protocol):
    """Both halves. A driver without this one is run in threads."""

    async def put_async(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Like `put`; when cancelled, it first waits until nothing is being written any more."""

    def read_async(self, key: str, start: int, end: int | None, chunk_size: int | None) -> AsyncIterator[bytes]:
        """Like `read`."""

    async def stat_async(self, key: str) -> ObjectInfo:
        """Like `stat`."""

    async def delete_async(self, keys: Sequence[str]) -> None:
        """Like `delete`."""

    async def copy_async(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Like `copy`."""

    def list_async(self, prefix: str, after: str | None) -> AsyncIterator[ObjectInfo]:
        """Like `list`."""


def is_async_driver(driver: Driver) -> TypeGuard[AsyncDriver]:
    """Return whether a driver has both halves; asked of the class, since `native` may connect."""
    return hasattr(type(driver), "put_async")


class Put(NamedTuple):
    """One object to write, as part of a batch."""

    key: str
    body: Body
    options: PutOptions


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
