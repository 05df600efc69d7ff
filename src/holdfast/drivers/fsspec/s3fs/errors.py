"""What the exceptions of s3fs and of botocore below it mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast import errors
from holdfast.drivers.fsspec.filesystem import by_name

if TYPE_CHECKING:
    from holdfast.errors import StorageError

TAKEN = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict"})
"""Codes that say, of a put that must not replace, that there is something to replace."""

UNKNOWN = frozenset({"NotImplemented", "MethodNotAllowed", "501", "405"})
"""Codes of servers that do not know what they are asked for."""

# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_CODES: dict[str, type[StorageError]] = {
    **dict.fromkeys(
        (
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "ExpiredToken",
            "InvalidToken",
            "TokenRefreshRequired",
            "RequestTimeTooSkewed",
            "MissingSecurityHeader",
            "NotSignedUp",
            "401",
        ),
        errors.AuthenticationError,
    ),
    **dict.fromkeys(("AccessDenied", "AllAccessDisabled", "403"), errors.AccessDeniedError),
    "NoSuchBucket": errors.BucketNotFoundError,
    **dict.fromkeys(TAKEN, errors.PreconditionFailedError),
    **dict.fromkeys(
        (
            "SlowDown",
            "ServiceUnavailable",
            "Throttling",
            "ThrottlingException",
            "RequestLimitExceeded",
            "TooManyRequests",
            "429",
            "503",
        ),
        errors.ThrottledError,
    ),
    **dict.fromkeys(("InternalError", "500", "502", "504"), errors.UnavailableError),
    "RequestTimeout": errors.StorageTimeoutError,
    "MetadataTooLarge": errors.UnsupportedError,
}
_LIBRARIES: dict[str, type[StorageError]] = {
    "botocore.exceptions.NoCredentialsError": errors.AuthenticationError,
    "botocore.exceptions.PartialCredentialsError": errors.AuthenticationError,
    "botocore.exceptions.CredentialRetrievalError": errors.AuthenticationError,
    "botocore.exceptions.NoAuthTokenError": errors.AuthenticationError,
    "botocore.exceptions.SSOError": errors.AuthenticationError,
    "botocore.exceptions.ConnectTimeoutError": errors.StorageTimeoutError,
    "botocore.exceptions.ReadTimeoutError": errors.StorageTimeoutError,
    "botocore.exceptions.ConnectionError": errors.UnavailableError,
    "botocore.exceptions.HTTPClientError": errors.UnavailableError,
}


def meaning(error: BaseException) -> type[StorageError] | None:
    """Return the class that an exception stands for; None if it is not one of S3's."""
    found = code(error)
    return (_CODES.get(found) if found else None) or by_name(error, _LIBRARIES)


def code(error: BaseException | None) -> str | None:
    """Return S3's own code of an error; s3fs keeps it in the cause."""
    for candidate in (error, error.__cause__ if error else None):
        response: Any = getattr(candidate, "response", None)
        if isinstance(response, dict):
            told: str | None = response.get("Error", {}).get("Code")
            return told
    return None
