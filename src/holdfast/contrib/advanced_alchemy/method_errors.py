"""What an error of an application's own method means."""

from __future__ import annotations

from typing import Any

from holdfast import errors
from holdfast.errors import StorageError

_CLASSES: tuple[tuple[type[BaseException], type[StorageError]], ...] = (
    (FileNotFoundError, errors.NotFoundError),
    (FileExistsError, errors.AlreadyExistsError),
    (PermissionError, errors.AccessDeniedError),
    (TimeoutError, errors.StorageTimeoutError),
    (ConnectionError, errors.UnavailableError),
    (NotImplementedError, errors.UnsupportedError),
)
_STATUSES: dict[int, type[StorageError]] = {
    401: errors.AuthenticationError,
    403: errors.AccessDeniedError,
    404: errors.NotFoundError,
    429: errors.ThrottledError,
    503: errors.UnavailableError,
}


def meaning(error: BaseException) -> type[StorageError] | None:
    """Return what an error of an application's method stands for."""
    for kind, found in _CLASSES:
        if isinstance(error, kind):
            return found
    if not isinstance(error, Exception):
        return None
    return _STATUSES.get(_status(error), StorageError)


def _status(error: Exception) -> int:
    """Return the HTTP status in an error of botocore, google-cloud-storage, azure, httpx, requests …; 0 without one."""
    response: Any = getattr(error, "response", None)
    if isinstance(response, dict):
        found: Any = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    else:
        found = getattr(error, "status_code", None) or getattr(response, "status_code", None)
        found = found or getattr(error, "code", None)
    return found if isinstance(found, int) else 0


def is_missing(error: Exception, key: str) -> bool:
    """Return whether an error says that there is no such object; a dict's KeyError does if it is about the key."""
    return (isinstance(error, KeyError) and error.args == (key,)) or meaning(error) is errors.NotFoundError


def raise_missing(error: Exception, key: str) -> None:
    """Raise what says so for every storage, if an error says that there is no such object."""
    if is_missing(error, key) and not isinstance(error, FileNotFoundError):
        raise FileNotFoundError(key) from error
