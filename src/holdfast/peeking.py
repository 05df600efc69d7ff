"""Looking at the beginning of a content that can be read only once, and putting it back."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class Beginning:
    """The first chunks of a content, and its first bytes.

    Args:
        size: How many bytes.

    Attributes:
        chunks: What was taken, to be put back.
        head: The bytes.
    """

    def __init__(self, size: int) -> None:
        self._size, self.head = size, bytearray()
        self.chunks: list[memoryview] = []

    @property
    def is_whole(self) -> bool:
        """Whether no more is needed."""
        return len(self.head) >= self._size

    def add(self, chunk: memoryview) -> None:
        """Take a chunk."""
        if chunk.nbytes:
            self.chunks.append(chunk)
            self.head += chunk[: self._size - len(self.head)]


def read_up_to(file: Any, size: int) -> bytes:
    """Return so many bytes of a file, fewer only at its end."""
    head = b""
    while len(head) < size and (chunk := file.read(size - len(head))):
        head += chunk
    return head


async def chained(taken: list[memoryview], rest: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
    """Yield what was taken, and the rest."""
    async with aclosing(rest):
        for chunk in taken:
            yield chunk
        async for chunk in rest:
            yield chunk
