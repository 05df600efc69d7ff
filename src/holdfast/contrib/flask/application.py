"""What a Flask application has to know of a file: its JSON, and Holdfast's errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask.json.provider import DefaultJSONProvider

from holdfast.contrib.routes import PROBLEMS, problem
from holdfast.file import FileObject
from holdfast.file_schema import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Blueprint, Flask
    from flask.typing import ResponseReturnValue


def init_app(app: Flask) -> None:
    """Teach an application about files.

    ``jsonify``, and a dict or a list that a view returns, show a `FileObject` as its description and a URL, never a
    storage or a key. Holdfast's errors are answered as `holdfast.contrib.routes.problem` says.

    Args:
        app: The application. A JSON provider that does not derive from Flask's default one stays as it is; it can call
            `holdfast.file_schema.shown`.
    """
    provider: Any = app.json
    if isinstance(provider, DefaultJSONProvider):
        provider.default = _default(provider.default)
    answer_errors(app)


def answer_errors(app: Flask | Blueprint) -> None:
    """Answer Holdfast's errors in an application, or in the views of a blueprint."""
    for kind in PROBLEMS:
        app.register_error_handler(kind, _answer)


def _answer(error: Exception) -> ResponseReturnValue:
    status, body = problem(error)
    return dict(body), status


def _default(otherwise: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def default(value: Any) -> Any:
        return shown(value) if isinstance(value, FileObject) else otherwise(value)

    return default
