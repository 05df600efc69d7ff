"""What Google's answers, and the exceptions of the libraries below gcsfs, mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast import errors
from holdfast.drivers.fsspec.filesystem import by_name
from holdfast.drivers.fsspec.gcsfs.requests import GCSError

if TYPE_CHECKING:
    from holdfast.errors import StorageError

_STATUSES: dict[int, type[StorageError]] = {
    401: errors.AuthenticationError,
    403: errors.AccessDeniedError,
    404: errors.NotFoundError,
    408: errors.StorageTimeoutError,
    412: errors.PreconditionFailedError,
    429: errors.ThrottledError,
    503: errors.ThrottledError,
}
_THROTTLED = {"rateLimitExceeded", "userRateLimitExceeded"}
_OUT_OF_ORDER = 500
_LIBRARIES: dict[str, type[StorageError]] = {
    "google.auth.exceptions.TransportError": errors.UnavailableError,
    "google.auth.exceptions.GoogleAuthError": errors.AuthenticationError,
    "gcsfs.retry.NonRetryableError": errors.AuthenticationError,  # credentials that cannot be refreshed
}


def meaning(error: BaseException) -> type[StorageError] | None:
    """Return the class that an exception stands for; None if it is not one of Google's."""
    if isinstance(error, GCSError):
        return _of_status(error.status, error.reason, error.text)
    if isinstance(code := getattr(error, "code", None), (int, str)) and type(error).__name__ == "HttpError":
        return _of_status(int(code), "", str(error))  # gcsfs raises it when a token cannot be fetched
    return by_name(error, _LIBRARIES)


def _of_status(status: int, reason: str, text: str) -> type[StorageError]:
    if reason in _THROTTLED:
        return errors.ThrottledError
    if status == 404 and "bucket does not exist" in text:  # noqa: PLR2004
        return errors.BucketNotFoundError
    return _STATUSES.get(status, errors.UnavailableError if status >= _OUT_OF_ORDER else errors.StorageError)
