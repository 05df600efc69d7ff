"""A large file read from local disk: obstore alone, or a plain file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import obstore
from obstore.store import LocalStore

from benchmarks.measuring.race import MIB, AsyncPlayer, Player
from benchmarks.players.large_files import Seen

if TYPE_CHECKING:
    from benchmarks.measuring.race import Setting

_KEY = "large.bin"


class Base(Player):
    """What all of them share."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        folder = setting.folder / "files"
        folder.mkdir()
        self.store = LocalStore(folder)
        self.seen = Seen(setting, folder / _KEY)
        self.prepare, self.check = self.seen.prepare, self.seen.check


class Stream(Base):
    """The chunks of a GET."""

    def run(self) -> None:
        """Read all chunks."""
        for chunk in obstore.get(self.store, _KEY).stream(min_chunk_size=MIB):
            self.seen.take(memoryview(chunk))


class Ranges(Base):
    """A GET for each MiB."""

    def run(self) -> None:
        """Read all ranges."""
        for start in range(0, self.setting.amount * MIB, MIB):
            self.seen.take(memoryview(obstore.get_range(self.store, _KEY, start=start, length=MIB)))


class Plain(Base):
    """A file, read without a buffer in between."""

    def run(self) -> None:
        """Read all blocks."""
        with self.seen.target.open("rb", buffering=0) as file:
            while chunk := file.read(MIB):
                self.seen.take(chunk)


class AsyncStream(Base, AsyncPlayer):
    """The chunks of a GET."""

    async def play(self) -> None:
        """Read all chunks."""
        async for chunk in (await obstore.get_async(self.store, _KEY)).stream(min_chunk_size=MIB):
            self.seen.take(memoryview(chunk))


class AsyncRanges(Base, AsyncPlayer):
    """A GET for each MiB, one after the other."""

    async def play(self) -> None:
        """Read all ranges."""
        for start in range(0, self.setting.amount * MIB, MIB):
            self.seen.take(memoryview(await obstore.get_range_async(self.store, _KEY, start=start, length=MIB)))
