"""What errors of obstore mean. It has few classes, so most of it must be read from the text."""

from __future__ import annotations

import re
from typing import NamedTuple

from obstore import exceptions

from holdfast import errors

_CODES: dict[str, type[errors.StorageError]] = {
    **dict.fromkeys(
        [
            "AuthenticationFailed",  # Azure
            "AuthorizationHeaderMalformed",
            "ExpiredToken",
            "InvalidAccessKeyId",
            "InvalidAuthenticationInfo",  # Azure
            "InvalidSecurity",
            "InvalidToken",
            "NoAuthenticationInformation",  # Azure
            "RequestTimeTooSkewed",
            "SignatureDoesNotMatch",
            "TokenRefreshRequired",
        ],
        errors.AuthenticationError,
    ),
    **dict.fromkeys(["NoSuchBucket", "ContainerNotFound"], errors.BucketNotFoundError),
    **dict.fromkeys(
        ["SlowDown", "TooManyRequests", "RequestLimitExceeded", "Throttling", "ThrottlingException", "ServerBusy"],
        errors.ThrottledError,
    ),
    **dict.fromkeys(["OperationAborted", "ContainerBeingDeleted", "RequestTimeout"], errors.UnavailableError),
    # An object in an archive, which obstore takes for one that is in the way.
    **dict.fromkeys(["BlobArchived", "InvalidObjectState"], errors.StorageError),
    "BlobImmutableDueToPolicy": errors.AccessDeniedError,
    "MetadataTooLarge": errors.UnsupportedError,
}
_STATUSES: dict[int, type[errors.StorageError]] = {
    401: errors.AuthenticationError,
    403: errors.AccessDeniedError,
    404: errors.NotFoundError,
    405: errors.UnsupportedError,
    412: errors.PreconditionFailedError,
    429: errors.ThrottledError,
    503: errors.ThrottledError,
}
_CLASSES: tuple[tuple[type[BaseException], type[errors.StorageError]], ...] = (
    (FileNotFoundError, errors.NotFoundError),
    (FileExistsError, errors.AlreadyExistsError),
    (exceptions.AlreadyExistsError, errors.AlreadyExistsError),
    (exceptions.PreconditionError, errors.PreconditionFailedError),
    (exceptions.PermissionDeniedError, errors.AccessDeniedError),
    (exceptions.UnauthenticatedError, errors.AuthenticationError),
    (PermissionError, errors.AccessDeniedError),
    (exceptions.NotSupportedError, errors.UnsupportedError),
    (NotImplementedError, errors.UnsupportedError),
    (TimeoutError, errors.StorageTimeoutError),
    (ConnectionError, errors.UnavailableError),
)
_ANSWER = re.compile(
    r"Error performing [A-Z]+ \S+ in .*?- Server returned non-2xx status code: (?P<status>\d{3})\b"
    r"(?P<body>.*)",
    re.DOTALL,
)
_CODE = re.compile(r"<Code>\s*(\w+)\s*</Code>")
_SAYINGS: tuple[tuple[re.Pattern[str], type[errors.StorageError]], ...] = (
    # Before all others: asking the machine for credentials may fail in any way.
    (
        re.compile(
            r"\AGeneric \w+ error: (?:Error performing (?:token request: |[A-Z]+ https?://[^/\s]+/(?:latest/(?:api/token|"
            r"meta-data)|computeMetadata/))|Error reading federated token file|'az account get-access-token' command)"
        ),
        errors.AuthenticationError,
    ),
    (
        re.compile(r"Bulk delete request failed for key: The specified container does not exist"),
        errors.BucketNotFoundError,
    ),
    (re.compile(r"Bulk delete request failed for key: .*\(code: 403\)"), errors.AccessDeniedError),
)
"""What obstore says."""

_DETAILS: tuple[tuple[re.Pattern[str], type[errors.StorageError]], ...] = (
    (re.compile(r"HttpError \{\s*kind: Timeout\b|\bsource: TimedOut,"), errors.StorageTimeoutError),
    (re.compile(r"Os \{\s*code: \d+,\s*kind: NotADirectory\b"), errors.NotFoundError),
)
"""What its fields hold."""

_BROKEN = re.compile(r"- HTTP error: |error decoding response body")
_BROKEN_DETAIL = re.compile(r"HttpError \{|source: reqwest::Error")
_NO_BODY = re.compile(r"Error performing HEAD .* status code: 40[013]\b")  # Azure and S3 also say 400
_NO_FILE = re.compile(r"\AGeneric LocalFileSystem error: Unable to delete file ")
_NO_FILE_DETAIL = re.compile(r"\bkind: (?:NotADirectory|IsADirectory)\b")
_WHOLE = re.compile(
    r"\AGeneric \w+ error: Received non-partial response|\AOperation not supported: Range request not supported"
)
_PAST_THE_END = re.compile(r"\b416\b|range", re.IGNORECASE)
_KEY = re.compile(r'\bpath: ("(?:[^"\\]|\\.)*")')
_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"')
_REPEATED = re.compile(r"\bretries: [1-9]")
_SERVER_ERROR = 500
_UNKNOWN = "Server failed to authenticate the request"  # Azure; its emulator has another code with it


class _Text(NamedTuple):
    """The text of an error without the object's key, which may read like any of its words."""

    said: str
    details: str

    @classmethod
    def of(cls, error: BaseException) -> _Text:
        said, _, debug = str(error).partition("\n\nDebug source:")
        if literal := _KEY.search(debug):
            key = re.escape(re.sub(r"\\(.)", r"\1", literal[1][1:-1]))
            said = re.sub(rf"\b(location:?|path|key) {key}(?=[: ]|\Z)", r"\1", said, flags=re.IGNORECASE)
        return cls(said, _LITERAL.sub("", debug))


def classify(error: BaseException) -> type[errors.StorageError] | None:
    """Return the class that an exception of obstore stands for."""
    if isinstance(error, NotImplementedError):
        return errors.UnsupportedError
    if not isinstance(error, (exceptions.BaseError, OSError)):
        return None
    text = _Text.of(error)
    return _by_text(text) or _by_class(error) or _by_status(text)


def _by_text(text: _Text) -> type[errors.StorageError] | None:
    found = [meaning for pattern, meaning in _SAYINGS if pattern.search(text.said)]
    found += [meaning for pattern, meaning in _DETAILS if pattern.search(text.details)]
    if not found and (answer := _ANSWER.search(text.said)):
        found = [_CODES[code] for code in _CODE.findall(answer["body"]) if code in _CODES]
        if _UNKNOWN in answer["body"]:
            found.insert(0, errors.AuthenticationError)
    return found[0] if found else None


def _by_class(error: BaseException) -> type[errors.StorageError] | None:
    return next((meaning for kind, meaning in _CLASSES if isinstance(error, kind)), None)


def _by_status(text: _Text) -> type[errors.StorageError]:
    if answer := _ANSWER.search(text.said):
        status = int(answer["status"])
        return _STATUSES.get(status, errors.UnavailableError if status >= _SERVER_ERROR else errors.StorageError)
    broken = _BROKEN.search(text.said) or _BROKEN_DETAIL.search(text.details)
    return errors.UnavailableError if broken else errors.StorageError


def was_repeated(error: BaseException) -> bool:
    """Return whether obstore had sent the request before."""
    return _REPEATED.search(_Text.of(error).details) is not None


def ignores_ranges(error: BaseException) -> bool:
    """Return whether a ranged read failed because the server sent the whole object."""
    return _WHOLE.search(str(error)) is not None


def may_be_past_the_end(error: BaseException) -> bool:
    """Return whether a ranged read may have failed because the object is shorter."""
    return _PAST_THE_END.search(str(error)) is not None


def is_nothing_there(error: BaseException) -> bool:
    """Return whether a delete failed because there is no such object, be it for a folder on a disk."""
    if isinstance(error, FileNotFoundError):
        return classify(error) is not errors.BucketNotFoundError
    text = _Text.of(error)
    return _NO_FILE.search(text.said) is not None and _NO_FILE_DETAIL.search(text.details) is not None


def was_denied_without_reason(error: BaseException) -> bool:
    """Return whether an answer to HEAD, which has no body to say more, denied access."""
    return _NO_BODY.search(_Text.of(error).said) is not None
