"""Ending with the client: what sends to somebody who has left stops, and lets go of what it reads."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from holdfast.drivers import threads

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from holdfast.serving.asgi.messages import Receive


async def until_left(receive: Receive, sending: Coroutine[Any, Any, None]) -> None:
    """Run what sends until it is through or the client has left; after that nothing of it goes on."""
    work, watch = asyncio.ensure_future(sending), asyncio.ensure_future(_left(receive))
    try:
        await asyncio.wait((work, watch), return_when=asyncio.FIRST_COMPLETED)
    finally:
        work.cancel()
        watch.cancel()
        await threads.finish(asyncio.gather(work, watch, return_exceptions=True))
    (watch if work.cancelled() else work).result()  # raises what went wrong, be it in `receive`


async def _left(receive: Receive) -> None:
    """Return when the client has left; what it has yet to send is of no interest."""
    while (await receive())["type"] != "http.disconnect":
        pass
