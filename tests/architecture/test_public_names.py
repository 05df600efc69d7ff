"""The names that users import are pinned: a change here is a change for them."""

import inspect
import subprocess
import sys

import pytest

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


LATE = """
import holdfast
assert {"Outbox", "StorageBackend"} <= set(dir(holdfast)) - set(vars(holdfast))
from holdfast import *
assert vars(holdfast)["Outbox"] is Outbox and vars(holdfast)["StorageBackend"] is StorageBackend
"""


def test_public_names() -> None:
    """`holdfast` exports these names and no others."""
    assert sorted(holdfast.__all__) == sorted(NAMES)
    assert all(hasattr(holdfast, name) for name in NAMES)


def test_late_names() -> None:
    """Names whose modules are loaded by their first use are listed before, and are kept after it."""
    answer = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr


def test_a_name_that_there_is_not() -> None:
    """A wrong name is an AttributeError like any other module's."""
    with pytest.raises(AttributeError, match="module 'holdfast' has no attribute 'Nothing'"):
        holdfast.Nothing  # noqa: B018


def test_error_names() -> None:
    """`holdfast.errors` defines these classes and no others."""
    found = inspect.getmembers(errors, inspect.isclass)
    assert sorted(name for name, kind in found if kind.__module__ == errors.__name__) == sorted(ERRORS)
