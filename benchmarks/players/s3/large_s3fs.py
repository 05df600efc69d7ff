"""A large file to and from S3 with s3fs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import s3fs
from fsspec.asyn import sync

from benchmarks.measuring.race import MIB, Player
from benchmarks.players.s3.large import Fetched, Sent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.measuring.race import Setting


class Up(Player):
    """`put`."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.sent = Sent(setting)
        self.prepare, self.check = self.sent.prepare, self.sent.check
        self.system = opened(self.sent.server)

    def run(self) -> None:
        """Upload."""
        self.system.put(str(self.sent.source), f"{self.sent.server['bucket']}/large.bin")


class Down(Player):
    """A file, read a MiB at a time: it asks for ranges ahead."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.fetched = Fetched(setting)
        self.prepare, self.check = self.fetched.prepare, self.fetched.check
        self.system = opened(self.fetched.server)

    def run(self) -> None:
        """Read."""
        with self.system.open(f"{self.fetched.bucket}/{self.fetched.key}") as file:
            while chunk := file.read(MIB):
                self.fetched.take(chunk)


class Body(Down):
    """One request, whose body is read a MiB at a time."""

    def run(self) -> None:
        """Read."""
        sync(self.system.loop, self.read)

    async def read(self) -> None:
        """Read in the loop of s3fs."""
        answer = await self.system._call_s3("get_object", Bucket=self.fetched.bucket, Key=self.fetched.key)
        body = answer["Body"]
        try:
            while chunk := await body.read(MIB):
                self.fetched.take(chunk)
        finally:
            body.close()


def opened(server: Mapping[str, str]) -> Any:
    """Return a file system."""
    return s3fs.S3FileSystem(
        key=server["access_key"],
        secret=server["secret_key"],
        endpoint_url=server["endpoint"],
        client_kwargs={"region_name": server["region"]},
    )
