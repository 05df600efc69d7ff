"""WebDAV (RFC 4918), through webdav4: its HTTP client, but requests of our own.

webdav4 takes a ``%`` or ``?`` in a name for syntax, uploads under the final name, and looks before it leaps where the
protocol has a condition.
"""

from __future__ import annotations

import os
import weakref
from contextlib import closing
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any

import httpx

from holdfast import errors
from holdfast.drivers.abilities import FILES
from holdfast.drivers.fsspec.filesystem import by_name
from holdfast.drivers.fsspec.folders import FILE, FOLDER, Entry, FolderDriver
from holdfast.drivers.fsspec.reopening import Reopening
from holdfast.drivers.fsspec.web.answers import StatusError, asked_for, kind_of, span
from holdfast.drivers.fsspec.web.dav import ATTEMPTS, Requests
from holdfast.drivers.local.folders import TEMPORARY
from holdfast.drivers.protocol import MIB
from holdfast.keys import new_id
from holdfast.object_settings import NO_SETTINGS, ObjectSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.drivers.body import Body
    from holdfast.drivers.protocol import PutOptions
    from holdfast.errors import StorageError
    from holdfast.objects import ObjectInfo

_EXISTS, _CONFLICT, _PRECONDITION = 405, 409, 412
_BROKEN = 500  # and above: the server's own trouble
_AWKWARD = frozenset("%?#;")
_IN_MEMORY = 8 * MIB
_ERRORS: dict[str, type[StorageError]] = {
    "httpx.TimeoutException": errors.StorageTimeoutError,
    "httpx.TransportError": errors.UnavailableError,
}


class WebDAVDriver(Reopening, FolderDriver):
    """Files in a collection.

    Args:
        fs: The file system, or what makes one.
        root: Path of the collection below the server's base address.
    """

    abilities = FILES._replace(atomic_create=False)  # the condition is there, but hardly a server is atomic in it

    _http: Any = None

    def __init__(self, fs: Any, root: str) -> None:
        super().__init__(fs, root.strip("/"))
        self._requests = Requests(lambda: self.native.client)
        self._written: dict[str, Entry] = {}
        self._has_folder = False
        self._reads_names: bool | None = None

    def _made(self) -> Any:
        try:
            return super()._made()
        except httpx.InvalidURL:  # its text may hold a part of a password
            message = "base_url= is no address: give a user name and a password as auth=(…, …)"
            raise errors.ConfigurationError(message) from None

    def _prepared(self, fs: Any) -> Any:
        http = fs.client.http
        if self._http is http:  # it was given to the file system: client= or http_client=
            message = "a forked process cannot share an HTTP client; make the file system from base_url= and auth="
            raise errors.ForkError(message)
        self._http = http
        weakref.finalize(fs, partial(_close, http, os.getpid()))  # webdav4 leaves it to the garbage collector
        return fs

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write one file."""
        self._check_name(self._path(key))
        return super().put(key, body, options)

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Read with one request, after a look whether it is a file."""
        path = self._path(key)
        self._file(path)
        with closing(self._requests.open("GET", path, span(start, end))) as answer:
            found = answer.iter_raw(chunk_size or MIB)
            pieces = asked_for(answer.status_code, answer.headers, found, start, end)
            if chunk_size is None:
                yield b"".join(pieces)
            else:
                yield from pieces

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:  # noqa: ARG002  # it has none
        """Copy inside the server."""
        path, temporary = self._path(source), self._below(f"{TEMPORARY}/{new_id()}")
        self._check_name(self._path(target))
        size = self._file(path).size
        self._make_folders(self._below(TEMPORARY))
        self._requests.send("COPY", path, {"Destination": self._requests.url(temporary), "Overwrite": "T"})
        self._look_at(temporary, size)
        self._name(temporary, self._path(target), if_absent=False)

    def classify(self, error: BaseException) -> type[StorageError] | None:
        """Go by the status."""
        return kind_of(error) or by_name(error, _ERRORS) or super().classify(error)

    # --- what the folders need

    def _entry(self, path: str) -> Entry:
        return self._requests.properties(path, depth="0")[0][1]

    def _scan(self, path: str) -> list[Entry]:
        found = self._requests.properties(path, depth="1")
        own = min(found, key=lambda item: item[0].count("/"))
        if own[1].kind != FOLDER:
            raise NotADirectoryError(path)
        return [entry for item in found if item is not own for entry in (item[1],)]

    def _write(self, path: str, blocks: Iterator[memoryview], size: int | None) -> None:
        del size  # it is counted
        # Held back until the content has come to its end: its size has to be said first, a lost connection is made up
        # for, and a server that is cut off may go on writing what it was just told to delete.
        with SpooledTemporaryFile(_IN_MEMORY) as file:
            for block in blocks:
                file.write(block)
            if not self._has_folder:  # a server that misses the folder says so only after it was sent everything
                self._make_folders(path.rpartition("/")[0])
                self._has_folder = True
            try:
                size = file.tell()
                self._requests.send("PUT", path, {"Content-Length": str(size)}, file)
                self._look_at(path, size)
            except (FileNotFoundError, StatusError):
                self._has_folder = False
                raise

    def _look_at(self, temporary: str, size: int) -> None:
        """Remember what a server has written, if it has all of it: proxies answer for servers that have nothing."""
        try:
            entry = self._entry(temporary)
        except FileNotFoundError:
            message = "the server says that it has written the file, and has none"
            raise OSError(message) from None
        if entry.kind != FILE or entry.size != size:
            self._discard(temporary)
            message = f"the server has {entry.size} of the {size} bytes of the file"
            raise OSError(message)
        self._written[temporary] = entry

    def _name(self, temporary: str, path: str, *, if_absent: bool) -> None:
        try:
            super()._name(temporary, path, if_absent=if_absent)
        finally:
            self._written.pop(temporary, None)

    def _publish(self, temporary: str, path: str, *, if_absent: bool) -> None:
        self._refuse(path, taken=if_absent)  # a move would replace a whole folder
        headers = {"Destination": self._requests.url(path), "Overwrite": "F" if if_absent else "T"}
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._requests.send("MOVE", temporary, headers, attempts=1)
            except httpx.TimeoutException:
                raise
            except httpx.TransportError:
                if attempt == ATTEMPTS:
                    raise
            except (FileNotFoundError, StatusError) as error:
                # Moved already, and the answer was lost?
                if attempt == 1 or not self._is_at(path, self._written[temporary]):
                    raise self._refusal(error, temporary, path) from None
                return
            else:
                return

    def _is_at(self, path: str, written: Entry) -> bool:
        """Return whether a file lies under a path; one of the same size is not enough."""
        try:
            found = self._entry(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return found._replace(name="") == written._replace(name="")

    def _refusal(self, error: FileNotFoundError | StatusError, temporary: str, path: str) -> OSError:
        """Return what the refusal of a move means; FileNotFoundError for a missing folder only."""
        if isinstance(error, StatusError):
            if error.status == _PRECONDITION:
                return FileExistsError(path)
            return FileNotFoundError(path) if error.status == _CONFLICT else error
        try:
            self._entry(temporary)
        except FileNotFoundError:
            return OSError("the file was written, and somebody has removed it before it got its name")
        return error

    def _check_name(self, path: str) -> None:
        """Refuse a name that this server would take for another one where it is the destination of a move."""
        if _AWKWARD.isdisjoint(path):
            return
        if self._reads_names is None:
            self._reads_names = self._tried()
        if not self._reads_names:
            message = f"this WebDAV server takes {' '.join(sorted(_AWKWARD))} in names for syntax: use other names"
            raise NotImplementedError(message)

    def _tried(self) -> bool:
        """Move an empty file to such a name; WsgiDAV, for one, decodes names before it takes addresses apart."""
        plain = self._below(f"{TEMPORARY}/{new_id()}")
        awkward = f"{plain}-%41#;?"
        self._write(plain, iter(()), 0)
        self._written.pop(plain, None)
        try:
            self._requests.send("MOVE", plain, {"Destination": self._requests.url(awkward), "Overwrite": "F"})
            self._entry(awkward)
        except (FileNotFoundError, StatusError):
            return False
        else:
            return True
        finally:
            for left in (plain, awkward, f"{plain}-%41", f"{plain}-A", f"{plain}-A#"):
                self._discard(left)

    def _remove(self, path: str) -> None:
        self._requests.send("DELETE", path, {})

    def _make_folder(self, path: str) -> None:
        try:
            self._requests.send("MKCOL", f"{path}/", {})
        except StatusError as error:
            if error.status == _CONFLICT:
                if "/" in path and self._entry(path.rpartition("/")[0]).kind == FILE:
                    raise NotADirectoryError(path) from None
                raise FileNotFoundError(path) from None
            try:
                found = self._entry(path)
            except FileNotFoundError:
                raise error from None
            if found.kind == FILE:
                raise NotADirectoryError(path) from None
            # Of two clients that make a folder at once, WsgiDAV answers one with 500: what counts is that it is there.
            if error.status != _EXISTS and error.status < _BROKEN:
                raise


def _close(http: httpx.Client, process: int) -> None:
    """Close connections, but not those of a parent process."""
    if process == os.getpid():
        http.close()
