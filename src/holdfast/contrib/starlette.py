"""Starlette: downloads, forms that stream, answers to errors.

`FileResponse` is for views, `upload_form` for the body of a request. `exception_handlers` answers Holdfast's errors:
``Starlette(exception_handlers=exception_handlers)``. ``app.mount("/files", SignedFiles())`` serves the URLs of
``storages.sign_urls``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response

from holdfast.contrib.routes.problems import PROBLEMS, problem
from holdfast.errors import InvalidFormError
from holdfast.serving import asgi
from holdfast.serving.asgi import SignedFiles
from holdfast.uploads.forms import form_async

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from starlette.background import BackgroundTask
    from starlette.requests import HTTPConnection, Request
    from starlette.types import Message, Receive, Scope, Send

    from holdfast.disposition import Disposition
    from holdfast.file import FileObject
    from holdfast.serving.elsewhere import Mode, Offload
    from holdfast.serving.reply import ServePolicy
    from holdfast.uploads.forms import Form

__all__ = ["FileResponse", "SignedFiles", "answer", "exception_handlers", "upload_form"]


class FileResponse(Response):
    """A file, for a view to return: with ranges, conditions and safe headers, in constant memory.

    Cookies and further headers can be set on it, as on any response.

    Args:
        file: The file.
        policy: How it is answered; see `holdfast.serving.reply.ServePolicy`.
        disposition: ``"inline"`` to show files of harmless types.
        mode: Whether the bytes come from here or the client is sent to the storage; see
            `holdfast.serving.asgi.FileResponse`.
        expires_in: Seconds that a redirect's signed URL is valid for.
        offload: A web server in front that sends local files; see `holdfast.serving.asgi.FileResponse`.
        headers: Further headers.
        background: What runs after the answer was sent.
    """

    def __init__(
        self,
        file: FileObject | None,
        *,
        policy: ServePolicy | None = None,
        disposition: Disposition = "attachment",
        mode: Mode = "proxy",
        expires_in: int = 3600,
        offload: Offload | None = None,
        headers: Mapping[str, str] | None = None,
        background: BackgroundTask | None = None,
        status_code: Literal[200] = 200,  # FastAPI reads it off the signature, for its schema
    ) -> None:
        self.status_code, self.background = status_code, background
        self._answer = asgi.FileResponse(
            file, policy=policy, disposition=disposition, mode=mode, expires_in=expires_in, offload=offload
        )
        self.init_headers(headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, as an ASGI application."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=list(message.get("headers", ())))
                for name in self.headers:
                    if name != "set-cookie":
                        del headers[name]
                message = {**message, "headers": headers.raw + self.raw_headers}
            await send(message)

        await self._answer(scope, receive, send_with_headers if self.raw_headers else send)
        if self.background is not None:
            await self.background()


def upload_form(request: Request, files: Mapping[str, Any], **limits: int) -> AbstractAsyncContextManager[Form]:
    """Receive a form whose files go straight to their storage.

    Args:
        request: The request; nothing has read its body.
        files: For each file that the form may have, the column it is for: ``{"file": Document.file}``.
        limits: See `holdfast.uploads.forms.form_async`.
    """
    return form_async(body(request), request.headers.get("content-type"), files=files, **limits)


async def body(request: Request) -> AsyncIterator[bytes]:
    """Yield the body of a request as it arrives."""
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect as error:  # no fault of the server, which would log one
        message = "the client left in the middle of the form"
        raise InvalidFormError(message) from error


async def answer(request: HTTPConnection, error: Exception) -> Response:  # noqa: ARG001  # the signature of a handler
    """Answer one of Holdfast's errors."""
    found = problem(error)
    return JSONResponse(dict(found.body), found.status)


exception_handlers: dict[Any, Callable[[Any, Any], Any]] = dict.fromkeys(PROBLEMS, answer)
"""For ``Starlette(exception_handlers=…)`` and ``FastAPI(exception_handlers=…)``."""
