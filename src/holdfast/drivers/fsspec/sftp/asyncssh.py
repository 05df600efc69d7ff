"""A connection of sshfs's, which is asyncssh's, in the event loop of fsspec."""

from __future__ import annotations

import asyncio
import stat
from contextlib import contextmanager, suppress
from itertools import count
from typing import TYPE_CHECKING, Any

import asyncssh
from fsspec.asyn import sync

from holdfast.drivers.fsspec.folders import FILE, FOLDER, OTHER, Entry
from holdfast.drivers.fsspec.sftp.refusals import says_unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from holdfast.drivers.fsspec.sftp.driver import RemoteFile

_CHANNELS = 4  # OpenSSH allows ten on a connection (MaxSessions)
_KEEPALIVE = 20.0  # seconds; after three without an answer the connection counts as lost
_LOST = (asyncssh.DisconnectError, asyncssh.ChannelOpenError, asyncssh.SFTPNoConnection, asyncssh.SFTPConnectionLost)


class AsyncsshSession:
    """The operations on files.

    Args:
        fs: A `SSHFileSystem` of sshfs.
    """

    def __init__(self, fs: Any) -> None:
        self._client, self._loop = fs.client, fs.loop
        self._loop.call_soon_threadsafe(self._client.set_keepalive, _KEEPALIVE)
        self._options = fs._pool.sftp_client_kwargs
        self._channels: list[Any] = [None] * _CHANNELS
        self._turns = count()
        self._opening = asyncio.Lock()

    def entry(self, path: str) -> Entry:
        """Describe what lies under a path."""

        async def entry() -> Entry:
            return _entry(path.rpartition("/")[2], await (await self._channel()).lstat(path))

        found: Entry = self._run(entry)
        return found

    def scan(self, path: str) -> list[Entry]:
        """Describe what lies in a folder."""

        async def scan() -> list[Entry]:
            # As bytes: a single name that is not UTF-8 would make asyncssh refuse the whole folder.
            found = await (await self._channel()).readdir(path.encode())
            return [
                _entry(name.filename.decode(errors="surrogateescape"), name.attrs)
                for name in found
                if name.filename not in {b".", b".."}
            ]

        found: list[Entry] = self._run(scan)
        return found

    def open(self, path: str, *, new: bool) -> RemoteFile:
        """Open a file."""

        async def open_file() -> Any:
            return await (await self._channel()).open(path, "xb" if new else "rb")

        return _File(self, self._run(open_file))

    def rename(self, old: str, new: str, *, replace: bool) -> None:
        """Rename."""

        async def rename() -> None:
            channel = await self._channel()
            await (channel.posix_rename if replace else channel.rename)(old, new)

        self._run(rename)

    def remove(self, path: str) -> None:
        """Remove a file."""

        async def remove() -> None:
            await (await self._channel()).remove(path)

        self._run(remove)

    def make_folder(self, path: str) -> None:
        """Make one folder."""

        async def make_folder() -> None:
            await (await self._channel()).mkdir(path)

        self._run(make_folder)

    async def _channel(self) -> Any:
        number = next(self._turns) % _CHANNELS
        async with self._opening:
            if self._channels[number] is None:
                try:
                    self._channels[number] = await self._client.start_sftp_client(**self._options)
                except asyncssh.ChannelOpenError:
                    self._channels[number] = next(filter(None, self._channels), None)
                    if self._channels[number] is None:
                        raise
            return self._channels[number]

    def _run(self, operation: Callable[..., Coroutine[Any, Any, Any]], *arguments: Any) -> Any:
        with _translated():
            return sync(self._loop, operation, *arguments)


class _File:
    """See `holdfast.drivers.fsspec.sftp.driver.RemoteFile`."""

    def __init__(self, session: AsyncsshSession, file: Any) -> None:
        self._run, self._file = session._run, file

    def size(self) -> int:
        found: int = self._run(self._file.stat).size
        return found

    def read(self, start: int, size: int) -> bytes:
        piece: bytes = self._run(self._file.read, size, start)
        return piece

    def write(self, block: memoryview) -> None:
        self._run(self._file.write, bytes(block))

    def sync(self) -> None:
        with suppress(NotImplementedError):
            self._run(self._file.fsync)

    def close(self) -> None:
        with suppress(OSError):
            self._run(self._file.close)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath) as error:
        raise FileNotFoundError(error.reason) from error
    except asyncssh.SFTPPermissionDenied as error:
        raise PermissionError(error.reason) from error
    except asyncssh.SFTPFileAlreadyExists as error:
        raise FileExistsError(error.reason) from error
    except asyncssh.SFTPOpUnsupported as error:
        raise NotImplementedError(error.reason) from error
    except _LOST as error:
        raise ConnectionError(error.reason) from error
    except asyncssh.SFTPError as error:
        if says_unsupported(error.reason):
            raise NotImplementedError(error.reason) from error
        raise OSError(error.reason) from error


def _entry(name: str, found: asyncssh.SFTPAttrs) -> Entry:
    mode = found.permissions or 0
    kind = FILE if stat.S_ISREG(mode) else FOLDER if stat.S_ISDIR(mode) else OTHER
    return Entry(name, kind, found.size or 0, found.mtime)
