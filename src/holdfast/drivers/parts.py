"""How a body is cut for an object store: one request where it fits, else parts of bounded number and memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from holdfast.drivers.protocol import MIB, SINGLE_PUT_LIMIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

    from holdfast.drivers.protocol import PutOptions

MIN_PART = 5 * MIB
MAX_PARTS = 10_000
"""Limits of a multipart upload (Amazon S3 user guide, "Multipart upload limits"); others allow at least as much."""

MAX_IN_FLIGHT = 32 * MIB
"""Bytes of one upload that are held while their parts are under way."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Sizes of one multipart upload.

    All parts but the last have the same size, as R2 demands.

    Attributes:
        size: Bytes of a part.
        concurrency: Parts under way at once.
    """

    size: int
    concurrency: int

    @classmethod
    def plan(cls, options: PutOptions, expected_size: int | None) -> Parts:
        """Choose what comes nearest to the options within the service's limits and `MAX_IN_FLIGHT`.

        Example:
            >>> from holdfast.drivers.protocol import PutOptions
            >>> Parts.plan(PutOptions(), None)
            Parts(size=5242880, concurrency=6)
        """
        needed = -(-(expected_size or 0) // MAX_PARTS)
        needed = -(-needed // MIB) * MIB
        size = max(options.chunk_size, MIN_PART, needed)
        return cls(size, max(1, min(options.max_concurrency, MAX_IN_FLIGHT // size)))


@dataclass(slots=True)
class Head:
    """The first blocks of a body, held until it is known whether all of it fits in one request.

    Attributes:
        limit: Bytes that fit; None for no limit, below 0 for never.
    """

    limit: int | None
    _blocks: list[memoryview] = field(default_factory=list)
    _size: int = 0

    @classmethod
    def of(cls, options: PutOptions) -> Head:
        """Return the head that follows ``use_multipart``."""
        return cls({None: SINGLE_PUT_LIMIT, False: None, True: -1}[options.use_multipart])

    @property
    def full(self) -> bool:
        """Whether there is more than fits."""
        return self.limit is not None and self._size > self.limit

    def take(self, block: memoryview) -> bool:
        """Hold one more block and return `full`."""
        self._blocks.append(block)
        self._size += block.nbytes
        return self.full

    def payload(self) -> memoryview | list[memoryview] | bytes:
        """Return all that was taken, as obstore likes it: without a copy."""
        return self._blocks[0] if len(self._blocks) == 1 else self._blocks or b""

    def equals(self, stored: Buffer) -> bool:
        """Return whether these bytes are the stored ones."""
        return b"".join(self._blocks) == bytes(stored)

    def release(self) -> Iterator[memoryview]:
        """Yield the blocks, holding none of them any longer than needed."""
        while self._blocks:
            yield self._blocks.pop(0)
