"""Credential providers: callables that obstore asks for credentials whenever the last ones have expired.

obstore runs an async provider on the event loop of the caller. A sync call has none, and one that blocks the loop
would wait for it for ever. So async providers get a loop of their own, in a thread that all of them share.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from holdfast.drivers import threads

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

_KEPT = 60.0
"""Seconds that an answer is kept, and before its end that it is kept no longer.

Not until its end: `obstore.auth.boto3` calls 30 minutes what may end sooner, and keys may be exchanged before.
"""

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def shared_provider(provider: Callable[[], Any]) -> SharedProvider:
    """Return a provider that serves sync and async calls alike, from any thread or event loop."""
    return provider if isinstance(provider, SharedProvider) else SharedProvider(provider)


class SharedProvider:
    """A credential provider, sync or async, as one that is sync and asks at most once a minute.

    Args:
        provider: What obstore would be given: a callable or one of `obstore.auth`. An async one makes its HTTP
            session inside of the call, or it belongs to another event loop.
    """

    def __init__(self, provider: Callable[[], Any]) -> None:
        self._provider = provider
        self.last = Answer()
        if (config := getattr(provider, "config", None)) is not None:
            self.config = config  # obstore takes the region from here

    def __call__(self) -> dict[str, Any]:
        """Return credentials.

        Raises:
            ValueError: What the provider returned is none, or cannot stand in a request.
        """
        return self.last.known() or self.last.asked(self._provider)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {type(self._provider).__name__}>"


class FixedKeys:
    """A credential provider for a key that comes without a session token, whatever the environment holds."""

    def __init__(self, access_key: str, secret_key: str) -> None:
        self._access_key, self._secret_key = access_key, secret_key

    def __call__(self) -> dict[str, Any]:
        """Return the key; an empty token as an option would be sent, and signed."""
        return {"access_key_id": self._access_key, "secret_access_key": self._secret_key, "expires_at": None}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._access_key!r}, …)"


class Answer:
    """What a provider answered last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: tuple[float, dict[str, Any]] = (0.0, {})

    def known(self) -> dict[str, Any] | None:
        """Return the answer while it may be used; never waits."""
        until, answer = self._known
        return answer if time.time() < until else None

    def asked(self, provider: Callable[[], Any]) -> dict[str, Any]:
        """Ask, one at a time: who waited takes the answer that another one got."""
        with self._lock:
            if (known := self.known()) is not None:
                return known
            answer = provider()
            if inspect.isawaitable(answer):
                answer = asyncio.run_coroutine_threadsafe(_awaited(answer), _running_loop()).result()
            return self.keep(answer)

    def keep(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Return an answer, checked."""
        found = _checked(answer)
        now, end = time.time(), found["expires_at"]
        until = now + _KEPT
        if end is not None:
            until = min(until, end.timestamp() - _KEPT) if hasattr(end, "timestamp") else 0.0
        self._known = (until, found)
        return found


_answers: WeakKeyDictionary[Any, Answer] = WeakKeyDictionary()
"""Of providers that a user gave to a store directly."""


def provided(provider: Callable[[], Any]) -> dict[str, Any]:
    """Return a provider's credentials; it is asked at most once a minute."""
    if isinstance(provider, SharedProvider):
        return provider()
    last = _answer_of(provider)
    return last.known() or last.asked(provider)


async def provided_async(provider: Callable[[], Any]) -> dict[str, Any]:
    """Like `provided`; the event loop goes on meanwhile."""
    last = provider.last if isinstance(provider, SharedProvider) else _answer_of(provider)
    if (known := last.known()) is not None:
        return known
    if _is_async(provider):  # given to obstore directly, which also asks it here: its HTTP session is of this loop
        return last.keep(await provider())
    return await threads.run(provided, provider)


def _answer_of(provider: Any) -> Answer:
    try:
        with _lock:
            return _answers.setdefault(provider, Answer())
    except TypeError:  # it cannot be a key, or has no weak references
        return Answer()


def _is_async(provider: Any) -> bool:
    return inspect.iscoroutinefunction(provider) or inspect.iscoroutinefunction(type(provider).__call__)


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
