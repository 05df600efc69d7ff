"""The sync and the async half of a storage behind one face, so that each test is written once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from holdfast.keys import new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from holdfast.backends.base import StorageBackend
    from holdfast.backends.batch import PutRequest
    from holdfast.drivers.abilities import Abilities
    from holdfast.objects import ObjectInfo


class Half:
    """One half of a storage, below a folder that no other test uses. Its calls block; streams come as lists.

    Args:
        storage: The storage.
        is_async: Which half.
        abilities: What it must be able to do.
    """

    def __init__(self, storage: StorageBackend, *, is_async: bool, abilities: Abilities) -> None:
        self.storage, self.is_async, self.abilities = storage, is_async, abilities
        self.folder = new_id()
        self._runner = asyncio.Runner() if is_async else None

    def close(self) -> None:
        """Delete what the test left, and end the event loop."""
        try:
            self.storage.delete([info.key for info in self.storage.list(self.folder)])
        finally:
            if self._runner is not None:
                self._runner.close()

    def key(self, name: str) -> str:
        """Return a key in the test's folder."""
        return f"{self.folder}/{name}"

    def put(self, name: str, content: Any, **options: Any) -> ObjectInfo:
        """Call `StorageBackend.put`."""
        return self._call("put", self.key(name), content, **options)  # type: ignore[no-any-return]

    def put_many(self, requests: Sequence[PutRequest]) -> list[ObjectInfo | Exception]:
        """Call `StorageBackend.put_many`."""
        return self._call("put_many", requests)  # type: ignore[no-any-return]

    def read(self, name: str, **span: int | None) -> bytes:
        """Call `StorageBackend.read`."""
        return self._call("read", self.key(name), **span)  # type: ignore[no-any-return]

    def stream(self, name: str, **options: Any) -> list[bytes]:
        """Call `StorageBackend.stream`."""
        return self._call("stream", self.key(name), **options)  # type: ignore[no-any-return]

    def stat(self, name: str) -> ObjectInfo:
        """Call `StorageBackend.stat`."""
        return self._call("stat", self.key(name))  # type: ignore[no-any-return]

    def exists(self, name: str) -> bool:
        """Call `StorageBackend.exists`."""
        return self._call("exists", self.key(name))  # type: ignore[no-any-return]

    def delete(self, *names: str) -> None:
        """Call `StorageBackend.delete`, with a single key as such."""
        keys = [self.key(name) for name in names]
        self._call("delete", keys[0] if len(keys) == 1 else keys)

    def copy(self, source: str, target: str) -> ObjectInfo:
        """Call `StorageBackend.copy`."""
        return self._call("copy", self.key(source), self.key(target))  # type: ignore[no-any-return]

    def verify(self, name: str, checksum: str) -> None:
        """Call `StorageBackend.verify`."""
        self._call("verify", self.key(name), checksum)

    def infos(self, folder: str = "", *, after: str | None = None) -> list[ObjectInfo]:
        """Call `StorageBackend.list` on the test's folder or one in it."""
        prefix = self.key(folder) if folder else self.folder
        return self._call("list", prefix, after=after and self.key(after))  # type: ignore[no-any-return]

    def names(self, folder: str = "", *, after: str | None = None) -> list[str]:
        """Return the listed keys, as they were given to `put`."""
        return [info.key.removeprefix(f"{self.folder}/") for info in self.infos(folder, after=after)]

    def call(self, operation: str, *args: Any, **options: Any) -> Any:
        """Call any operation with keys as they are."""
        return self._call(operation, *args, **options)

    def _call(self, operation: str, *args: Any, **options: Any) -> Any:
        if self._runner is None:
            result = getattr(self.storage, operation)(*args, **options)
            return list(result) if isinstance(result, Iterator) else result
        return self._runner.run(_awaited(getattr(self.storage, f"{operation}_async"), args, options))


async def _awaited(call: Callable[..., Any], args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    result = call(*args, **options)
    if isinstance(result, AsyncIterator):
        return [item async for item in result]
    return await result
