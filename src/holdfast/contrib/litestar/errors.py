"""Holdfast's errors as answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar import MediaType, Response

from holdfast.contrib.routes import PROBLEMS, problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from litestar import Request


def _answer(_: Request[Any, Any, Any], error: Exception) -> Response[Mapping[str, Any]]:
    status, body = problem(error)
    return Response(body, status_code=status, media_type=MediaType.JSON)


exception_handlers: dict[int | type[Exception], Callable[[Request[Any, Any, Any], Any], Response[Any]]] = dict.fromkeys(
    PROBLEMS, _answer
)
"""For ``Litestar(exception_handlers=…)`` of an application, a router or a handler; `HoldfastPlugin` sets them."""
