"""WebDAV (RFC 4918), through webdav4: its HTTP client, but requests of our own.

webdav4 takes a ``%`` or ``?`` in a name for syntax, uploads under the final name, and looks before it leaps where the
protocol has a condition.
"""

from __future__ import annotations

import weakref
from contextlib import closing
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

import httpx

from holdfast import errors
from holdfast.drivers.abilities import FILES
from holdfast.drivers.fsspec.filesystem import by_name
from holdfast.drivers.fsspec.folders import FILE, FOLDER, Entry, FolderDriver
from holdfast.drivers.fsspec.web.answers import StatusError, check, cut, kind_of, moment, quoted, span, tag
from holdfast.drivers.local.files import TEMPORARY
from holdfast.drivers.protocol import MIB
from holdfast.keys import new_id
from holdfast.object_settings import NO_SETTINGS, ObjectSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.drivers.body import Body
    from holdfast.drivers.protocol import PutOptions
    from holdfast.errors import StorageError
    from holdfast.objects import ObjectInfo

_PROPERTIES = b"""<?xml version="1.0" encoding="utf-8"?>
<propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/><getlastmodified/><getetag/></prop></propfind>"""
_CONFLICT, _PARTIAL, _PRECONDITION, _UNSATISFIABLE = 409, 206, 412, 416
_EXISTS, _MISSING = 405, {404, 410}
_FOLLOWED = {"GET", "PROPFIND"}
_ATTEMPTS = 3
_AWKWARD = frozenset("%?#;")
_IN_MEMORY = 8 * MIB
_STALLED = httpx.Timeout(60, connect=30)
_ERRORS: dict[str, type[StorageError]] = {
    "httpx.TimeoutException": errors.StorageTimeoutError,
    "httpx.TransportError": errors.UnavailableError,
}


class WebDAVDriver(FolderDriver):
    """Files in a collection.

    Args:
        fs: The file system, or what makes one.
        root: Path of the collection below the server's base address.
    """

    abilities = FILES._replace(atomic_create=False)  # the condition is there, but hardly a server is atomic in it

    def __init__(self, fs: Any, root: str) -> None:
        super().__init__(fs, root.strip("/"))
        self._has_folder = False
        self._reads_names: bool | None = None

    def _prepared(self, fs: Any) -> Any:
        weakref.finalize(fs, fs.client.http.close)  # webdav4 leaves its connections to the garbage collector
        return fs

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write one file."""
        self._check_name(self._path(key))
        return super().put(key, body, options)

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Read with one request, after a look whether it is a file."""
        path = self._path(key)
        self._file(path)
        with closing(self._asked("GET", path, span(start, end))) as answer:
            if answer.status_code == _UNSATISFIABLE:
                return
            check(answer.status_code)
            skip = 0 if answer.status_code == _PARTIAL else start
            pieces = cut(answer.iter_raw(chunk_size or MIB), skip, None if end is None else end - start)
            if chunk_size is None:
                yield b"".join(pieces)
            else:
                yield from pieces

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Copy inside the server."""
        path, temporary = self._path(source), self._below(f"{TEMPORARY}/{new_id()}")
        self._check_name(self._path(target))
        self._file(path)
        self._make_folders(self._below(TEMPORARY))
        self._send("COPY", path, {"Destination": self._url(temporary), "Overwrite": "T"})
        self._name(temporary, self._path(target), if_absent=False)

    def classify(self, error: BaseException) -> type[StorageError] | None:
        """Go by the status."""
        return kind_of(error) or by_name(error, _ERRORS) or super().classify(error)

    # --- what the folders need

    def _entry(self, path: str) -> Entry:
        return self._properties(path, depth="0")[0][1]

    def _scan(self, path: str) -> list[Entry]:
        found = self._properties(path, depth="1")
        own = min(found, key=lambda item: item[0].count("/"))
        if own[1].kind != FOLDER:
            raise NotADirectoryError(path)
        return [entry for item in found if item is not own for entry in (item[1],)]

    def _write(self, path: str, blocks: Iterator[memoryview], size: int | None) -> None:
        del size
        # Held back until the content has come to its end: its size has to be said first, a lost connection is made up
        # for, and a server that is cut off may go on writing what it was just told to delete.
        with SpooledTemporaryFile(_IN_MEMORY) as file:
            for block in blocks:
                file.write(block)
            if not self._has_folder:  # a server that misses the folder says so only after it was sent everything
                self._make_folders(path.rpartition("/")[0])
                self._has_folder = True
            try:
                self._send("PUT", path, {"Content-Length": str(file.tell())}, file)
            except (FileNotFoundError, StatusError):
                self._has_folder = False
                raise

    def _publish(self, temporary: str, path: str, *, if_absent: bool) -> None:
        self._refuse(path, taken=if_absent)  # a move would replace a whole folder
        headers = {"Destination": self._url(path), "Overwrite": "F" if if_absent else "T"}
        try:
            self._send("MOVE", temporary, headers)
        except FileNotFoundError:
            # Moved already, and the answer was lost? Nobody else knows the temporary name.
            if self._entry(path).kind != FILE:
                raise
        except StatusError as error:
            if error.status == _PRECONDITION:
                raise FileExistsError(path) from None
            if error.status == _CONFLICT:
                raise FileNotFoundError(path) from None
            raise

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
        try:
            self._send("MOVE", plain, {"Destination": self._url(awkward), "Overwrite": "F"})
            self._entry(awkward)
        except (FileNotFoundError, StatusError):
            return False
        else:
            return True
        finally:
            for left in (plain, awkward, f"{plain}-%41", f"{plain}-A", f"{plain}-A#"):
                self._discard(left)

    def _remove(self, path: str) -> None:
        self._send("DELETE", path, {})

    def _make_folder(self, path: str) -> None:
        try:
            self._send("MKCOL", f"{path}/", {})
        except StatusError as error:
            if error.status == _CONFLICT:
                if "/" in path and self._entry(path.rpartition("/")[0]).kind == FILE:
                    raise NotADirectoryError(path) from None
                raise FileNotFoundError(path) from None
            if error.status != _EXISTS:
                raise
            if self._entry(path).kind == FILE:
                raise NotADirectoryError(path) from None

    # --- requests

    def _url(self, path: str) -> str:
        base = str(self.native.client.base_url).rstrip("/")
        return f"{base}/{quoted(path)}"

    def _asked(self, method: str, path: str, headers: dict[str, str], content: Any = None) -> httpx.Response:
        """Send a request and return the answer without its body; once more if the connection turns out to be lost."""
        http = self.native.client.http
        timeout = http.timeout if http.timeout != httpx.Timeout(5) else _STALLED
        for attempt in range(_ATTEMPTS):
            if isinstance(content, SpooledTemporaryFile):
                content.seek(0)
            body = iter(lambda: content.read(MIB), b"") if isinstance(content, SpooledTemporaryFile) else content
            headers = {"Accept-Encoding": "identity", **headers}
            request = http.build_request(method, self._url(path), headers=headers, content=body, timeout=timeout)
            try:
                answer: httpx.Response = http.send(request, stream=True, follow_redirects=method in _FOLLOWED)
            except httpx.TimeoutException:
                raise
            except httpx.TransportError:
                if attempt == _ATTEMPTS - 1:
                    raise
            else:
                break
        if answer.status_code in _MISSING:
            answer.close()
            raise FileNotFoundError(path)
        return answer

    def _send(self, method: str, path: str, headers: dict[str, str], content: Any = None) -> bytes:
        with closing(self._asked(method, path, headers, content)) as answer:
            check(answer.status_code)
            return answer.read()

    def _properties(self, path: str, *, depth: str) -> list[tuple[str, Entry]]:
        """Return paths, decoded, and what is there."""
        headers = {"Depth": depth, "Content-Type": "application/xml"}
        document = ET.fromstring(self._send("PROPFIND", path, headers, _PROPERTIES))  # noqa: S314  # expat since 2.4.1 bounds entities
        found = [_entry(response) for response in document.iterfind("{DAV:}response")]
        if not found:
            raise FileNotFoundError(path)
        return found


def _entry(response: ET.Element) -> tuple[str, Entry]:
    path = unquote(urlsplit(response.findtext("{DAV:}href", "")).path, errors="surrogateescape").rstrip("/")
    name = path.rpartition("/")[2]
    if response.find(".//{DAV:}resourcetype/{DAV:}collection") is not None:
        return path, Entry(name, FOLDER)
    size = int(response.findtext(".//{DAV:}getcontentlength") or 0)
    modified = moment(response.findtext(".//{DAV:}getlastmodified"))
    return path, Entry(name, FILE, size, modified, tag(response.findtext(".//{DAV:}getetag")))
