"""A large file to and from S3 with obstore alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import obstore
from obstore.store import S3Store

from benchmarks.measuring.race import AsyncPlayer, Player
from benchmarks.players.s3.large import Fetched, Sent
from benchmarks.players.stores import options_of

if TYPE_CHECKING:
    from benchmarks.measuring.race import Setting


class Up(Player):
    """A put of a path, in parts."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.sent = Sent(setting)
        self.prepare, self.check = self.sent.prepare, self.sent.check
        more = setting.options.get("store", {})
        self.store = S3Store(self.sent.server["bucket"], **options_of(self.sent.server), **more)

    def run(self) -> None:
        """Put."""
        obstore.put(self.store, "large.bin", self.sent.source)


class Down(Player):
    """One request, whose answer is read in chunks of obstore's choice."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.fetched = Fetched(setting)
        self.check = self.fetched.check

    def prepare(self) -> None:
        """Open the bucket."""
        self.fetched.prepare()
        self.store = S3Store(self.fetched.bucket, **options_of(self.fetched.server))

    def run(self) -> None:
        """Read."""
        for chunk in obstore.get(self.store, self.fetched.key).stream():
            self.fetched.take(memoryview(chunk))


class AsyncDown(AsyncPlayer):
    """The same, awaited."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.fetched = Fetched(setting)
        self.check = self.fetched.check

    def prepare(self) -> None:
        """Open the bucket."""
        self.fetched.prepare()
        self.store = S3Store(self.fetched.bucket, **options_of(self.fetched.server))

    async def play(self) -> None:
        """Read."""
        found = await obstore.get_async(self.store, self.fetched.key)
        async for chunk in found.stream():
            self.fetched.take(memoryview(chunk))
