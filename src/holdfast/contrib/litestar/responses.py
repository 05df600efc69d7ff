"""A file as the answer of a handler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from litestar.openapi.datastructures import ResponseSpec
from litestar.response import File

from holdfast.disposition import UNKNOWN_TYPE
from holdfast.serving import asgi

if TYPE_CHECKING:
    from collections.abc import Iterable

    from litestar import Litestar, MediaType, Request
    from litestar.background_tasks import BackgroundTask, BackgroundTasks
    from litestar.datastructures import Cookie
    from litestar.response.file import ASGIFileResponse
    from litestar.types import ResponseCookies, ResponseHeaders, TypeEncodersMap

    from holdfast.disposition import Disposition
    from holdfast.file import FileObject
    from holdfast.serving.asgi import Offload, ServePolicy
    from holdfast.serving.elsewhere import Mode

DOWNLOAD = ResponseSpec(bytes, media_type=UNKNOWN_TYPE, description="The file", generate_examples=False)
"""What the OpenAPI schema shows of a file. A handler's own ``media_type`` would be that of its errors as well."""


class FileResponse(File):
    """A file, for a handler to return: with ranges, conditions and safe headers, in constant memory.

    It is a `litestar.response.File`, so that the OpenAPI schema shows a file and HEAD handlers may return it.

    Args:
        file: The file.
        policy: See `holdfast.serving.asgi.FileResponse`, as for the next four.
        disposition: ``"inline"`` to show files of harmless types.
        mode: Whether the bytes come from here or the client is sent to the storage.
        expires_in: Seconds that a redirect's signed URL is valid for.
        offload: A web server in front that sends local files.
        background: What is done after the answer.
        cookies: Cookies to set.
        headers: Further headers.
    """

    __slots__ = ("_answer",)

    def __init__(
        self,
        file: FileObject | None,
        *,
        policy: ServePolicy | None = None,
        disposition: Disposition = "attachment",
        mode: Mode = "proxy",
        expires_in: int = 3600,
        offload: Offload | None = None,
        background: BackgroundTask | BackgroundTasks | None = None,
        cookies: ResponseCookies | None = None,
        headers: ResponseHeaders | None = None,
    ) -> None:
        self._answer = asgi.FileResponse(
            file, policy=policy, disposition=disposition, mode=mode, expires_in=expires_in, offload=offload
        )
        super().__init__(self._answer.file.filename, background=background, cookies=cookies, headers=headers)

    def to_asgi_response(
        self,
        app: Litestar | None,
        request: Request[Any, Any, Any],
        *,
        background: BackgroundTask | BackgroundTasks | None = None,
        encoded_headers: Iterable[tuple[bytes, bytes]] | None = None,
        cookies: Iterable[Cookie] | None = None,
        headers: dict[str, str] | None = None,
        is_head_response: bool = False,
        media_type: MediaType | str | None = None,
        status_code: int | None = None,
        type_encoders: TypeEncodersMap | None = None,
    ) -> ASGIFileResponse:
        """Return the ASGI application that answers; Litestar calls it."""
        del app, request, encoded_headers, is_head_response, media_type, status_code, type_encoders  # the file decides
        given = {name.lower(): str(value) for name, value in {**(headers or {}), **self.headers}.items()}
        more = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in given.items()]
        set_cookies = [cookie.to_encoded_header() for cookie in (*self.cookies, *(cookies or ()))]
        after = self.background or background

        async def answer(scope: Any, receive: Any, send: Any) -> None:
            async def send_more(message: Any) -> None:
                if message["type"] == "http.response.start":
                    own = [(name, value) for name, value in message["headers"] if name.decode() not in given]
                    message = {**message, "headers": [*own, *more, *set_cookies]}
                await send(message)

            await self._answer(scope, receive, send_more)
            if after is not None:
                await after()

        return cast("ASGIFileResponse", answer)
