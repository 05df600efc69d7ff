"""What goes wrong, for which request, and how often: rules without I/O."""

import asyncio
import threading
from dataclasses import dataclass, field
from typing import Literal

How = Literal["503", "drop_before", "drop_after", "hold_before", "hold_after"]


@dataclass(eq=False)
class Fault:
    """One rule of a proxy; `reached` and `hits` tell the test that it applied."""

    how: How
    method: str | None
    match: str
    times: int
    skip: int
    loop: asyncio.AbstractEventLoop
    hits: int = 0
    reached: threading.Event = field(default_factory=threading.Event)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def applies(self, method: str, path: str) -> bool:
        """Say whether this request is the one, and count it."""
        if self.method not in (None, method) or self.match not in path:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.hits == self.times:
            return False
        self.hits += 1
        self.reached.set()
        return True

    def wait(self, seconds: float = 60) -> None:
        """Wait until a request has met the fault (`asyncio.to_thread` in a loop)."""
        if not self.reached.wait(seconds):
            raise TimeoutError(f"no {self.method or 'request'} with {self.match!r} came")

    def release(self) -> None:
        """Let the held requests go on."""
        self.loop.call_soon_threadsafe(self._released.set)

    async def released(self) -> None:
        """Wait for `release`, inside the proxy."""
        await self._released.wait()
