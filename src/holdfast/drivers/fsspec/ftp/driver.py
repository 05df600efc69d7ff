"""FTP, through fsspec's file system: its connections, but the protocol's own commands (RFC 959, RFC 3659).

fsspec's class has one control connection for everything, on which a transfer keeps out all else and which is gone
after some idle minutes; it asks for a whole listing to describe a file, and takes every refusal for a missing file.
Here each operation borrows a connection of its own, and a few are kept.
"""

from __future__ import annotations

import ftplib
import ssl
from typing import TYPE_CHECKING, Any, TypeVar

from fsspec.implementations.ftp import FTPFileSystem

from holdfast import errors
from holdfast.drivers.abilities import FILES
from holdfast.drivers.fsspec.folders import FILE, FOLDER, Entry, FolderDriver
from holdfast.drivers.fsspec.ftp import listing
from holdfast.drivers.fsspec.ftp.answers import kind_of, meant, translated
from holdfast.drivers.fsspec.ftp.lines import Lines
from holdfast.drivers.fsspec.ftp.secure import SecureFTPFileSystem
from holdfast.drivers.fsspec.reopening import Reopening

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from holdfast.errors import StorageError

T = TypeVar("T")


class FTPDriver(Reopening, FolderDriver):
    """Files below a folder of an FTP server.

    Most servers follow links and show what they lead to as if it lay there: only the server can keep them out.

    Args:
        fs: The file system, or what makes one.
        root: Path of the folder; with or without a slash before it, it begins where the login does.
    """

    abilities = FILES._replace(etag=False, atomic_create=False)  # the protocol has no rename that refuses to replace

    def __init__(self, fs: Any, root: str) -> None:
        plain = root.strip("/").removeprefix(".").strip("/")
        super().__init__(fs, f"/{plain}" if plain else "")
        self._lines = Lines(self._made)

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Read a file, or a part of it."""
        path = self._path(key)
        size = self._file(path).size
        end = size if end is None else min(end, size)
        if start >= end:
            return
        with self._lines.borrow() as line, translated():
            data = line.again(lambda ftp: _transfer(ftp, f"RETR {path}", start))
            with line.closed_on_failure():
                with data:
                    yield from _received(data, end - start, chunk_size)
                if end == size:
                    line.ftp.voidresp()
            if end < size:
                line.close()  # the rest is on its way: of no more use

    def _anew_class(self, fs: Any) -> Any:
        return SecureFTPFileSystem if type(fs) is FTPFileSystem else type(fs)

    def classify(self, error: BaseException) -> type[StorageError] | None:
        """Read the code of an answer."""
        if isinstance(error, ftplib.Error):
            return kind_of(error) or errors.StorageError
        return errors.UnavailableError if isinstance(error, EOFError) else super().classify(error)

    # --- what the folders need

    def _entry(self, path: str) -> Entry:
        return self._call(lambda ftp: listing.described(ftp, path)) if path else Entry("", FOLDER)

    def _scan(self, path: str) -> list[Entry]:
        return self._call(lambda ftp: listing.listed(ftp, path or "/"))

    def _write(self, path: str, blocks: Iterator[memoryview], size: int | None) -> None:
        del size
        with self._lines.borrow() as line:
            try:
                data = line.again(lambda ftp: _transfer(ftp, f"STOR {path}"))
            except ftplib.error_perm as error:
                self._entry(path.rpartition("/")[0])  # a missing folder is refused like everything else
                raise meant(error) from None
            with line.closed_on_failure(), translated():
                with data:
                    sent = _sent(data, blocks)
                line.ftp.voidresp()
        # The data end with their connection: a server cannot tell the end from a cut.
        if self._entry(path).size != sent:
            message = f"the server has not stored all of the {sent} bytes"
            raise ConnectionError(message)

    def _publish(self, temporary: str, path: str, *, if_absent: bool) -> None:
        if if_absent:
            self._refuse(path, taken=True)
        with self._lines.borrow() as line, translated():
            line.again(lambda ftp: ftp.voidcmd("NOOP"))  # the rename itself cannot be tried twice
            try:
                line.ftp.rename(temporary, path)
            except ftplib.error_perm:
                # One code for all failures of a rename: look what is in the way, or missing.
                self._refuse(path, taken=False)
                self._entry(path.rpartition("/")[0])
                raise

    def _remove(self, path: str) -> None:
        self._call(lambda ftp: ftp.delete(path))

    def _make_folder(self, path: str) -> None:
        try:
            self._call(lambda ftp: ftp.mkd(path))
        except FileNotFoundError:
            raise
        except (OSError, ftplib.error_perm):  # there is one already, among other reasons
            if self._entry(path).kind == FILE:
                raise

    def _call(self, call: Callable[[ftplib.FTP], T]) -> T:
        with self._lines.borrow() as line, translated():
            return line.again(call)


def _transfer(ftp: ftplib.FTP, command: str, start: int = 0) -> socket.socket:
    ftp.voidcmd("TYPE I")  # each listing switches to text, in which line ends are translated
    return ftp.transfercmd(command, rest=start or None)


def _sent(data: socket.socket, blocks: Iterator[memoryview]) -> int:
    size = 0
    for block in blocks:
        data.sendall(block)
        size += block.nbytes
    if isinstance(data, ssl.SSLSocket):
        data.unwrap()
    return size


def _received(data: socket.socket, rest: int, chunk_size: int | None) -> Iterator[bytes]:
    while rest:
        chunk = bytearray(rest if chunk_size is None else min(chunk_size, rest))
        view, got = memoryview(chunk), 0
        while got < len(chunk):
            count = data.recv_into(view[got:])
            if not count:
                message = "the transfer was cut off"
                raise ConnectionError(message)
            got += count
        rest -= got
        yield bytes(chunk)
