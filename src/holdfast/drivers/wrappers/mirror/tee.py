"""One content, read once, for several writers.

Whoever writes the first copy reads the content; what was read goes to the others through channels that hold little, so
that memory is bounded by the slowest writer's pace, not by the size.
"""

from __future__ import annotations

from queue import SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any

from holdfast.drivers.closing import aclose
from holdfast.drivers.protocol import MIB
from holdfast.drivers.wrappers.limits.slots import Slots
from holdfast.sources import Source

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

_PIECE = MIB
_HELD = 8  # pieces that wait in a channel


class CopyAbortedError(Exception):
    """Raised inside the writer of a copy, when there is nothing to be copied, or no more waiting for it."""


class Channel(Source):
    """What goes to the writer of one copy.

    It ends only when it is told that the first copy is there: so no other appears before it, or without it.

    Args:
        size: Length of the content, where it is known.
        timeout: Seconds after which a writer that takes nothing is not waited for any more; None for never.

    Attributes:
        hangs: Whether that has happened.
    """

    replayable = False

    def __init__(self, size: int | None, timeout: float | None = None) -> None:
        self.size = size
        self.hangs = False
        self._timeout = timeout
        self._pieces: SimpleQueue[memoryview | None] = SimpleQueue()
        self._room = Slots(_HELD)
        self._left = False
        self._taken_at = monotonic()

    def send(self, piece: memoryview) -> None:
        """Hand over a piece, waiting for room."""
        if not self._left:
            try:
                self._room.acquire(self._timeout)
            except TimeoutError:
                self.give_up()
            self._pieces.put(piece)

    async def send_async(self, piece: memoryview) -> None:
        """Like `send`."""
        if not self._left:
            try:
                await self._room.acquire_async(self._timeout)
            except TimeoutError:
                self.give_up()
            self._pieces.put(piece)

    def end(self) -> None:
        """Let the writer complete its copy."""
        self._taken_at = monotonic()
        self._pieces.put(None)

    def leave(self) -> None:
        """Take no more: the writer has stopped, or is to stop at its next piece."""
        self._left = True
        self._pieces.put(None)  # for a writer that waits
        self._room.release()  # for a sender that waits

    def give_up(self) -> None:
        """Leave, because the writer hangs."""
        self.hangs = True
        self.leave()

    def hurry(self, timeout: float) -> None:
        """Wait less from now on."""
        self._timeout = timeout if self._timeout is None else min(timeout, self._timeout)
        self._taken_at = monotonic()

    def patience(self) -> float | None:
        """Return how many seconds the writer still has to take something; None for no limit."""
        return None if self._timeout is None else max(0.0, self._taken_at + self._timeout - monotonic())

    def _open(self) -> Iterator[Any]:
        while True:
            piece = self._pieces.get()
            self._taken_at = monotonic()
            if self._left:
                raise CopyAbortedError
            if piece is None:
                return
            self._room.release()
            yield piece


class Tee(Source):
    """The content, for the writer of the first copy.

    If that begins again, the others get only what they have not seen yet.

    Args:
        source: The content.
        channels: Where it goes besides.

    Attributes:
        sent: How many bytes they got.
        is_through: Whether they got all of it.
    """

    def __init__(self, source: Source, channels: Sequence[Channel]) -> None:
        self._source, self._channels = source, channels
        self.size, self.replayable = source.size, source.replayable
        self.sent = 0
        self.is_through = False

    @property
    def spent(self) -> bool:
        """Whether the content was read and cannot be read again."""
        return self._source.spent

    def chunks(self) -> Iterator[memoryview]:
        """Yield the bytes, and hand them on."""
        position = 0
        for chunk in self._source.chunks():
            for piece in _pieces(chunk):
                position += piece.nbytes
                if (unseen := position - self.sent) > 0:
                    for channel in self._channels:
                        channel.send(piece[-unseen:])
                    self.sent = position
                yield piece
        self.is_through = True


class AsyncTee(Tee):
    """The same for a content that has to be awaited."""

    is_async = True

    def chunks(self) -> Iterator[memoryview]:
        """Refuse: it is read asynchronously."""
        return Source.chunks(self)

    async def chunks_async(self) -> AsyncIterator[memoryview]:
        """Yield the bytes, and hand them on."""
        chunks: Any = self._source.chunks_async()
        position = 0
        try:
            async for chunk in chunks:
                for piece in _pieces(chunk):
                    position += piece.nbytes
                    if (unseen := position - self.sent) > 0:
                        for channel in self._channels:
                            await channel.send_async(piece[-unseen:])
                        self.sent = position
                    yield piece
            self.is_through = True
        finally:
            await aclose(chunks)


def _pieces(chunk: memoryview) -> Iterator[memoryview]:
    for start in range(0, chunk.nbytes, _PIECE):
        yield chunk[start : start + _PIECE]
