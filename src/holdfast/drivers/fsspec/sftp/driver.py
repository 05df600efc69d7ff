"""SFTP, through paramiko's file system of fsspec or sshfs's: their connection, but the protocol's own operations.

Both write under the final name and leave half a file when they are cut off; sshfs reads whole files where a range was
asked for, and paramiko's is not safe for threads. The protocol has what is needed: a rename that refuses to replace
(draft-ietf-secsh-filexfer-02 §6.5), OpenSSH's rename that replaces in one step, and its fsync.
"""

from __future__ import annotations

import errno
import logging
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from holdfast import errors
from holdfast.drivers.abilities import FILES
from holdfast.drivers.fsspec.folders import CUT_SHORT, FILE, FOLDER, REPLACED, Entry, FolderDriver
from holdfast.drivers.fsspec.reopening import Reopening
from holdfast.drivers.fsspec.sftp.classes import checks_host_key
from holdfast.drivers.protocol import MIB
from holdfast.keys import new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from holdfast.errors import StorageError

T = TypeVar("T")

_REFUSED = {"AuthenticationException", "PasswordRequiredException", "PermissionDenied"}
_NO_CREDENTIALS = "No authentication methods available"
_NO_ANSWER = "No existing session"  # paramiko's word for a server that is silent until the time is up

_REMEMBERED = 10_000  # folders
_UNCHECKED = "nobody checks the host key of this SFTP server, so another one can take its place: give known_hosts=…"

logger = logging.getLogger("holdfast")


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
        self._folders: set[str] = set()
        self._warned = False

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Read a file, or a part of it."""
        path = self._path(key)
        self._file(path)
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
        if "SSHException" in names and (str(error) == _NO_ANSWER or isinstance(error.__context__, TimeoutError)):
            return errors.StorageTimeoutError
        return super().classify(error)

    # --- what the folders need

    def _entry(self, path: str) -> Entry:
        self._check_folders(path)
        return self._again(lambda session: session.entry(path or "."))

    def _scan(self, path: str) -> list[Entry]:
        self._check_folders(f"{path}/")
        found = self._again(lambda session: session.scan(path or "."))
        self._remember(f"{path}/{entry.name}" if path else entry.name for entry in found if entry.kind == FOLDER)
        return found

    def _write(self, path: str, blocks: Iterator[memoryview], size: int | None) -> None:
        del size
        self._check_folders(path)
        file = self._again(lambda session: session.open(path, new=True))
        try:
            for block in blocks:
                file.write(block)
            file.sync()
        finally:
            file.close()

    def _publish(self, temporary: str, path: str, *, if_absent: bool) -> None:
        self._check_folders(path)
        if if_absent:  # the rename refuses as well, but for servers that do not keep to the protocol
            self._refuse(path, taken=True)
        with self._explained(path, if_absent=if_absent):
            # Not tried again: had it taken effect before the connection was lost, it would fail now.
            session = self._current()
            try:
                session.rename(temporary, path, replace=not if_absent)
            except NotImplementedError:
                self._exchange(session, temporary, path)

    def _exchange(self, session: Session, temporary: str, path: str) -> None:
        """Replace in two steps: for a moment there is no file under the name, and never half a one.

        The old file is out of the way until the new one is in its place, and comes back if that fails.
        """
        session.entry(temporary)
        aside = f"{temporary.rpartition('/')[0]}/{REPLACED}{new_id()}"
        if not self._file_there(path):
            session.rename(temporary, path, replace=False)
            return
        session.rename(path, aside, replace=False)
        try:
            session.rename(temporary, path, replace=False)
        except BaseException as error:
            self._put_back(aside, path, error)
            raise
        with suppress(OSError):
            self._remove(aside)

    def _put_back(self, aside: str, path: str, failure: BaseException) -> None:
        try:
            if self._file_there(path):  # the rename did take effect, or somebody else's has
                self._remove(aside)
            else:
                self._again(lambda session: session.rename(aside, path, replace=False))
        except (OSError, NotImplementedError) as error:
            kind = ConnectionError if isinstance(failure, ConnectionError) else OSError
            message = f"{failure}; the file that was to be replaced could not be put back ({error}) and is now {aside}"
            raise kind(message) from failure

    @contextmanager
    def _explained(self, path: str, *, if_absent: bool) -> Iterator[None]:
        """SFTP has one code for all failures of a rename: look what is in the way."""
        try:
            yield
        except (FileNotFoundError, PermissionError, ConnectionError):
            raise
        except OSError as error:
            self._refuse(path, taken=if_absent)
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

    # --- links

    def _check_folders(self, path: str) -> None:
        """Refuse what lies behind a link below the root: it may lead anywhere, and servers follow it.

        A folder is asked about once.
        """
        folder = path.rpartition("/")[0]
        if len(folder) <= len(self._root) or folder in self._folders:
            return
        self._check_folders(folder)
        if self._again(lambda session: session.entry(folder)).kind != FOLDER:
            raise NotADirectoryError(errno.ENOTDIR, "not a folder, or a link to one, which is not followed", folder)
        self._remember([folder])

    def _remember(self, folders: Iterable[str]) -> None:
        self._folders.update(folders)
        if len(self._folders) > _REMEMBERED:
            self._folders = set()

    # --- the connection

    def _current(self) -> Session:
        fs = self.native
        known = self._session
        if known is None or known[0] is not fs:
            if not (self._warned or checks_host_key(fs)):
                self._warned = True
                logger.warning(_UNCHECKED)
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
            raise ConnectionError(CUT_SHORT)
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
