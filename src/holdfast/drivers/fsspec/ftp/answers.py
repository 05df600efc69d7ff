"""What the answers of FTP servers mean (RFC 959 §4.2): a code, and a text that no two servers have in common."""

from __future__ import annotations

import errno
import ftplib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from holdfast import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.errors import StorageError

_KINDS: dict[str, type[StorageError]] = {
    "331": errors.AuthenticationError,
    "332": errors.AuthenticationError,
    "430": errors.AuthenticationError,
    "530": errors.AuthenticationError,
    "421": errors.UnavailableError,
    "425": errors.UnavailableError,
    "426": errors.UnavailableError,
    "500": errors.UnsupportedError,
    "502": errors.UnsupportedError,
    "504": errors.UnsupportedError,
}
_WORDS = (
    ("denied", PermissionError, errno.EACCES),
    ("not allowed", PermissionError, errno.EACCES),
    ("not permitted", PermissionError, errno.EPERM),
    ("privileges", PermissionError, errno.EACCES),
    ("read-only", PermissionError, errno.EROFS),
    ("no such", FileNotFoundError, errno.ENOENT),
    ("not found", FileNotFoundError, errno.ENOENT),
    ("not exist", FileNotFoundError, errno.ENOENT),
    ("not a directory", NotADirectoryError, errno.ENOTDIR),
    ("is a directory", IsADirectoryError, errno.EISDIR),
    ("exists", FileExistsError, errno.EEXIST),
)


def kind_of(error: ftplib.Error) -> type[StorageError] | None:
    """Return what the code of an answer says."""
    text = str(error)
    if "too many" in text.lower():
        return errors.ThrottledError
    return _KINDS.get(text[:3])


def meant(error: ftplib.Error) -> Exception:
    """Return the built-in error that an answer stands for, or the error itself."""
    text = str(error)
    if kind_of(error) is None and isinstance(error, ftplib.error_perm):
        for words, kind, number in _WORDS:
            if words in text.lower():
                return kind(number, text)
    return error


@contextmanager
def translated() -> Iterator[None]:
    """Raise `meant` for what is raised inside the block."""
    try:
        yield
    except ftplib.Error as error:
        raise meant(error) from None
