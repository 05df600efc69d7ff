"""A folder of a storage as a storage of its own."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from holdfast.drivers.optional import PartialUploadsBelow
from holdfast.drivers.wrappers.wrapper import COPIES, PLAIN_FILES, Wrapper
from holdfast.keys import validate_key
from holdfast.object_settings import NO_SETTINGS, ObjectSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from holdfast.drivers.body import Body
    from holdfast.drivers.optional import OpenedFile, Refusal, SignRequest, UploadOffer, UploadTerms
    from holdfast.drivers.places import Place
    from holdfast.drivers.protocol import Driver, Put, PutOptions
    from holdfast.objects import ObjectInfo


class PrefixDriver(Wrapper):
    """Puts a folder before each key, and takes it off again.

    Args:
        driver: The driver that does the work.
        prefix: The folder, a valid key.
    """

    offered = MappingProxyType(
        {
            **{
                name: Wrapper.offered[name]
                for name in ("put_many", "sign", "sign_async", "offer_upload", "finish_upload", "place")
            },
            **PLAIN_FILES,
            **COPIES,
            # What was left behind outside of the folder is not ours to clear.
            "clear_partial_uploads": (PartialUploadsBelow, "_clear_folder"),
            "clear_partial_uploads_below": (PartialUploadsBelow, "_clear_below"),
        }
    )

    def __init__(self, driver: Driver, prefix: str) -> None:
        super().__init__(driver)
        self._base = f"{prefix}/"

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write below the folder."""
        return self._outer(self.driver.put(self._inner(key), body, options))

    async def put_async(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Like `put`."""
        return self._outer(await self.driver.put_async(self._inner(key), body, options))

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Read below the folder."""
        return self.driver.read(self._inner(key), start, end, chunk_size)

    def read_async(self, key: str, start: int, end: int | None, chunk_size: int | None) -> AsyncIterator[bytes]:
        """Like `read`."""
        return self.driver.read_async(self._inner(key), start, end, chunk_size)

    def stat(self, key: str) -> ObjectInfo:
        """Describe below the folder."""
        return self._outer(self.driver.stat(self._inner(key)))

    async def stat_async(self, key: str) -> ObjectInfo:
        """Like `stat`."""
        return self._outer(await self.driver.stat_async(self._inner(key)))

    def delete(self, keys: Sequence[str]) -> None:
        """Delete below the folder."""
        self.driver.delete([self._inner(key) for key in keys])

    async def delete_async(self, keys: Sequence[str]) -> None:
        """Like `delete`."""
        await self.driver.delete_async([self._inner(key) for key in keys])

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Copy below the folder."""
        self.driver.copy(self._inner(source), self._inner(target), settings)

    async def copy_async(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Like `copy`."""
        await self.driver.copy_async(self._inner(source), self._inner(target), settings)

    def origin(self, key: str) -> tuple[Driver, str]:
        """Return the driver behind, with the folder before the key."""
        return self._plain, self._inner(key)

    def _copy_from(self, origin: Driver, source: ObjectInfo, target: str, options: PutOptions) -> Refusal | None:
        return super()._copy_from(origin, source, self._inner(target), options)

    async def _copy_from_async(
        self, origin: Driver, source: ObjectInfo, target: str, options: PutOptions
    ) -> Refusal | None:
        return await super()._copy_from_async(origin, source, self._inner(target), options)

    def _put_many(self, puts: Sequence[Put]) -> list[ObjectInfo | Exception]:
        outcomes = super()._put_many([put._replace(key=self._inner(put.key)) for put in puts])
        return [outcome if isinstance(outcome, Exception) else self._outer(outcome) for outcome in outcomes]

    def _sign(self, request: SignRequest) -> str:
        return super()._sign(request._replace(key=self._inner(request.key)))

    async def _sign_async(self, request: SignRequest) -> str:
        return await super()._sign_async(request._replace(key=self._inner(request.key)))

    def _open_file(self, key: str) -> OpenedFile:
        return super()._open_file(self._inner(key))

    def _open_cached(self, key: str) -> OpenedFile | None:
        return super()._open_cached(self._inner(key))

    def _read_cached(self, key: str, start: int, end: int, size: int) -> bytes | None:
        return super()._read_cached(self._inner(key), start, end, size)

    def _relative_path(self, key: str) -> str:
        return super()._relative_path(self._inner(key))

    def _offer_upload(self, terms: UploadTerms) -> UploadOffer:
        return super()._offer_upload(terms._replace(key=self._inner(terms.key)))

    def _finish_upload(self, key: str, upload_id: str) -> None:
        super()._finish_upload(self._inner(key), upload_id)

    def _clear_folder(self, older_than: float, *, delete: bool) -> list[str]:
        return self._clear_below("", older_than, delete=delete)

    def _clear_below(self, folder: str, older_than: float, *, delete: bool) -> list[str]:
        found = super()._clear_below(self._folder(folder), older_than, delete=delete)
        return [key.removeprefix(self._base) for key in found]

    def _place(self) -> Place:
        return super()._place().below(self._base)

    def _inner(self, key: str) -> str:
        # Both parts are valid and cannot climb; together they may be too long.
        return validate_key(self._base + key)

    def _folder(self, prefix: str) -> str:
        return f"{self._base}{prefix}".removesuffix("/")

    def _outer(self, info: ObjectInfo) -> ObjectInfo:
        return info._replace(key=info.key.removeprefix(self._base))

    def list(self, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
        """List below the folder; a common beginning does not change the order of keys."""
        return map(self._outer, self.driver.list(self._folder(prefix), after and self._base + after))

    async def list_async(self, prefix: str, after: str | None) -> AsyncIterator[ObjectInfo]:
        """Like `list`."""
        async for info in self.driver.list_async(self._folder(prefix), after and self._base + after):
            yield self._outer(info)
