"""A connection of paramiko's.

Its `SFTPClient` mixes up answers when two threads ask at once, so each of a few has a lock. An open file belongs to
one of them and does not keep it.
"""

from __future__ import annotations

import stat
import threading
from contextlib import contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, Any

import paramiko
from paramiko.sftp import CMD_EXTENDED

from holdfast.drivers.fsspec.folders import FILE, FOLDER, OTHER, Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.drivers.fsspec.sftp.driver import RemoteFile

_CHANNELS = 4  # OpenSSH allows ten on a connection (MaxSessions)
_PIECE = 32 * 1024  # bytes of one request
_STALLED = 60.0  # seconds without an answer
_UNSUPPORTED = "operation unsupported"


class ParamikoSession:
    """The operations on files.

    Args:
        fs: A `SFTPFileSystem` of fsspec.
    """

    def __init__(self, fs: Any) -> None:
        self._client = fs.client
        self._channels: list[_Channel | None] = [None] * _CHANNELS
        self._turns = count()
        self._lock = threading.Lock()

    def entry(self, path: str) -> Entry:
        """Describe what lies under a path."""
        with self._channel().turn() as sftp:
            return _entry(path.rpartition("/")[2], sftp.lstat(path))

    def scan(self, path: str) -> list[Entry]:
        """Describe what lies in a folder."""
        with self._channel().turn() as sftp:
            return [_entry(found.filename, found) for found in sftp.listdir_attr(path)]

    def open(self, path: str, *, new: bool) -> RemoteFile:
        """Open a file."""
        channel = self._channel()
        with channel.turn() as sftp:
            return _File(channel, sftp.open(path, "wbx" if new else "rb", bufsize=0))

    def rename(self, old: str, new: str, *, replace: bool) -> None:
        """Rename."""
        with self._channel().turn() as sftp:
            (sftp.posix_rename if replace else sftp.rename)(old, new)

    def remove(self, path: str) -> None:
        """Remove a file."""
        with self._channel().turn() as sftp:
            sftp.remove(path)

    def make_folder(self, path: str) -> None:
        """Make one folder."""
        with self._channel().turn() as sftp:
            sftp.mkdir(path)

    def _channel(self) -> _Channel:
        number = next(self._turns) % _CHANNELS
        with self._lock:
            channel = self._channels[number]
            if channel is None:
                channel = self._channels[number] = self._new_channel()
            return channel

    def _new_channel(self) -> _Channel:
        with _translated():
            try:
                sftp = self._client.open_sftp()
            except paramiko.ChannelException:
                if first := next(filter(None, self._channels), None):  # the server allows no more of them
                    return first
                raise
        sftp.get_channel().settimeout(_STALLED)
        return _Channel(sftp)


class _Channel:
    def __init__(self, sftp: paramiko.SFTPClient) -> None:
        self._sftp, self._lock = sftp, threading.Lock()

    @contextmanager
    def turn(self) -> Iterator[Any]:
        """Lend the client to one thread."""
        with self._lock, _translated():
            yield self._sftp


class _File:
    """See `holdfast.drivers.fsspec.sftp.driver.RemoteFile`."""

    def __init__(self, channel: _Channel, file: Any) -> None:
        self._channel, self._file = channel, file

    def size(self) -> int:
        with self._channel.turn():
            found: int = self._file.stat().st_size
            return found

    def read(self, start: int, size: int) -> bytes:
        with self._channel.turn():
            return b"".join(self._file.readv([(start, size)]))

    def write(self, block: memoryview) -> None:
        data = bytes(block)
        with self._channel.turn():
            # Only the last request waits, for the answers to all: paramiko drops those that come with a close.
            self._file.set_pipelined(True)
            self._file.write(data[:-_PIECE])
            self._file.set_pipelined(False)
            self._file.write(data[-_PIECE:])

    def sync(self) -> None:
        with suppress(NotImplementedError), self._channel.turn() as sftp:
            sftp._request(CMD_EXTENDED, "fsync@openssh.com", self._file.handle)

    def close(self) -> None:
        with suppress(OSError), self._channel.turn():
            self._file.close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (paramiko.AuthenticationException, paramiko.BadHostKeyException):
        raise
    except (paramiko.SSHException, EOFError) as error:
        raise ConnectionError(str(error) or "the connection was lost") from error
    except OSError as error:
        text = str(error)
        if text.lower() == _UNSUPPORTED:  # paramiko drops the code
            raise NotImplementedError(text) from error
        if text == "Socket is closed":
            raise ConnectionError(text) from error
        raise


def _entry(name: str, found: paramiko.SFTPAttributes) -> Entry:
    mode = found.st_mode or 0
    kind = FILE if stat.S_ISREG(mode) else FOLDER if stat.S_ISDIR(mode) else OTHER
    return Entry(name, kind, found.st_size or 0, found.st_mtime)
