"""Content for files: small and large, at once and in blocks, in the middle of which the process may end."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from random import Random
from typing import Any

from holdfast import FileObject
from holdfast.drivers.protocol import MIB, SINGLE_PUT_LIMIT
from tests.crash.kill import Killer

_BLOCK = bytes(range(256)) * (MIB // 256)


class Contents:
    """Makes pending files, each of other bytes.

    Args:
        random: Where choices come from.
        killer: Told of each block that is read.
        large: Whether some of them are to be too large for one request.
    """

    def __init__(self, random: Random, killer: Killer, *, large: bool) -> None:
        self._random, self._killer = random, killer
        self._share = 0.2 if large else 0.004

    def new(self) -> tuple[FileObject, str]:
        """Return a pending file and the SHA-256 of its content."""
        name = self._random.randbytes(6).hex()
        if self._random.random() < self._share:
            blocks = [name.encode(), *[_BLOCK] * (SINGLE_PUT_LIMIT // MIB + self._random.randint(1, 5))]
            content: Any = self._blocks(blocks, "in multipart", last=4)
        else:
            blocks = [name.encode(), self._random.randbytes(self._random.randint(0, 3000))]
            content = self._random.choice([b"".join(blocks), self._blocks(blocks, "in put", last=2)])
        digest = hashlib.sha256()
        for block in blocks:
            digest.update(block)
        return FileObject(filename=f"{name}.bin", content=content), digest.hexdigest()

    def _blocks(self, blocks: list[bytes], point: str, *, last: int) -> Iterator[bytes]:
        for position, block in enumerate(blocks):
            if position >= len(blocks) - last:
                self._killer.at(point)
            yield block
