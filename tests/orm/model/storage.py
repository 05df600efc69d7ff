"""A storage that is a dictionary."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Sequence

from holdfast.drivers.abilities import Abilities
from holdfast.drivers.body import Body
from holdfast.drivers.protocol import MIB, PutOptions
from holdfast.errors import AlreadyExistsError, NotFoundError, StorageError
from holdfast.object_settings import NO_SETTINGS, ObjectSettings
from holdfast.objects import ObjectInfo


class MissingError(Exception):
    pass


class TakenError(Exception):
    pass


class DictDriver:
    """Objects in memory; `objects` is open to whoever wants to look."""

    abilities = Abilities()

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    @property
    def native(self) -> dict[str, bytes]:
        """The dictionary."""
        return self.objects

    def classify(self, error: BaseException) -> type[StorageError] | None:
        """Translate the two errors of a dictionary."""
        return {MissingError: NotFoundError, TakenError: AlreadyExistsError}.get(type(error))

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write an object."""
        return self._store(key, b"".join(bytes(block) for block in body.blocks(MIB)), options)

    async def put_async(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Like `put`."""
        return self._store(key, b"".join([bytes(block) async for block in body.blocks_async(MIB)]), options)

    def _store(self, key: str, data: bytes, options: PutOptions) -> ObjectInfo:
        if options.if_absent and key in self.objects:
            raise TakenError(key)
        self.objects[key] = data
        return self.stat(key)

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Yield an object's bytes at once."""
        if key not in self.objects:
            raise MissingError(key)
        yield self.objects[key][start:end]

    async def read_async(self, key: str, start: int, end: int | None, chunk_size: int | None) -> AsyncIterator[bytes]:
        """Like `read`."""
        for chunk in self.read(key, start, end, chunk_size):
            yield chunk

    def stat(self, key: str) -> ObjectInfo:
        """Describe an object."""
        if key not in self.objects:
            raise MissingError(key)
        data = self.objects[key]
        return ObjectInfo(key, len(data), last_modified=time.time(), etag=f"{hash(data):x}")

    async def stat_async(self, key: str) -> ObjectInfo:
        """Like `stat`."""
        return self.stat(key)

    def delete(self, keys: Sequence[str]) -> None:
        """Forget objects."""
        for key in keys:
            self.objects.pop(key, None)

    async def delete_async(self, keys: Sequence[str]) -> None:
        """Like `delete`."""
        self.delete(keys)

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Copy an object."""
        if source not in self.objects:
            raise MissingError(source)
        self.objects[target] = self.objects[source]

    async def copy_async(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Like `copy`."""
        self.copy(source, target)

    def list(self, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
        """Yield the objects below a folder."""
        folder = f"{prefix}/" if prefix else ""
        for key in sorted(self.objects, key=str.encode):
            if key.startswith(folder) and (after is None or key.encode() > after.encode()):
                yield self.stat(key)

    async def list_async(self, prefix: str, after: str | None) -> AsyncIterator[ObjectInfo]:
        """Like `list`."""
        for info in self.list(prefix, after):
            yield info
