"""Holdfast's signed URLs, served by an ASGI application."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from holdfast.drivers.closing import aclose
from holdfast.errors import HoldfastError
from holdfast.registry import storages as all_storages
from holdfast.serving.asgi.exchange import Exchange
from holdfast.serving.asgi.response import FileResponse
from holdfast.serving.intake import (
    ClientLeftError,
    ClientStalledError,
    Intake,
    check_form_head,
    check_head,
    form_file_async,
)
from holdfast.serving.signed import (
    METHODS,
    ServedFile,
    Signed,
    created,
    not_allowed,
    policy,
    refusal,
    seconds_left,
    stalled,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from holdfast.backends.base import StorageBackend
    from holdfast.registry import StorageRegistry
    from holdfast.serving.asgi.messages import Receive, Scope, Send
    from holdfast.serving.elsewhere import Mode
    from holdfast.serving.signed import Answer
    from holdfast.signed_urls import Grant


class SignedFiles:
    """An ASGI application for the URLs of ``storages.sign_urls``: GET and HEAD of files, PUT and POST of uploads.

    Mounted wherever ``base_url`` leads: by Starlette, FastAPI and Litestar below a path, or by a server as it is.

    An upload is streamed to its storage, in bounded memory. It must have the size, the type and the checksum that were
    signed; of one that has not, nothing stays. A forged URL, an expired one and one for another method get one answer.

    Args:
        storages: Where the storages are registered.
        mode: ``"auto"``: the client of a GET is sent to the service, where that signs URLs itself, or has a public URL
            for a file of which no header was signed; all else is sent from here. ``"proxy"``: all is. ``"redirect"``:
            the client is sent to the public URL in any case.
        allow_origins: Sites whose pages may use the URLs by script, such as ``["https://app.example.com"]``: for
            uploads from a page of another site. Links and forms need no leave.
        idle_timeout: Seconds for which an upload may stand still: of many clients that are gone nobody is told. Servers
            for WSGI see to that themselves.

    Raises:
        ConfigurationError: An argument is out of range.

    Example:
        >>> from holdfast import storages
        >>> app = SignedFiles(storages)  # Starlette: Mount("/files", app); FastAPI: api.mount("/files", app)
    """

    def __init__(
        self,
        storages: StorageRegistry = all_storages,
        *,
        mode: Mode = "auto",
        allow_origins: Collection[str] = (),
        idle_timeout: float = 60,
    ) -> None:
        self._signed = Signed(storages, mode, allow_origins)
        self._idle_timeout = idle_timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request.

        Raises:
            StorageError: The storage failed, otherwise than by being out of reach for the moment.
        """
        if scope["type"] != "http":
            await _not_http(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send, self._idle_timeout)
        method: str = scope["method"]
        if method == "OPTIONS":
            await exchange.answer(self._signed.options(exchange.header(b"origin")))
            return
        exchange.more = self._signed.origins.headers(exchange.header(b"origin"))
        if method not in METHODS:
            await exchange.answer(not_allowed())
            return
        try:
            storage, grant = self._signed.opened(method, scope["path"])
            if grant.method == "GET":
                await self._read(exchange, storage, grant)
            else:
                await exchange.answer(await _store(exchange, storage, grant))
        except HoldfastError as error:
            answer = refusal(error)
            if answer is None or exchange.has_begun:
                raise
            with suppress(ClientLeftError):
                await exchange.answer(answer)
        except ClientStalledError:
            await exchange.answer(stalled())
        except ClientLeftError:
            return

    async def _read(self, exchange: Exchange, storage: StorageBackend, grant: Grant) -> None:
        mode = self._signed.mode(exchange.scope["method"], storage, grant)
        info = await storage.stat_async(grant.key) if self._signed.asks(mode, storage, grant) else None
        left = seconds_left(grant)
        exchange.left = left
        response = FileResponse(ServedFile(storage, grant, info), policy=policy(grant), mode=mode, expires_in=left or 1)
        await response(exchange.scope, exchange.receive, exchange.send)


async def _store(exchange: Exchange, storage: StorageBackend, grant: Grant) -> Answer:
    """Store an upload, whole or not at all."""
    stated, length = exchange.text_header(b"content-type"), exchange.text_header(b"content-length")
    if exchange.scope["method"] == "POST":
        check_form_head(grant, length)
        content_type, chunks = grant.content_type, form_file_async(stated, exchange.chunks())
    else:
        content_type, chunks = check_head(grant, stated, length), exchange.chunks()
    if grant.if_absent and await storage.exists_async(grant.key):  # not every service refuses a large body for that
        raise storage.taken("put", grant.key)
    content = Intake(grant).checked_async(chunks)
    try:
        info = await storage.put_async(grant.key, content, content_type=content_type, if_absent=grant.if_absent)
    finally:
        await aclose(content)
    return created(info)


async def _not_http(scope: Scope, receive: Receive, send: Send) -> None:
    """Take part in the start and the end of a server, and refuse a WebSocket."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close"})
