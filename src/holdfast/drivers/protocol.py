"""What a storage service must be able to do, on one screen.

A driver is given valid keys and bodies whose blocks are already counted and hashed. It raises its library's own
exceptions and says in `Driver.classify` what they mean; the storage wraps them, once. Keys given to a driver are
relative to the driver's root. A driver is safe to share between threads and builds its connections on first use.

Driver authors run `holdfast.testing.BackendContract` against theirs.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeGuard

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
        fresh: The key holds an id that nobody else has or can guess: what lies there can only be an earlier attempt
            of this write, so that it may as well be replaced.
    """

    content_type: str | None = None
    metadata: Mapping[str, Any] = MappingProxyType({})
    if_absent: bool = False
    use_multipart: bool | None = None
    chunk_size: int = 5 * MIB
    max_concurrency: int = 12
    settings: ObjectSettings = NO_SETTINGS
    fresh: bool = False


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
