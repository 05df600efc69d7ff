"""A file as the answer of a view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response, request

from holdfast.serving import wsgi

if TYPE_CHECKING:
    from holdfast.disposition import Disposition
    from holdfast.file import FileObject
    from holdfast.serving.elsewhere import Mode
    from holdfast.serving.wsgi import Offload, ServePolicy


class FileResponse(Response):
    """A file, for a view to return: with ranges, conditions and safe headers, in constant memory.

    It answers the current request, and is a response like any other: cookies and headers can be set on it.

    Args:
        file: The file.
        policy: See `holdfast.serving.asgi.FileResponse`, as for the next four.
        disposition: ``"inline"`` to show files of harmless types.
        mode: Whether the bytes come from here or the client is sent to the storage.
        expires_in: Seconds that a redirect's signed URL is valid for.
        offload: A web server in front that sends local files.
    """

    automatically_set_content_length = False

    def __init__(
        self,
        file: FileObject | None,
        *,
        policy: ServePolicy | None = None,
        disposition: Disposition = "attachment",
        mode: Mode = "proxy",
        expires_in: int = 3600,
        offload: Offload | None = None,
    ) -> None:
        answer = wsgi.FileResponse(
            file, policy=policy, disposition=disposition, mode=mode, expires_in=expires_in, offload=offload
        )
        started: list[Any] = []
        content = answer(request.environ, lambda *start: started.extend(start))
        status, headers = started
        # The server gets just this object: it may be its own file_wrapper.
        super().__init__(content, status, headers, direct_passthrough=True)
        if "content-type" not in {name.lower() for name, _ in headers}:
            del self.headers["Content-Type"]  # Flask's own, of an answer without content
