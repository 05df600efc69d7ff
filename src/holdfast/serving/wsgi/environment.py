"""The environment and the callables of WSGI (PEP 3333), as far as an answer needs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias

from holdfast.serving.planner import REQUEST_HEADERS

if TYPE_CHECKING:
    from holdfast.serving.reply import Reply

Environ: TypeAlias = dict[str, Any]
StartResponse: TypeAlias = Callable[..., Any]
WSGIApplication: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]

_VARIABLES = {f"HTTP_{name.upper().replace('-', '_')}": name for name in REQUEST_HEADERS}


def asked(environ: Environ) -> dict[str, str]:
    """Return the headers of a request that decide about the answer."""
    return {name: environ[variable] for variable, name in _VARIABLES.items() if variable in environ}


def start(reply: Reply, start_response: StartResponse) -> None:
    """Say status and headers."""
    status = HTTPStatus(reply.status)
    start_response(f"{status.value} {status.phrase}", reply.text_headers)
