"""What drivers in front of another one have in common: whatever they do not change goes through."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from holdfast.drivers.optional import (
    AsyncCopiesFrom,
    AsyncPartialUploads,
    AsyncSigner,
    BatchPut,
    CopiesFrom,
    DirectUploads,
    PartialUploads,
    PartialUploadsBelow,
    PlainFiles,
    Signer,
)
from holdfast.drivers.places import Place, Placed
from holdfast.drivers.protocol import is_async_driver
from holdfast.drivers.threaded import ThreadedDriver
from holdfast.object_settings import NO_SETTINGS, ObjectSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

    from holdfast.drivers.abilities import Abilities
    from holdfast.drivers.body import Body
    from holdfast.drivers.optional import OpenedFile, Refusal, SignRequest, UploadOffer, UploadTerms
    from holdfast.drivers.protocol import AsyncDriver, Driver, Put, PutOptions
    from holdfast.errors import StorageError
    from holdfast.objects import ObjectInfo

PLAIN_FILES = MappingProxyType(
    {
        "open_file": (PlainFiles, "_open_file"),
        "open_cached": (PlainFiles, "_open_cached"),
        "read_cached": (PlainFiles, "_read_cached"),
        "relative_path": (PlainFiles, "_relative_path"),
    }
)
"""What a wrapper may offer besides, if it neither limits, counts nor changes what is read."""

COPIES = MappingProxyType(
    {
        "can_copy_from": (CopiesFrom, "_can_copy_from"),
        "copy_from": (CopiesFrom, "_copy_from"),
        "copy_from_async": (AsyncCopiesFrom, "_copy_from_async"),
    }
)
"""What a wrapper may offer besides, if it need not see what is written."""


class Wrapper:
    """Base of the wrappers; as it is, it changes nothing.

    Abilities that have methods of their own are asked for by type. A wrapper therefore gets such a method when it is
    made, and only if the driver behind it has what the method takes.

    Args:
        driver: The driver that does the work.

    Attributes:
        offered: The methods that a wrapper of this class may get: name, what the driver behind must be, and which of
            its own methods it is.
    """

    offered: ClassVar[Mapping[str, tuple[Any, str]]] = MappingProxyType(
        {
            "put_many": (BatchPut, "_put_many"),
            "sign": (Signer, "_sign"),
            "sign_async": (AsyncSigner, "_sign_async"),
            "offer_upload": (DirectUploads, "_offer_upload"),
            "finish_upload": (DirectUploads, "_finish_upload"),
            "clear_partial_uploads": (PartialUploads, "_clear"),
            "clear_partial_uploads_async": (AsyncPartialUploads, "_clear_async"),
            "clear_partial_uploads_below": (PartialUploadsBelow, "_clear_below"),
            "place": (Placed, "_place"),
        }
    )

    def __init__(self, driver: Driver) -> None:
        self.driver: AsyncDriver = driver if is_async_driver(driver) else ThreadedDriver(driver)
        self._plain: Any = driver  # asked for abilities, which `ThreadedDriver` does not show
        for name, (kind, method) in self.offered.items():
            if isinstance(driver, kind):
                setattr(self, name, getattr(self, method))

    @property
    def behind(self) -> Sequence[Driver]:
        """What does the work."""
        return (self._plain,)

    @property
    def abilities(self) -> Abilities:
        """Those of the driver behind."""
        return self.driver.abilities

    @property
    def native(self) -> Any:
        """The own object of the driver behind."""
        return self.driver.native

    def classify(self, error: BaseException) -> type[StorageError] | None:
        """Ask the driver behind."""
        return self.driver.classify(error)

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write an object."""
        return self.driver.put(key, body, options)

    async def put_async(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Like `put`."""
        return await self.driver.put_async(key, body, options)

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Read an object, or a part of it."""
        return self.driver.read(key, start, end, chunk_size)

    def read_async(self, key: str, start: int, end: int | None, chunk_size: int | None) -> AsyncIterator[bytes]:
        """Like `read`."""
        return self.driver.read_async(key, start, end, chunk_size)

    def stat(self, key: str) -> ObjectInfo:
        """Describe an object."""
        return self.driver.stat(key)

    async def stat_async(self, key: str) -> ObjectInfo:
        """Like `stat`."""
        return await self.driver.stat_async(key)

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects."""
        self.driver.delete(keys)

    async def delete_async(self, keys: Sequence[str]) -> None:
        """Like `delete`."""
        await self.driver.delete_async(keys)

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Copy an object."""
        self.driver.copy(source, target, settings)

    async def copy_async(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Like `copy`."""
        await self.driver.copy_async(source, target, settings)

    # --- what only some drivers can do

    def _put_many(self, puts: Sequence[Put]) -> list[ObjectInfo | Exception]:
        outcomes: list[ObjectInfo | Exception] = self._plain.put_many(puts)
        return outcomes

    def _sign(self, request: SignRequest) -> str:
        url: str = self._plain.sign(request)
        return url

    async def _sign_async(self, request: SignRequest) -> str:
        url: str = await self._plain.sign_async(request)
        return url

    def _offer_upload(self, terms: UploadTerms) -> UploadOffer:
        offer: UploadOffer = self._plain.offer_upload(terms)
        return offer

    def _finish_upload(self, key: str, upload_id: str) -> None:
        self._plain.finish_upload(key, upload_id)

    def _clear(self, older_than: float, *, delete: bool) -> list[str]:
        found: list[str] = self._plain.clear_partial_uploads(older_than, delete=delete)
        return found

    async def _clear_async(self, older_than: float, *, delete: bool) -> list[str]:
        found: list[str] = await self._plain.clear_partial_uploads_async(older_than, delete=delete)
        return found

    def _clear_below(self, folder: str, older_than: float, *, delete: bool) -> list[str]:
        found: list[str] = self._plain.clear_partial_uploads_below(folder, older_than, delete=delete)
        return found

    def _place(self) -> Place:
        place: Place = self._plain.place()
        return place

    def _open_file(self, key: str) -> OpenedFile:
        file: OpenedFile = self._plain.open_file(key)
        return file

    def _open_cached(self, key: str) -> OpenedFile | None:
        file: OpenedFile | None = self._plain.open_cached(key)
        return file

    def _read_cached(self, key: str, start: int, end: int, size: int) -> bytes | None:
        data: bytes | None = self._plain.read_cached(key, start, end, size)
        return data

    def _relative_path(self, key: str) -> str:
        path: str = self._plain.relative_path(key)
        return path

    def _can_copy_from(self, origin: Driver) -> bool:
        possible: bool = self._plain.can_copy_from(origin)
        return possible

    def _copy_from(self, origin: Driver, source: ObjectInfo, target: str, options: PutOptions) -> Refusal | None:
        refusal: Refusal | None = self._plain.copy_from(origin, source, target, options)
        return refusal

    async def _copy_from_async(
        self, origin: Driver, source: ObjectInfo, target: str, options: PutOptions
    ) -> Refusal | None:
        refusal: Refusal | None = await self._plain.copy_from_async(origin, source, target, options)
        return refusal

    def list(self, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
        """List objects."""
        return self.driver.list(prefix, after)

    def list_async(self, prefix: str, after: str | None) -> AsyncIterator[ObjectInfo]:
        """Like `list`."""
        return self.driver.list_async(prefix, after)


def never_blocks(driver: Driver) -> bool:
    """Return whether the async half of a driver waits in no thread: not even that of what it stands on."""
    return is_async_driver(driver) and all(map(never_blocks, getattr(driver, "behind", ())))
