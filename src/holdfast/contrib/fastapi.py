"""FastAPI: what `holdfast.contrib.starlette` has, and ready-made routes with their OpenAPI.

A model with a field ``file: FileObject`` is a ``response_model`` like any other: the file shows as its description and
its URL, never as a storage or a key.
"""

# No postponed annotations: FastAPI reads those of the routes, which are made inside a function.
from collections.abc import Callable, Sequence
from inspect import Parameter, Signature
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.orm import InstrumentedAttribute
from starlette.types import Message, Receive, Scope, Send

from holdfast.contrib.routes import PROBLEMS, Authorize, FileRoutes, TicketRequest
from holdfast.contrib.starlette import FileResponse, SignedFiles, answer, body, exception_handlers, upload_form
from holdfast.file import FileObject

__all__ = ["FileResponse", "SignedFiles", "exception_handlers", "file_router", "upload_form"]

_BINARY = {"type": "string", "format": "binary"}
_TEXTS = {
    400: "The body is no such form",
    403: "The ticket is not valid",
    404: "There is no such file",
    413: "The file is too large",
    415: "The file is of a type that is not accepted",
    422: "The file breaks a rule",
}


def file_router(
    column: InstrumentedAttribute[Any],
    *,
    session: Callable[..., Any],
    authorize: Authorize,
    expires_in: int = 900,
    **options: Any,
) -> APIRouter:
    """Return routes that upload, download, sign, delete and claim the file of a row.

    Args:
        column: A mapped file column, such as ``Document.file``.
        session: The dependency that sessions come from; both `Session` and `AsyncSession` will do. The routes commit.
        authorize: Called with the request, the action and the row; says whether this client may do that. See
            `holdfast.contrib.routes`.
        expires_in: Seconds that signed URLs and tickets are valid for.
        options: Of the `fastapi.APIRouter`: ``prefix``, ``dependencies``, ``tags`` …
    """
    routes = FileRoutes(column, authorize=authorize, expires_in=expires_in)
    router = APIRouter(**{"route_class": _Route, **options})
    path = f"/{routes.path}"
    Session = Annotated[Any, Depends(session)]  # noqa: N806  # a type
    Key = Annotated[tuple[str, ...], Depends(_key(routes.key_names))]  # noqa: N806  # a type

    # The status is said, as FastAPI cannot read it off a FileResponse.
    @router.get(path, status_code=200, response_class=FileResponse, responses=_responses(404, content=_BINARY))
    @router.head(path, status_code=200, response_class=FileResponse, responses=_responses(404))
    async def download_file(request: Request, session: Session, key: Key) -> FileResponse:
        """Download the file."""
        return FileResponse(await routes.download_async(request, session, key))

    @router.get(f"{path}/url", responses=_responses(404))
    async def sign_file_url(request: Request, session: Session, key: Key) -> dict[str, str | int]:
        """Return a URL with which the file can be read without credentials."""
        return await routes.url_async(request, session, key)

    @router.put(path, responses=_responses(400, 404, 413, 415, 422), openapi_extra=_form_body(column))
    async def upload_file(request: Request, session: Session, key: Key) -> FileObject:
        """Upload a file, in place of the one that is there."""
        content_type = request.headers.get("content-type")
        return await routes.upload_async(request, session, key, body(request), content_type)

    if "delete" in routes.actions:

        @router.delete(path, status_code=204, response_class=Response, responses=_responses(404))
        async def delete_file(request: Request, session: Session, key: Key) -> None:
            """Delete the file."""
            await routes.delete_async(request, session, key)

    @router.post(f"{path}/ticket", status_code=201, responses=_responses(404, 413, 415))
    async def issue_upload_ticket(request: Request, session: Session, key: Key, asked: TicketRequest) -> dict[str, Any]:
        """Return a ticket, with which the client uploads a file by itself."""
        return await routes.ticket_async(request, session, key, asked)

    @router.post(f"{path}/claim", responses=_responses(403, 404, 413, 415))
    async def claim_upload(
        request: Request, session: Session, key: Key, token: Annotated[str, Body(embed=True)]
    ) -> FileObject:
        """Put the file that was uploaded with a ticket in place of the one that is there."""
        return await routes.claim_async(request, session, key, token)

    return router


class _Route(APIRoute):
    """A route that answers Holdfast's errors, where the application has no handlers for them."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        has_begun = False

        async def watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await super().handle(scope, receive, watched)
        except PROBLEMS as error:
            if has_begun:
                raise
            response = await answer(Request(scope), error)
            await response(scope, receive, send)


def _key(names: Sequence[str]) -> Callable[..., tuple[str, ...]]:
    """Return a dependency that takes the texts of these parameters from the path."""

    def key(**texts: str) -> tuple[str, ...]:
        return tuple(texts[name] for name in names)

    parameters = [Parameter(name, Parameter.KEYWORD_ONLY, annotation=str) for name in names]
    key.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    return key


def _responses(*errors: int, content: dict[str, Any] | None = None) -> dict[int | str, dict[str, Any]]:
    shape = {"type": "object", "properties": {"code": {"type": "string"}, "message": {"type": "string"}}}
    found: dict[int | str, dict[str, Any]] = {
        status: {"description": _TEXTS[status], "content": {"application/json": {"schema": shape}}} for status in errors
    }
    if content is not None:
        found[200] = {"description": "The file", "content": {"application/octet-stream": {"schema": content}}}
    return found


def _form_body(column: InstrumentedAttribute[Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"file": _BINARY}, "required": ["file"]}
    form: dict[str, Any] = {"schema": schema}
    if accept := getattr(getattr(column.type, "rules", None), "accept", ()):
        form["encoding"] = {"file": {"contentType": ", ".join(accept)}}
    return {"requestBody": {"content": {"multipart/form-data": form}, "required": True}}
