"""A large file through each driver, from each kind of source, and back: what does it take of memory?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import fsspec

from benchmarks.measuring.race import MIB, AsyncPlayer
from benchmarks.players.stores import Place, options_of
from holdfast import StorageBackend
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.drivers.local import LocalDriver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from benchmarks.measuring.race import Setting

KEY = "large"


class Carrier(AsyncPlayer):
    """Carries the file up, down, and down once more in async."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.place = Place(setting)
        self.place.renew()
        self.storage = self._storage()
        self.path = setting.folder / "content"
        if setting.options["source"] in {"path", "file"}:
            with self.path.open("wb") as file:
                file.writelines(self.blocks())

    def _storage(self) -> Any:
        server, is_fsspec = self.place.server, self.setting.options["is_fsspec"]
        if server is None and is_fsspec:
            return FSSpecBackend("bench", fsspec.filesystem("file", auto_mkdir=True), prefix=str(self.place.path))
        if server is None:
            return StorageBackend("bench", LocalDriver(self.place.path))
        if is_fsspec:
            names = {"key": server["access_key"], "secret": server["secret_key"], "endpoint_url": server["endpoint"]}
            return FSSpecBackend("bench", fsspec.filesystem("s3", **names), prefix=server["bucket"])
        return ObstoreBackend("bench", f"s3://{server['bucket']}/", **options_of(server))

    def blocks(self) -> Iterator[bytes]:
        """Yield the content, a fresh MiB at a time."""
        for number in range(self.setting.amount):
            yield number.to_bytes(8, "big") * (MIB // 8)

    async def blocks_async(self) -> AsyncIterator[bytes]:
        """Yield the content."""
        for block in self.blocks():
            yield block

    def run(self) -> None:
        """Carry it."""
        source = self.setting.options["source"]
        if source == "async iterator":
            self.wait(self.storage.put_async(KEY, self.blocks_async()))
        elif source == "file":
            with self.path.open("rb") as file:
                self.storage.put(KEY, file)
        else:
            self.storage.put(KEY, self.path if source == "path" else self.blocks())
        self.received = sum(map(len, self.storage.stream(KEY)))
        self.wait(self.play())

    async def play(self) -> None:
        """Carry it down in async."""
        async for chunk in self.storage.stream_async(KEY):
            self.received += len(chunk)

    def check(self) -> None:
        """It has arrived both times."""
        self.storage.delete(KEY)
        if self.received != 2 * self.setting.amount * MIB:
            message = f"{self.received} bytes came back"
            raise RuntimeError(message)
