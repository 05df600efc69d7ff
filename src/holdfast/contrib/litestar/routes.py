"""Ready-made routes for a file column."""

# No postponed annotations: Litestar reads those of the routes, which are made inside a function.
from collections.abc import Callable
from dataclasses import asdict, dataclass
from http import HTTPStatus
from inspect import Parameter, Signature, isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import Annotated, Any, TypeAlias

from litestar import HttpMethod, MediaType, Request, Router, delete, get, post, put, route
from litestar.di import Provide
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIFormat, OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import Body
from sqlalchemy.orm import InstrumentedAttribute

from holdfast.contrib.litestar.errors import exception_handlers
from holdfast.contrib.litestar.forms import body
from holdfast.contrib.litestar.responses import DOWNLOAD, FileResponse
from holdfast.contrib.routes import Authorize, FileRoutes, TicketRequest
from holdfast.file import FileObject
from holdfast.file_schema import shown

_JSON_SIZE = 65536  # bytes of what asks for a ticket, or claims one
_Session: TypeAlias = Annotated[Any, "a dependency"]  # which Litestar wants marked


@dataclass
class Claim:
    """What a client sends when it has uploaded a file by itself."""

    token: str


@dataclass
class Refusal:
    """What an error is answered with, at least."""

    code: str
    message: str


@dataclass
class _Upload(Operation):
    """An operation of the OpenAPI schema that takes a form with a file."""

    def __post_init__(self) -> None:
        file = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        form = Schema(type=OpenAPIType.OBJECT, properties={"file": file}, required=["file"])
        self.request_body = RequestBody({"multipart/form-data": OpenAPIMediaType(schema=form)}, required=True)


def file_router(
    column: InstrumentedAttribute[Any],
    *,
    session: str | Callable[..., Any] | Provide,
    authorize: Authorize,
    path: str = "/",
    expires_in: int = 900,
    **options: Any,
) -> Router:
    """Return routes that upload, download, sign, delete and claim the file of a row.

    They take files of any size that the column takes, whatever the application's ``request_max_body_size`` is.

    Args:
        column: A mapped file column, such as ``Document.file``.
        session: Where sessions come from, both `Session` and `AsyncSession`: a dependency, or the name of one that the
            application has, such as advanced-alchemy's ``"db_session"``. The routes commit.
        authorize: Called with the request, the action and the row; says whether this client may do that. See
            `holdfast.contrib.routes`.
        path: Before the path of each route.
        expires_in: Seconds that signed URLs and tickets are valid for.
        options: Of the `litestar.Router`: ``guards``, ``tags``, ``security`` …
    """
    routes = FileRoutes(column, authorize=authorize, expires_in=expires_in)
    row = "/" + "/".join(f"{{{name}:str}}" for name in routes.key_names)

    def key(request: Request[Any, Any, Any]) -> list[str]:
        return [request.path_params[name] for name in routes.key_names]

    shown_as: dict[str, Any] = {"media_type": MediaType.JSON, "responses": {200: DOWNLOAD, **_responses(404)}}

    @route(row, http_method=[HttpMethod.GET, HttpMethod.HEAD], **shown_as)
    async def download_file(request: Request[Any, Any, Any], file_session: _Session) -> FileResponse:
        """Download the file."""
        return FileResponse(await routes.download_async(request, file_session, key(request)))

    @get(f"{row}/url", responses=_responses(404))
    async def sign_file_url(request: Request[Any, Any, Any], file_session: _Session) -> dict[str, str | int]:
        """Return a URL with which the file can be read without credentials."""
        return await routes.url_async(request, file_session, key(request))

    # The column's own limit holds while the form comes in, and its answer says which one it is.
    @put(row, request_max_body_size=None, operation_class=_Upload, responses=_responses(400, 404, 413, 415, 422))
    async def upload_file(request: Request[Any, Any, Any], file_session: _Session) -> FileObject:
        """Upload a file, in place of the one that is there."""
        content_type = request.headers.get("content-type")
        return await routes.upload_async(request, file_session, key(request), body(request), content_type)

    @delete(row, responses=_responses(404))
    async def delete_file(request: Request[Any, Any, Any], file_session: _Session) -> None:
        """Delete the file."""
        await routes.delete_async(request, file_session, key(request))

    @post(f"{row}/ticket", request_max_body_size=_JSON_SIZE, responses=_responses(404, 413, 415))
    async def issue_upload_ticket(
        request: Request[Any, Any, Any], file_session: _Session, data: Annotated[TicketRequest, Body()]
    ) -> dict[str, Any]:
        """Return a ticket, with which the client uploads a file by itself."""
        asked = TicketRequest.read(asdict(data))
        return await routes.ticket_async(request, file_session, key(request), asked)

    @post(f"{row}/claim", status_code=200, request_max_body_size=_JSON_SIZE, responses=_responses(403, 404, 413, 415))
    async def claim_upload(
        request: Request[Any, Any, Any], file_session: _Session, data: Annotated[Claim, Body()]
    ) -> FileObject:
        """Put the file that was uploaded with a ticket in place of the one that is there."""
        return await routes.claim_async(request, file_session, key(request), data.token)

    handlers = [download_file, sign_file_url, upload_file, issue_upload_ticket, claim_upload]
    return Router(
        path,
        route_handlers=[*handlers, delete_file] if "delete" in routes.actions else handlers,
        dependencies={"file_session": _provided(session), **options.pop("dependencies", {})},
        exception_handlers={**exception_handlers, **options.pop("exception_handlers", {})},
        type_encoders={FileObject: shown, **options.pop("type_encoders", {})},
        **options,
    )


def _provided(session: str | Callable[..., Any] | Provide) -> Provide:
    if isinstance(session, Provide):
        return session
    if not isinstance(session, str):
        needs_no_thread = not (
            iscoroutinefunction(session) or isgeneratorfunction(session) or isasyncgenfunction(session)
        )
        return Provide(session, sync_to_thread=False if needs_no_thread else None)

    async def named(**dependencies: Any) -> Any:
        return dependencies[session]

    named.__annotations__ = {session: _Session}
    named.__signature__ = Signature([Parameter(session, Parameter.KEYWORD_ONLY, annotation=_Session)])  # type: ignore[attr-defined]
    return Provide(named)


def _responses(*errors: int) -> dict[int, ResponseSpec]:
    return {
        status: ResponseSpec(Refusal, description=HTTPStatus(status).phrase, generate_examples=False)
        for status in errors
    }
