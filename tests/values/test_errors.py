"""One tree of errors, each also the built-in that people catch."""

import pickle

import pytest

from holdfast import errors
from holdfast.errors import HoldfastError, StorageError

BUILT_IN = {
    "ConfigurationError": ValueError,
    "UnknownStorageError": KeyError,
    "MissingExtraError": ImportError,
    "InvalidKeyError": ValueError,
    "SourceTypeError": TypeError,
    "SpentSourceError": ValueError,
    "FileStateError": ValueError,
    "PendingFileError": ValueError,
    "InvalidValueError": ValueError,
    "ColumnValueError": TypeError,
    "StorageError": OSError,
    "NotFoundError": FileNotFoundError,
    "AlreadyExistsError": FileExistsError,
    "AccessDeniedError": PermissionError,
    "AuthenticationError": PermissionError,
    "BucketNotFoundError": FileNotFoundError,
    "PreconditionFailedError": OSError,
    "ThrottledError": OSError,
    "UnavailableError": ConnectionError,
    "UnsupportedError": NotImplementedError,
    "StorageTimeoutError": TimeoutError,
    "ChecksumMismatchError": ValueError,
    "ForkError": RuntimeError,
    "SweepRefusedError": ValueError,
    "FileRejectedError": ValueError,
    "InvalidFormError": ValueError,
    "MissingFieldError": KeyError,
    "DescribedFileError": ValueError,
    "InvalidTokenError": PermissionError,
}


def test_every_error_is_in_the_tree() -> None:
    """No class of the module is missing above, and all derive from one."""
    found = {
        name for name, kind in vars(errors).items() if isinstance(kind, type) and kind.__module__ == errors.__name__
    }
    assert found == {*BUILT_IN, "HoldfastError"}


@pytest.mark.parametrize("name", BUILT_IN)
def test_an_error_is_what_people_catch(name: str) -> None:
    """Its text is the message as it was given, whatever KeyError and OSError do to theirs."""
    kind = getattr(errors, name)
    error = kind("what happened, and 'what' to do")
    assert isinstance(error, HoldfastError)
    assert isinstance(error, BUILT_IN[name])
    assert str(error) == "what happened, and 'what' to do"
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.args) == (kind, str(error), error.args)


def test_a_storage_error_says_where() -> None:
    """Operation, storage and path are attributes, and survive a pickle."""
    error = StorageError("text", operation="put", storage="docs", path="a.txt")
    again = pickle.loads(pickle.dumps(error))
    for each in (error, again):
        assert (each.operation, each.storage, each.path) == ("put", "docs", "a.txt")
    assert (StorageError("text").operation, StorageError("text").path) == (None, None)
