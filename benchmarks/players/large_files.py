"""One large file for all players of a run, and the proof that it was stored, or read, as it is."""

from __future__ import annotations

import os
import random
import shutil
from typing import TYPE_CHECKING, BinaryIO

from benchmarks.measuring.race import MIB

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.measuring.race import Setting

_BLOCK = 64 * MIB


def large_file(setting: Setting) -> Path:
    """Return a file of so many MiB, made by whoever begins.

    To be called in a round and not before: processes start all at once, but play in turn.
    """
    path = setting.folder.parents[1] / f"{setting.amount}.bin"
    if not path.exists():
        block = random.Random(setting.amount).randbytes(_BLOCK + setting.amount)  # noqa: S311  # noise, no secret
        with path.open("wb") as file:
            for start in range(0, setting.amount * MIB, _BLOCK):
                shift = start // MIB  # so that no two blocks are the same
                file.write(block[shift : shift + min(_BLOCK, setting.amount * MIB - start)])
    return path


class Stored:
    """A new folder for each round, and what is found in it: the file is compared, then it goes."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.folder = setting.folder / "files"
        self.step = MIB  # all of the first round's bytes are compared, then one MiB of sixteen

    def prepare(self) -> None:
        """Start with an empty folder."""
        self.source = large_file(self.setting)
        self.folder.mkdir()

    def check(self) -> None:
        """Raise unless the folder holds the same bytes."""
        found = [path for path in self.folder.rglob("*") if path.is_file() and path.stat().st_size >= MIB]
        if len(found) != 1:
            message = f"{len(found)} large files"
            raise RuntimeError(message)
        with self.source.open("rb") as ours, found[0].open("rb") as theirs:
            compare(ours, theirs, self.step)
        self.step = 16 * MIB
        shutil.rmtree(self.folder)


class Seen:
    """What a player has read: counted, and in the first round, which is not measured, compared.

    Args:
        setting: The setting.
        target: Where the storage has the file.
    """

    def __init__(self, setting: Setting, target: Path) -> None:
        self.setting, self.target = setting, target
        self.compared: BinaryIO | None = None
        self.size = 0

    def prepare(self) -> None:
        """Put the file into the storage, without a copy."""
        if not self.target.exists():
            source = large_file(self.setting)
            self.target.parent.mkdir(exist_ok=True)
            os.link(source, self.target)
            self.compared = source.open("rb")

    def take(self, chunk: bytes | memoryview) -> None:
        """Count a chunk."""
        size = len(chunk)
        self.size += size
        if self.compared is not None and self.compared.read(size) != chunk:
            raise RuntimeError("other bytes were read")

    def check(self) -> None:
        """Raise unless all was read."""
        if self.size != self.setting.amount * MIB:
            message = f"{self.size} bytes were read"
            raise RuntimeError(message)
        self.size = 0
        if self.compared is not None:
            self.compared.close()
            self.compared = None


def compare(ours: BinaryIO, theirs: BinaryIO, step: int) -> None:
    """Raise unless two files are the same, as far as they are looked at."""
    start, end = 0, ours.seek(0, os.SEEK_END)
    is_same = theirs.seek(0, os.SEEK_END) == end
    while is_same and start < end:
        ours.seek(start)
        theirs.seek(start)
        is_same = ours.read(MIB) == theirs.read(MIB)
        start += step
    if not is_same:
        raise RuntimeError("other bytes were stored")
