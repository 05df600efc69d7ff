"""Forms whose files go straight to their storage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar.exceptions import InternalServerException

from holdfast.errors import InvalidFormError
from holdfast.uploads.forms import form_async

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from contextlib import AbstractAsyncContextManager

    from litestar import Request

    from holdfast.uploads.forms import Form


def upload_form(
    request: Request[Any, Any, Any], files: Mapping[str, Any], **limits: int
) -> AbstractAsyncContextManager[Form]:
    """Receive a form whose files go straight to their storage, in a handler that takes `request` and no `data`.

    Litestar refuses bodies of more than 10 MB, unless the handler, or a layer above it, says otherwise with
    ``request_max_body_size=…``; None leaves it to the column's own ``max_size``.

    Args:
        request: The request; nothing has read its body.
        files: For each file that the form may have, the column it is for: ``{"file": Document.file}``.
        limits: See `holdfast.uploads.forms.form_async`.
    """
    return form_async(body(request), request.headers.get("content-type"), files=files, **limits)


async def body(request: Request[Any, Any, Any]) -> AsyncIterator[bytes]:
    """Yield the body of a request as it arrives."""
    try:
        async for chunk in request.stream():
            yield chunk
    except InternalServerException as error:  # so Litestar says that the client left, which is no fault of the server
        message = "the client left in the middle of the form"
        raise InvalidFormError(message) from error
