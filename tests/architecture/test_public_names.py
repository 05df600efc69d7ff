"""The names that users import are pinned: a change here is a change for them."""

import inspect

import holdfast
from holdfast import errors

NAMES = (
    "FileObject",
    "Outbox",
    "StorageBackend",
    "StoredObject",
    "storages",
)

ERRORS = (
    "AccessDeniedError",
    "AlreadyExistsError",
    "AuthenticationError",
    "BucketNotFoundError",
    "ChecksumMismatchError",
    "ColumnValueError",
    "ConfigurationError",
    "DescribedFileError",
    "FileRejectedError",
    "FileStateError",
    "ForkError",
    "HoldfastError",
    "InvalidFormError",
    "InvalidKeyError",
    "InvalidTokenError",
    "InvalidValueError",
    "MissingExtraError",
    "MissingFieldError",
    "NotFoundError",
    "PendingFileError",
    "PreconditionFailedError",
    "SourceTypeError",
    "SpentSourceError",
    "StorageError",
    "StorageTimeoutError",
    "SweepRefusedError",
    "ThrottledError",
    "UnavailableError",
    "UnknownStorageError",
    "UnsupportedError",
)


def test_public_names() -> None:
    """`holdfast` exports these names and no others."""
    assert sorted(holdfast.__all__) == sorted(NAMES)
    assert all(hasattr(holdfast, name) for name in NAMES)


def test_error_names() -> None:
    """`holdfast.errors` defines these classes and no others."""
    found = inspect.getmembers(errors, inspect.isclass)
    assert sorted(name for name, kind in found if kind.__module__ == errors.__name__) == sorted(ERRORS)
