"""The messages of ASGI, as far as an answer needs them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias

from holdfast.serving.planner import REQUEST_HEADERS

if TYPE_CHECKING:
    from holdfast.serving.reply import Reply

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

_LOOKED_AT = frozenset(name.encode("ascii") for name in REQUEST_HEADERS)


def asked(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers of a request that decide about the answer; lines of one name are joined."""
    found: dict[str, str] = {}
    for name, value in headers:
        if name in _LOOKED_AT:
            key, text = name.decode("ascii"), value.decode("latin-1")
            found[key] = f"{found[key]}, {text}" if key in found else text
    return found


def start(reply: Reply) -> Message:
    """Return the first message of an answer; it is the receiver's own, to change as it likes."""
    return {"type": "http.response.start", "status": reply.status, "headers": list(reply.headers)}


def body(data: bytes = b"", *, more: bool = False) -> Message:
    """Return a message with bytes."""
    return {"type": "http.response.body", "body": data, "more_body": more}
