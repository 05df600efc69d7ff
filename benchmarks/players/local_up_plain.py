"""What a large file costs without any library: a copy, a copy that is synced, a hash."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.measuring.race import KIB, Player
from benchmarks.players.large_files import Stored, large_file

if TYPE_CHECKING:
    from benchmarks.measuring.race import Setting

_READ = 256 * KIB  # the size that hashes fastest: it stays in the processor's cache


class Copy(Player):
    """A copy by `shutil`, in the kernel; with `durable`, synced and renamed."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.stored = Stored(setting)
        self.prepare, self.check = self.stored.prepare, self.stored.check

    def run(self) -> None:
        """Copy."""
        target = self.stored.folder / "large.bin"
        shutil.copyfile(self.stored.source, f"{target}.part")
        if self.setting.options.get("durable"):
            sync(f"{target}.part", os.O_RDWR)
        Path(f"{target}.part").rename(target)
        if self.setting.options.get("durable"):
            sync(str(self.stored.folder), os.O_RDONLY)


class Hash(Player):
    """The file is read and hashed, nothing else."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.expected = ""

    def prepare(self) -> None:
        """Hash once to know what is right."""
        self.source = large_file(self.setting)
        self.expected = self.expected or self.hashed()

    def run(self) -> None:
        """Hash."""
        self.found = self.hashed()

    def hashed(self) -> str:
        """Return the hash of the file."""
        found = new_hash(self.setting.options["algorithm"])
        buffer = memoryview(bytearray(_READ))
        with self.source.open("rb", buffering=0) as file:
            while size := file.readinto(buffer):
                found.update(buffer[:size])
        return str(found.hexdigest())

    def check(self) -> None:
        """Compare with the first one."""
        if self.found != self.expected:
            raise RuntimeError("another hash")


def new_hash(algorithm: str) -> Any:
    """Return a hash."""
    if algorithm == "blake3":
        from blake3 import blake3  # noqa: PLC0415  # only one player's

        return blake3()
    return hashlib.new(algorithm)


def sync(path: str, flags: int) -> None:
    """Sync a file or a folder."""
    descriptor = os.open(path, flags)
    os.fsync(descriptor)
    os.close(descriptor)
