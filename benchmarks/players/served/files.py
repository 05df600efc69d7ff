"""The files that all servers of a race serve, with names as deep as those of real keys."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from benchmarks.measuring.race import KIB, MIB

if TYPE_CHECKING:
    from pathlib import Path

SMALL, LARGE = "2025/11/20/small", "2025/11/20/large"
SIZE = 16 * KIB


def make(folder: Path, mebibytes: int) -> None:
    """Write a file of 16 KiB and one of that many MiB; the first of all players does, and the others wait."""
    folder.mkdir(exist_ok=True)
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / LARGE).exists():
            write(folder, mebibytes)
    finally:
        os.close(lock)


def write(folder: Path, mebibytes: int) -> None:
    """Write both."""
    (folder / SMALL).parent.mkdir(parents=True)
    (folder / SMALL).write_bytes(os.urandom(SIZE))
    block = os.urandom(MIB)
    with (folder / LARGE).open("wb") as file:
        for number in range(mebibytes):  # no two alike
            file.write(number.to_bytes(8, "big") + block[8:])
