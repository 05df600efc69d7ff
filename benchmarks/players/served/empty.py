"""An answer without a body: the floor of all."""

from __future__ import annotations

from typing import Any


def application(_: object) -> Any:
    """Return the ASGI application."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    return answer
