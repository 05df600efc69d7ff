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
from paramiko.sftp import CMD_CLOSE, CMD_EXTENDED, CMD_NAME, CMD_OPENDIR, CMD_READDIR, SFTP_OP_UNSUPPORTED

from holdfast.drivers.fsspec.folders import FILE, FOLDER, OTHER, Entry
from holdfast.drivers.fsspec.sftp.refusals import says_unsupported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.drivers.fsspec.sftp.driver import RemoteFile

_CHANNELS = 4  # OpenSSH allows ten on a connection (MaxSessions)
_PIECE = 32 * 1024  # bytes of one request
_STALLED = 60.0  # seconds without an answer
_KEEPALIVE = 20  # seconds


class ParamikoSession:
    """The operations on files.

    Args:
        fs: A `SFTPFileSystem` of fsspec.
    """

    def __init__(self, fs: Any) -> None:
        self._client = fs.client
        self._channels: list[_Channel | None] = [None] * _CHANNELS
        self._locks = [threading.Lock() for _ in range(_CHANNELS)]
        self._turns = count()
        with suppress(ConnectionError):  # it shows again at the first operation
            self._transport().set_keepalive(_KEEPALIVE)

    def entry(self, path: str) -> Entry:
        """Describe what lies under a path."""
        with self._channel().turn() as sftp:
            return _entry(path.rpartition("/")[2], sftp.lstat(path))

    def scan(self, path: str) -> list[Entry]:
        """Describe what lies in a folder."""
        with self._channel().turn() as sftp:
            return [entry for entry in _listed(sftp, path) if entry.name not in {".", ".."}]

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
        channel = self._channels[number]
        if channel is None:
            with self._locks[number]:
                channel = self._channels[number]
                if channel is None:
                    channel = self._channels[number] = self._new_channel()
        return channel

    def _new_channel(self) -> _Channel:
        transport = self._transport()
        with _translated():
            try:
                with _ended_when_silent(transport):
                    opened = transport.open_session(timeout=2 * _STALLED)
                    opened.settimeout(_STALLED)
                    opened.invoke_subsystem("sftp")
                    sftp = _Client(opened)
            except paramiko.ChannelException:
                if first := next(filter(None, self._channels), None):  # the server allows no more of them
                    return first
                raise
        return _Channel(sftp, transport)

    def _transport(self) -> paramiko.Transport:
        transport: paramiko.Transport | None = self._client.get_transport()
        if transport is None or not transport.is_active():
            message = "the connection was lost"
            raise ConnectionError(message)
        return transport


@contextmanager
def _ended_when_silent(transport: paramiko.Transport) -> Iterator[None]:
    """Close a connection on which nothing is answered: to some requests paramiko waits for ever."""
    silent = threading.Event()

    def close() -> None:
        silent.set()
        transport.close()

    timer = threading.Timer(_STALLED, close)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (paramiko.SSHException, EOFError, OSError) as error:
        if silent.is_set():
            message = f"the server was silent for {_STALLED:g} seconds"
            raise TimeoutError(message) from error
        raise
    finally:
        timer.cancel()


class _Client(paramiko.SFTPClient):  # type: ignore[misc]  # paramiko ships no types
    """A client that tells what a server does not know from what has failed."""

    def _convert_status(self, message: paramiko.Message) -> None:
        place = message.packet.tell()
        code = message.get_int()
        text = message.get_string().decode(errors="replace")
        if code == SFTP_OP_UNSUPPORTED:
            raise NotImplementedError(text)
        message.packet.seek(place)
        super()._convert_status(message)


class _Channel:
    def __init__(self, sftp: paramiko.SFTPClient, transport: paramiko.Transport) -> None:
        self._sftp, self._transport, self._lock = sftp, transport, threading.Lock()

    @contextmanager
    def turn(self) -> Iterator[Any]:
        """Lend the client to one thread."""
        with self._lock, _translated():
            try:
                yield self._sftp
            except TimeoutError:
                # What was asked may still be answered, and would be taken for another answer: no more of this one.
                self._transport.close()
                raise


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
        # Nothing else is passed over: a full disk may show here first.
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
    except TimeoutError:
        raise
    except (paramiko.SSHException, EOFError) as error:
        raise ConnectionError(str(error) or "the connection was lost") from error
    except OSError as error:
        text = str(error)
        if error.errno is None and says_unsupported(text):
            raise NotImplementedError(text) from error
        if text == "Socket is closed":
            raise ConnectionError(text) from error
        raise


def _listed(sftp: Any, path: str) -> Iterator[Entry]:
    """Read a folder, like `listdir_attr`; but a single name that is not UTF-8 makes that one fail."""
    _, answer = sftp._request(CMD_OPENDIR, path)
    handle = answer.get_binary()
    try:
        while True:
            kind, answer = sftp._request(CMD_READDIR, handle)
            if kind != CMD_NAME:
                message = "the server does not answer with names"
                raise paramiko.SFTPError(message)
            for _ in range(answer.get_int()):
                name = answer.get_string().decode(errors="surrogateescape")
                answer.get_string()  # the line that `ls -l` would show
                yield _entry(name, paramiko.SFTPAttributes._from_msg(answer))
    except EOFError:
        if sftp.get_channel().closed:
            raise
    finally:
        with suppress(OSError, EOFError, paramiko.SSHException):
            sftp._request(CMD_CLOSE, handle)


def _entry(name: str, found: paramiko.SFTPAttributes) -> Entry:
    mode = found.st_mode or 0
    kind = FILE if stat.S_ISREG(mode) else FOLDER if stat.S_ISDIR(mode) else OTHER
    return Entry(name, kind, found.st_size or 0, found.st_mtime)
