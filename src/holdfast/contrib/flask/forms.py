"""Forms whose files go straight to their storage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.uploads.forms import form

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from flask import Request

    from holdfast.uploads.forms import Form

_READ_SIZE = 256 * 1024


def upload_form(request: Request, files: Mapping[str, Any], **limits: int) -> AbstractContextManager[Form]:
    """Receive a form whose files go straight to their storage.

    Flask's own ``MAX_CONTENT_LENGTH`` holds as well, if it is set.

    Args:
        request: Flask's request; nothing has looked at its ``form`` or ``files``, which would read the body.
        files: For each file that the form may have, the column it is for: ``{"file": Document.file}``.
        limits: See `holdfast.uploads.forms.form`.
    """
    return form(body(request), request.headers.get("Content-Type"), files=files, **limits)


def body(request: Request) -> Iterator[bytes]:
    """Yield the body of a request as it arrives."""
    # Not wsgi.input itself: where the server does not end it, a read beyond the body waits forever.
    while chunk := request.stream.read(_READ_SIZE):
        yield chunk
