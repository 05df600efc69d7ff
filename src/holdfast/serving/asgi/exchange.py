"""A request to one of Holdfast's signed URLs over ASGI, and its answer."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from holdfast.serving.asgi.messages import body
from holdfast.serving.intake import DRAINED, ClientLeftError, ClientStalledError
from holdfast.serving.signed import kept_until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from holdfast.serving.asgi.messages import Message, Receive, Scope, Send
    from holdfast.serving.signed import Answer

_CLOSE = (b"connection", b"close")


class Exchange:
    """A request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, idle_timeout: float) -> None:
        self.scope, self.receive = scope, receive
        self._send, self._idle_timeout = send, idle_timeout
        self._is_stalled = False
        self._is_through = False  # whether all of the body came
        self.has_begun = False
        self.more: tuple[tuple[bytes, bytes], ...] = ()
        self.left: int | None = None

    def header(self, name: bytes) -> bytes | None:
        """Return a header of the request, the first of its name."""
        return next((value for each, value in self.scope["headers"] if each == name), None)

    def text_header(self, name: bytes) -> str | None:
        """Return the same as text."""
        value = self.header(name)
        return None if value is None else value.decode("latin-1")

    async def send(self, message: Message) -> None:
        """Send a message of an answer, with the headers that belong to a signed URL."""
        if message["type"] == "http.response.start":
            self.has_begun = True
            headers: Any = tuple(message["headers"])
            if self.left is not None:
                headers = kept_until(message["status"], headers, self.left)
            message = {**message, "headers": [*headers, *self.more]}
        await self._send(message)

    async def answer(self, answer: Answer) -> None:
        """Send a whole answer, after some of what the client still sends: many read no answer before."""
        self.left = None
        headers = answer.headers
        if self.scope["method"] in {"PUT", "POST"}:
            taken = 0 if self.header(b"expect") is None and not self._is_stalled else DRAINED
            with suppress(ClientStalledError):
                while not self._is_through and taken < DRAINED:
                    taken += len(await self._next())
            if not self._is_through and self.scope.get("http_version", "1.1").startswith("1"):
                headers = (*headers, _CLOSE)  # else some servers take what is left for the next request
        await self.send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await self.send(body(b"" if self.scope["method"] == "HEAD" else answer.body))

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the body of the request.

        Raises:
            ClientLeftError: It ended too early, or stands still.
        """
        while not self._is_through:
            if data := await self._next():
                yield data

    async def _next(self) -> bytes:
        try:
            async with asyncio.timeout(self._idle_timeout):
                message = await self.receive()
        except TimeoutError:
            self._is_stalled = True
            raise ClientStalledError from None
        if message["type"] == "http.disconnect":
            self._is_through = True
            raise ClientLeftError
        self._is_through = not message.get("more_body", False)
        data: bytes = message.get("body", b"")
        return data
