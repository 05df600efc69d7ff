"""Every error that Holdfast raises, in one tree.

Each also derives from the built-in that people already catch, so ``except FileNotFoundError`` works on every
storage. A storage error names the operation, the storage and the key; none carries a credential.
"""

from __future__ import annotations

from typing import Any


class HoldfastError(Exception):
    """Base of all errors of this library."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        # KeyError would quote the text and OSError would rebuild it from an errno.
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__)


def _restore(kind: type[HoldfastError], args: tuple[Any, ...], fields: dict[str, Any]) -> HoldfastError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(fields)
    return error


class ConfigurationError(HoldfastError, ValueError):
    """A storage, a column or an option was declared in a way that cannot work."""


class UnknownStorageError(ConfigurationError, KeyError):
    """No storage is registered under that key."""


class SweepRefusedError(ConfigurationError):
    """A sweep, or another command, would delete files of somebody that it does not see; nothing was deleted."""


class MissingExtraError(ConfigurationError, ImportError):
    """An optional package is needed; the message holds the ``pip install`` command."""


class InvalidKeyError(HoldfastError, ValueError):
    """A name cannot be a key: it climbs, is empty, too long, or holds control characters."""


class SourceTypeError(HoldfastError, TypeError):
    """The content handed over is of a type that has no bytes to store."""


class SpentSourceError(HoldfastError, ValueError):
    """The content was read before and cannot be read again; nothing was stored."""


class FileStateError(HoldfastError, ValueError):
    """The file is not in a state that allows the operation (still pending, only described, malformed)."""


class DescribedFileError(FileStateError):
    """The file is only described, as by a client's JSON: it names no object in a storage."""


class PendingFileError(FileStateError):
    """A file that was never uploaded was about to be written to a row."""


class InvalidValueError(FileStateError):
    """The JSON value of a row is not a file."""


class ColumnValueError(HoldfastError, TypeError):
    """A value of the wrong type was given to a file column."""


class FileRejectedError(HoldfastError, ValueError):
    """A file breaks a rule of its column; nothing of it was kept.

    Attributes:
        code: Which rule: ``"too_large"``, ``"wrong_size"``, ``"wrong_checksum"``, ``"type_not_accepted"``,
            ``"type_mismatch"`` or ``"invalid"`` (a validator's own).
        field: Name of the attribute that the file was for, None without one.
        filename: What a person called the file.
        limit: What the rule allows: bytes, media types.
        found: What the file is or has.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "invalid",
        field: str | None = None,
        filename: str | None = None,
        limit: Any = None,
        found: Any = None,
    ) -> None:
        super().__init__(message)
        self.code, self.field, self.filename, self.limit, self.found = code, field, filename, limit, found

    def to_dict(self) -> dict[str, Any]:
        """Return what a form or an API answers with."""
        names = ("code", "field", "filename", "limit", "found")
        return {"message": self.message, **{name: getattr(self, name) for name in names}}


class InvalidFormError(HoldfastError, ValueError):
    """The body of a request is not the form that was expected; nothing of it was kept.

    Attributes:
        code: ``"malformed"``, ``"too_large"`` (too many fields or files, too long a field or header) or
            ``"not_a_form"``.
    """

    def __init__(self, message: str, *, code: str = "malformed") -> None:
        super().__init__(message)
        self.code = code

    def to_dict(self) -> dict[str, Any]:
        """Return what an API answers with."""
        return {"message": self.message, "code": self.code}


class MissingFieldError(InvalidFormError, KeyError):
    """A form lacks a field, or a file, that was asked for."""


class InvalidTokenError(HoldfastError, PermissionError):
    """A signed URL or an upload ticket is forged, expired, for something else, or was used before."""


class StorageError(HoldfastError, OSError):
    """An operation on a storage failed.

    Attributes:
        operation: What was tried, such as ``"put"``.
        storage: Key of the storage.
        path: Key of the object, or None where the operation has none.
    """

    operation: str | None = None
    storage: str | None = None
    path: str | None = None

    def __init__(
        self, message: str, *, operation: str | None = None, storage: str | None = None, path: str | None = None
    ) -> None:
        super().__init__(message)
        self.operation, self.storage, self.path = operation, storage, path


class NotFoundError(StorageError, FileNotFoundError):
    """The object, or the bucket or folder that should hold it, does not exist."""


class BucketNotFoundError(NotFoundError):
    """The bucket or container does not exist."""


class AlreadyExistsError(StorageError, FileExistsError):
    """The key is taken, and what lies there was left as it is."""


class AccessDeniedError(StorageError, PermissionError):
    """The storage refused the credentials, or they do not allow the operation."""


class AuthenticationError(AccessDeniedError):
    """The storage does not accept the credentials: unknown, wrong, expired, or there are none."""


class PreconditionFailedError(StorageError):
    """The object is not in the state that the operation was bound to; nothing was changed."""


class ThrottledError(StorageError):
    """The storage asks for fewer requests, and went on asking after the retries."""


class UnavailableError(StorageError, ConnectionError):
    """The storage cannot be reached, or is out of order for the moment."""


class UnsupportedError(StorageError, NotImplementedError):
    """This storage cannot do that."""


class StorageTimeoutError(StorageError, TimeoutError):
    """The storage did not answer in time; whether the operation took effect is not known."""


class ChecksumMismatchError(StorageError, ValueError):
    """The stored bytes are not the ones that were written."""


class ForkError(StorageError, RuntimeError):
    """The storage's runtime did not survive a fork; use the spawn or forkserver start method."""
