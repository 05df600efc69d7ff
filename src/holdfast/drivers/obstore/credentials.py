"""Credential providers: callables that obstore asks for credentials whenever the last ones have expired.

obstore runs an async provider on the event loop of the caller. A sync call has none, and one that blocks the loop
would wait for it for ever. So async providers get a loop of their own, in a thread that all of them share.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def shared_provider(provider: Callable[[], Any]) -> SharedProvider:
    """Return a provider that serves sync and async calls alike, from any thread or event loop."""
    return provider if isinstance(provider, SharedProvider) else SharedProvider(provider)


class SharedProvider:
    """A credential provider, sync or async, as one that is sync.

    Args:
        provider: What obstore would be given: a callable or one of `obstore.auth`. An async one makes its HTTP
            session inside of the call, or it belongs to another event loop.
    """

    def __init__(self, provider: Callable[[], Any]) -> None:
        self._provider = provider
        if (config := getattr(provider, "config", None)) is not None:
            self.config = config  # obstore takes the region from here

    def __call__(self) -> dict[str, Any]:
        """Return credentials.

        Raises:
            ValueError: What the provider returned is none, or cannot stand in a request.
        """
        answer = self._provider()
        if inspect.isawaitable(answer):
            answer = asyncio.run_coroutine_threadsafe(_awaited(answer), _running_loop()).result()
        return _checked(answer)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {type(self._provider).__name__}>"


def _checked(answer: Mapping[str, Any]) -> dict[str, Any]:
    if not hasattr(answer, "items"):
        message = f"the credential provider must return a dict, not {type(answer).__name__}"
        raise ValueError(message)
    for name, value in answer.items():
        # A token that was read with its line break would make obstore panic.
        if isinstance(value, str) and not (value.isascii() and value.isprintable()):
            message = f"{name} of the credential provider holds a line break or another character that cannot be sent"
            raise ValueError(message)
    return {"expires_at": None, **answer}


async def _awaited(answer: Awaitable[Any]) -> Any:
    return await answer


def _running_loop() -> asyncio.AbstractEventLoop:
    global _loop  # noqa: PLW0603  # one for the process
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="holdfast-credentials", daemon=True).start()
        return _loop
