"""SFTP, through paramiko's file system of fsspec or sshfs's: their connection, but the protocol's own operations.

Both write under the final name and leave half a file when they are cut off; sshfs reads whole files where a range was
asked for, and paramiko's is not safe for threads. The protocol has what is needed: a rename that refuses to replace
(draft-ietf-secsh-filexfer-02 §6.5), OpenSSH's rename that replaces in one step, and its fsync.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from holdfast import errors
from holdfast.drivers.abilities import FILES
from holdfast.drivers.fsspec.folders import FILE, Entry, FolderDriver
from holdfast.drivers.fsspec.reopening import Reopening
from holdfast.drivers.protocol import MIB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from holdfast.errors import StorageError

T = TypeVar("T")

_REFUSED = {"AuthenticationException", "PasswordRequiredException", "PermissionDenied"}
_NO_CREDENTIALS = "No authentication methods available"


class RemoteFile(Protocol):
    """An open file on the server."""

    def size(self) -> int:
        """Return how many bytes it has."""

    def read(self, start: int, size: int) -> bytes:
        """Return bytes from a place on, with many requests under way at once."""

    def write(self, block: memoryview) -> None:
        """Append a block, likewise."""

    def sync(self) -> None:
        """Have the server write it to its disk, where the server can be told."""

    def close(self) -> None:
        """Close it; it may be closed already, or its connection lost."""


class Session(Protocol):
    """A connection, with the errors of its library turned into built-in ones."""

    def entry(self, path: str) -> Entry:
        """Describe what lies under a path, without following a link."""

    def scan(self, path: str) -> list[Entry]:
        """Describe what lies in a folder."""

    def open(self, path: str, *, new: bool) -> RemoteFile:
        """Open a file for reading, or make a new one."""

    def rename(self, old: str, new: str, *, replace: bool) -> None:
        """Rename in one step. NotImplementedError if the server cannot replace in one step."""

    def remove(self, path: str) -> None:
        """Remove a file."""

    def make_folder(self, path: str) -> None:
        """Make one folder."""


class SFTPDriver(Reopening, FolderDriver):
    """Files below a folder of an SFTP server.

    Args:
        fs: The file system, or what makes one.
        root: Path of the folder; relative to the login's home without a slash before it.
        session: Makes a session of a file system.
    """

    abilities = FILES._replace(etag=False)

    def __init__(self, fs: Any, root: str, session: Callable[[Any], Session]) -> None:
        super().__init__(fs, root)
        self._open_session = session
        self._session: tuple[Any, Session] | None = None

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Read a file, or a part of it."""
        path = self._path(key)
        if self._again(lambda session: session.entry(path)).kind != FILE:
            raise FileNotFoundError(path)
        file = self._again(lambda session: session.open(path, new=False))
        try:
            size = file.size()
            end = size if end is None else min(end, size)
            step = max(1, end - start) if chunk_size is None else chunk_size
            for position in range(start, end, step):
                yield _read(file, position, min(position + step, end))
        finally:
            file.close()

    def classify(self, error: BaseException) -> type[StorageError] | None:
        """Tell a refused login, which sshfs shows like any other refusal, from missing permission."""
        cause = error.__cause__ if isinstance(error, PermissionError) else None
        names = {kind.__name__ for found in (error, cause) for kind in type(found).__mro__}
        if names & _REFUSED or str(error) == _NO_CREDENTIALS:
            return errors.AuthenticationError
        return super().classify(error)

    # --- what the folders need

    def _entry(self, path: str) -> Entry:
        return self._again(lambda session: session.entry(path or "."))

    def _scan(self, path: str) -> list[Entry]:
        return self._again(lambda session: session.scan(path or "."))

    def _write(self, path: str, blocks: Iterator[memoryview], size: int | None) -> None:
        del size
        file = self._again(lambda session: session.open(path, new=True))
        try:
            for block in blocks:
                file.write(block)
            file.sync()
        finally:
            file.close()

    def _publish(self, temporary: str, path: str, *, if_absent: bool) -> None:
        if if_absent:  # the rename refuses as well, but for servers that do not keep to the protocol
            self._refuse(path, taken=True)
        with self._explained(path):
            # Not tried again: had it taken effect before the connection was lost, it would fail now.
            session = self._current()
            try:
                session.rename(temporary, path, replace=not if_absent)
            except NotImplementedError:  # an old server: for a moment there is no file, and never half a one
                session.entry(temporary)
                if self._file_there(path):
                    session.remove(path)
                session.rename(temporary, path, replace=False)

    @contextmanager
    def _explained(self, path: str) -> Iterator[None]:
        """SFTP has one code for all failures of a rename: look what is in the way."""
        try:
            yield
        except (FileNotFoundError, PermissionError, ConnectionError):
            raise
        except OSError as error:
            self._refuse(path, taken=True)
            raise error from None

    def _file_there(self, path: str) -> bool:
        try:
            return self._entry(path).kind == FILE
        except FileNotFoundError:
            return False

    def _remove(self, path: str) -> None:
        self._again(lambda session: session.remove(path))

    def _make_folder(self, path: str) -> None:
        try:
            self._again(lambda session: session.make_folder(path))
        except FileNotFoundError:
            raise
        except OSError:  # there is one already, among other reasons
            if self._entry(path).kind == FILE:
                raise

    # --- the connection

    def _current(self) -> Session:
        fs = self.native
        known = self._session
        if known is None or known[0] is not fs:
            known = self._session = (fs, self._open_session(fs))
        return known[1]

    def _again(self, call: Callable[[Session], T]) -> T:
        """Run what does no harm when it is run twice; once more if the connection was lost meanwhile."""
        fs = self.native
        try:
            return call(self._current())
        except ConnectionError:
            self._reopen(fs)
            return call(self._current())


def _read(file: RemoteFile, start: int, end: int) -> bytes:
    pieces = []
    while start < end:
        piece = file.read(start, min(MIB, end - start))
        if not piece:
            break  # somebody has cut the file short
        start += len(piece)
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def driver(fs: Any, root: str) -> SFTPDriver:
    """Return the driver for a file system of paramiko's or sshfs's, or for what makes one."""
    kind = fs if isinstance(fs, type) else getattr(fs, "func", type(fs))
    if any(base.__module__.startswith("sshfs") for base in kind.__mro__):
        from holdfast.drivers.fsspec.sftp.asyncssh import AsyncsshSession  # noqa: PLC0415  # optional

        return SFTPDriver(fs, root, AsyncsshSession)
    from holdfast.drivers.fsspec.sftp.paramiko import ParamikoSession  # noqa: PLC0415  # optional

    return SFTPDriver(fs, root, ParamikoSession)
