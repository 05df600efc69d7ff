"""Ready-made routes for a file column."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from flask import Blueprint, request

from holdfast.contrib.flask.application import answer_errors
from holdfast.contrib.flask.forms import body
from holdfast.contrib.flask.responses import FileResponse
from holdfast.contrib.routes import FileRoutes, TicketRequest
from holdfast.contrib.routes.requests import read_token
from holdfast.errors import InvalidFormError
from holdfast.file_schema import shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from sqlalchemy.orm import InstrumentedAttribute, Session

    from holdfast.contrib.routes import Authorize

_JSON_SIZE = 65536  # bytes of what asks for a ticket, or claims one


def file_blueprint(
    column: InstrumentedAttribute[Any],
    *,
    session: Callable[[], AbstractContextManager[Session]],
    authorize: Authorize,
    name: str | None = None,
    expires_in: int = 900,
    **options: Any,
) -> Blueprint:
    """Return routes that upload, download, sign, delete and claim the file of a row.

    Args:
        column: A mapped file column, such as ``Document.file``.
        session: Makes sessions, as a `sessionmaker` does; each is closed at the end of its request. The routes commit.
        authorize: Called with the request, the action and the row; says whether this client may do that. See
            `holdfast.contrib.routes`.
        name: Of the blueprint, for ``url_for``; ``"document_file"`` for ``Document.file`` if left out.
        expires_in: Seconds that signed URLs and tickets are valid for.
        options: Of the `flask.Blueprint`: ``url_prefix`` …
    """
    routes = FileRoutes(column, authorize=authorize, expires_in=expires_in)
    blueprint = Blueprint(name or f"{column.class_.__name__.lower()}_{column.key}", __name__, **options)
    answer_errors(blueprint)
    path = "/" + "/".join(f"<{part}>" for part in routes.key_names)

    def key(texts: dict[str, str]) -> list[str]:
        return [texts[part] for part in routes.key_names]

    @blueprint.get(path)
    def download_file(**texts: str) -> FileResponse:
        """Download the file."""
        with session() as opened:
            file = routes.download(request, opened, key(texts))
        return FileResponse(file)

    @blueprint.get(f"{path}/url")
    def sign_file_url(**texts: str) -> dict[str, Any]:
        """Return a URL with which the file can be read without credentials."""
        with session() as opened:
            return routes.url(request, opened, key(texts))

    @blueprint.put(path)
    def upload_file(**texts: str) -> dict[str, Any]:
        """Upload a file, in place of the one that is there."""
        content_type = request.headers.get("Content-Type")
        with session() as opened:
            return shown(routes.upload(request, opened, key(texts), body(request), content_type))

    @blueprint.post(f"{path}/ticket")
    def issue_upload_ticket(**texts: str) -> tuple[dict[str, Any], int]:
        """Return a ticket, with which the client uploads a file by itself."""
        asked = TicketRequest.read(_json())
        with session() as opened:
            return routes.ticket(request, opened, key(texts), asked), 201

    @blueprint.post(f"{path}/claim")
    def claim_upload(**texts: str) -> dict[str, Any]:
        """Put the file that was uploaded with a ticket in place of the one that is there."""
        token = read_token(_json())
        with session() as opened:
            return shown(routes.claim(request, opened, key(texts), token))

    if "delete" in routes.actions:

        @blueprint.delete(path)
        def delete_file(**texts: str) -> tuple[str, int]:
            """Delete the file."""
            with session() as opened:
                routes.delete(request, opened, key(texts))
            return "", 204

    return blueprint


def _json() -> Any:
    """Return the JSON of the request, which is small; Flask itself would read one of any size."""
    text = bytearray()
    for chunk in body(request) if request.is_json else ():
        text += chunk
        if len(text) > _JSON_SIZE:
            message = f"the request is larger than {_JSON_SIZE} bytes"
            raise InvalidFormError(message, code="too_large")
    try:
        return json.loads(text)
    except ValueError:
        message = "the request is not JSON"
        raise InvalidFormError(message) from None
