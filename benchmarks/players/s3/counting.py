"""Requests that a library sends, counted by a proxy in the player's own process; all else goes past the proxy."""

from __future__ import annotations

import os
from itertools import chain, repeat
from typing import TYPE_CHECKING, ClassVar, Protocol

from obstore.store import S3Store

from benchmarks.measuring.race import KIB, MIB, SPEED, Player
from benchmarks.players.stores import options_of
from tests.servers.proxy import CountingProxy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.measuring.race import Setting

SIZES = {SPEED: 5 * MIB, "16 KiB": 16 * KIB, "6 MiB": 6 * MIB, "8 MiB": 8 * MIB}
"""Sizes of the files that are saved, by the name of the figure."""

FEW, CONTENT = 10, b"twelve bytes"


class Library(Protocol):
    """What a library does for these races, in a table of its own."""

    def open(self, server: Mapping[str, str]) -> None:
        """Reach the bucket at this endpoint from now on."""

    def save(self, contents: Sequence[bytes]) -> None:
        """Commit a row for each file."""

    def drop(self) -> None:
        """Delete all rows in one commit."""


class Counting(Player):
    """A bucket, and a proxy in front of it."""

    library: ClassVar[type]

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.server = dict(setting.servers["ministack"])
        self.store = S3Store(self.server["bucket"], **options_of(self.server))
        self.proxy = CountingProxy(self.server["endpoint"]).__enter__()
        self.used: Library = self.library(setting)

    def watch(self) -> None:
        """Reach the bucket through the proxy."""
        self.used.open({**self.server, "endpoint": self.proxy.endpoint})

    def sizes(self) -> list[int]:
        """Return the sizes of all objects."""
        return sorted(entry["size"] for page in self.store.list() for entry in page)

    def expect(self, sizes: Sequence[int]) -> None:
        """Raise unless there are objects of these sizes, and no others."""
        if (found := self.sizes()) != sorted(sizes):
            message = f"{len(found)} objects, of {found[-5:]} bytes"
            raise RuntimeError(message)

    def close(self) -> None:
        """End the proxy."""
        self.proxy.__exit__()


class Save(Counting):
    """A file of each size, in a commit of its own."""

    def prepare(self) -> None:
        """Open the storage."""
        self.watch()

    def measure(self) -> dict[str, float]:
        """Save, and count for each file."""
        figures: dict[str, float] = {}
        for name, size in SIZES.items():
            content = os.urandom(size)
            self.proxy.clear()
            self.used.save([content])
            figures[name] = len(self.proxy.requests)
        return figures

    def check(self) -> None:
        """All files are there, and go."""
        self.expect(list(SIZES.values()))
        self.used.drop()
        self.expect([])


class Drop(Counting):
    """All files of one commit; few in the first round, which is not measured."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.amounts = chain([FEW], repeat(setting.amount))

    def prepare(self) -> None:
        """Save the files, past the proxy."""
        contents = [CONTENT] * next(self.amounts)
        self.used.open(self.server)
        self.used.save(contents)
        self.expect([len(content) for content in contents])
        self.watch()

    def measure(self) -> dict[str, float]:
        """Delete, and count."""
        self.proxy.clear()
        self.used.drop()
        return {SPEED: len(self.proxy.requests)}

    def check(self) -> None:
        """Nothing is left."""
        self.expect([])
