"""What the exceptions of Azure's library mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azure.core import exceptions

from holdfast import errors

if TYPE_CHECKING:
    from holdfast.errors import StorageError

# https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes
_CODES: dict[str, type[StorageError]] = {
    **dict.fromkeys(
        ("AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation"),
        errors.AuthenticationError,
    ),
    **dict.fromkeys(("ContainerNotFound", "ContainerBeingDeleted", "ContainerDisabled"), errors.BucketNotFoundError),
    "BlobAlreadyExists": errors.AlreadyExistsError,
    "PublicAccessNotPermitted": errors.AccessDeniedError,
    "ServerBusy": errors.ThrottledError,
    "OperationTimedOut": errors.StorageTimeoutError,
    "MetadataTooLarge": errors.UnsupportedError,
}
_STATUSES: dict[int, type[StorageError]] = {
    401: errors.AuthenticationError,
    403: errors.AccessDeniedError,
    404: errors.NotFoundError,
    412: errors.PreconditionFailedError,
    429: errors.ThrottledError,
    503: errors.ThrottledError,
}
_OUT_OF_ORDER = 500


def meaning(error: BaseException) -> type[StorageError] | None:
    """Return the class that an exception stands for; None if it is not one of Azure's."""
    if isinstance(error, exceptions.HttpResponseError):
        return _answer(error)
    if isinstance(error, (exceptions.ServiceRequestTimeoutError, exceptions.ServiceResponseTimeoutError)):
        return errors.StorageTimeoutError
    if isinstance(error, (exceptions.ServiceRequestError, exceptions.ServiceResponseError)):
        return errors.UnavailableError
    return None


def _answer(error: exceptions.HttpResponseError) -> type[StorageError]:
    code = getattr(error, "error_code", None)
    code = str(getattr(code, "value", code) or "")
    status = error.status_code or 0
    if code in _CODES:
        return _CODES[code]
    # Azurite calls it AuthorizationFailure, which at Azure is a firewall's word.
    if status == 403 and "failed to authenticate" in str(error):  # noqa: PLR2004
        return errors.AuthenticationError
    if status in _STATUSES:
        return _STATUSES[status]
    if isinstance(error, exceptions.ClientAuthenticationError):  # there are no credentials, or they cannot sign
        return errors.AuthenticationError
    return errors.UnavailableError if status >= _OUT_OF_ORDER else errors.StorageError
