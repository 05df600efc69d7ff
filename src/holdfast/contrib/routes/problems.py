"""How errors are answered: one status and one JSON for each, whatever the framework."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.errors import (
    DescribedFileError,
    FileRejectedError,
    InvalidFormError,
    InvalidTokenError,
    NotFoundError,
    StorageTimeoutError,
    ThrottledError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_STATUS = {"too_large": 413, "type_not_accepted": 415, "type_mismatch": 415, "not_a_form": 415, "malformed": 400}


class Problem(NamedTuple):
    """An answer to an error.

    Attributes:
        status: Of HTTP.
        body: To be sent as JSON; it always has a ``code`` for programs and a ``message`` for people.
    """

    status: int
    body: Mapping[str, Any]


PROBLEMS = (
    DescribedFileError,
    FileRejectedError,
    InvalidFormError,
    InvalidTokenError,
    NotFoundError,
    StorageTimeoutError,
    ThrottledError,
    UnavailableError,
)
"""The errors that `problem` knows: handlers are registered for these. All others are faults of the server."""


def problem(error: Exception) -> Problem:
    """Return what one of `PROBLEMS` is answered with; nothing of a storage shows.

    Example:
        >>> problem(NotFoundError("there is no object 'secret' in storage 'docs'"))
        Problem(status=404, body={'code': 'not_found', 'message': 'there is no such file'})
    """
    if isinstance(error, (FileRejectedError, InvalidFormError)):
        return Problem(_STATUS.get(error.code, 422), error.to_dict())
    if isinstance(error, DescribedFileError):
        return Problem(
            422, {"code": "described", "message": "a description of a file cannot be stored: upload the file"}
        )
    if isinstance(error, InvalidTokenError):
        return Problem(403, {"code": "invalid_token", "message": error.message})
    if isinstance(error, NotFoundError):
        return Problem(404, {"code": "not_found", "message": "there is no such file"})
    return Problem(503, {"code": "unavailable", "message": "the storage cannot be reached at the moment"})
