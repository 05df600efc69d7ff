"""Bodies of requests that aiohttp sends: they can be sent again, and a server that stops taking them is noticed.

aiohttp measures silence only after the last byte has been sent.
"""

from __future__ import annotations

import asyncio
import io
from typing import Any


class Sending(io.BytesIO):
    """What is sent; to be used inside the event loop.

    Args:
        data: The bytes.
        patience: Seconds from one piece to the next, and from the last piece to the answer; None for any time.
    """

    def __init__(self, data: bytes | memoryview, patience: float | None) -> None:
        super().__init__(data)
        self._patience = patience
        self._timeout = asyncio.timeout(None)

    def watched(self) -> asyncio.Timeout:
        """Return the block in which it is sent; the block raises `TimeoutError`."""
        self._timeout = asyncio.timeout(self._patience)
        return self._timeout

    def read(self, size: int | None = -1, /) -> bytes:
        """Give the next piece."""
        self.wait()
        return super().read(size)

    def wait(self, more: float = 0) -> None:
        """Begin the patience anew, with some seconds more."""
        if self._patience is not None and self._timeout.when() is not None and not self._timeout.expired():
            self._timeout.reschedule(asyncio.get_running_loop().time() + self._patience + more)

    def __deepcopy__(self, _: Any) -> Sending:
        """Return itself: Azure's library keeps copies of requests that failed, with the event loop and all."""
        return self

    def close(self) -> None:
        """Go back to the beginning: aiohttp closes what it has sent."""
        self.seek(0)
