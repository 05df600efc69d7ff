"""How long requests of Azure's library wait, and how often they are sent again."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from holdfast.drivers.attempts import counted
from holdfast.drivers.fsspec.sending import Sending

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUTS = {"connection_timeout": 5, "read_timeout": 180}
"""In seconds, unless others are given: to connect, and of silence. A body may take longer than that."""

_AGAIN_FOR = 180.0  # seconds after the first attempt
_LONGEST_PAUSE = 30.0  # seconds between two


def less_pause(client: Any) -> None:
    """Have a client try again after a second; left alone, it does so after a quarter of a minute."""
    retries: Any = getattr(getattr(client, "_config", None), "retry_policy", None)
    if hasattr(retries, "initial_backoff"):
        retries.initial_backoff, retries.increment_base, retries.random_jitter_range = 1, 2, 1


class Again:
    """The ``retry_hook`` of one operation: counts the requests that are sent again, and ends that after minutes."""

    def __init__(self) -> None:
        # Now: the hook is called in the event loop's thread.
        self._attempts, self._begun = counted.get(), monotonic()
        self.sending: Sending | None = None

    def __call__(self, *, error: BaseException | None = None, **_: Any) -> None:
        """Count, before a pause."""
        if error is not None and monotonic() - self._begun >= _AGAIN_FOR:
            raise error
        if self._attempts is not None:
            self._attempts.again += 1
        if self.sending is not None:
            self.sending.wait(_LONGEST_PAUSE)


async def staged(blob: Any, name: str, block: memoryview, arguments: Mapping[str, Any]) -> None:
    """Send a block of a blob."""
    given = {**TIMEOUTS, **arguments}
    data, length = Sending(block, given["connection_timeout"] + given["read_timeout"]), block.nbytes
    del block  # what is sent is a copy, and the two would be held until it has arrived
    given["retry_hook"].sending = data
    async with data.watched():
        await blob.stage_block(name, data, length=length, **given)
