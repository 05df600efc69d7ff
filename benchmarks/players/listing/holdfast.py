"""Listings of Holdfast, through each of its drivers."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from benchmarks.players.listing.keys import Listing
from benchmarks.players.stores import options_of
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend

if TYPE_CHECKING:
    from benchmarks.measuring.race import Setting
    from holdfast import StorageBackend


class Sync(Listing):
    """`list`."""

    def prepare(self) -> None:
        """Open the storage."""
        super().prepare()
        self.storage = self.opened()

    def opened(self) -> StorageBackend:
        """Return the storage over the driver that is asked for."""
        driver, server = self.setting.options.get("driver"), self.server
        if driver == "fsspec":
            if server is None:
                import fsspec  # noqa: PLC0415  # not in all players

                return FSSpecBackend("bench", fsspec.filesystem("file"), str(self.folder))
            options: dict[str, Any] = {"username": server["access_key"], "password": server["secret_key"]}
            region = {"region_name": server["region"]}
            return FSSpecBackend(
                "bench", "s3", self.bucket, endpoint_url=server["endpoint"], client_kwargs=region, **options
            )
        if server is not None:
            return ObstoreBackend("bench", f"s3://{self.bucket}/", **options_of(server))
        if driver == "obstore":
            from obstore.store import LocalStore  # noqa: PLC0415

            return ObstoreBackend("bench", LocalStore(self.folder))
        return ObstoreBackend("bench", self.folder.as_uri())

    def run(self) -> None:
        """List."""
        for _ in self.storage.list():
            self.count += 1


class Async(Sync):
    """`list_async`."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.runner = asyncio.Runner()

    def run(self) -> None:
        """List."""
        self.runner.run(self.play())

    async def play(self) -> None:
        """List."""
        async for _ in self.storage.list_async():
            self.count += 1

    def close(self) -> None:
        """End the loop."""
        self.runner.close()
