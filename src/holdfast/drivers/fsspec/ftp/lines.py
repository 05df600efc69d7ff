"""Connections to an FTP server: each does one thing at a time, so each operation has one of its own."""

from __future__ import annotations

import ftplib
import os
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

_KEPT = 8
_GONE = "421"  # RFC 959: "service not available, closing control connection"


class Line:
    """A connection, made when it is first used, and again when it was lost.

    Args:
        make: Makes a `FTPFileSystem`, which connects at once.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._fs: Any = None

    @property
    def ftp(self) -> ftplib.FTP:
        """The connection."""
        if self._fs is None:
            self._fs = self._make()
        ftp: ftplib.FTP = self._fs.ftp
        return ftp

    def again(self, call: Callable[[ftplib.FTP], T]) -> T:
        """Run what does no harm when it is run twice; once more if an older connection turns out to be lost."""
        old = self._fs is not None
        try:
            return call(self.ftp)
        except (EOFError, ConnectionError):
            if not old:
                raise
        except ftplib.error_temp as error:
            if not old or not str(error).startswith(_GONE):
                raise
        self.close()
        return call(self.ftp)

    @contextmanager
    def closed_on_failure(self) -> Iterator[None]:
        """Hang up when a transfer does not come to its end: what answers it still gets would be taken for others."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    @property
    def is_open(self) -> bool:
        """Whether it can be used for something else."""
        return self._fs is not None

    def close(self) -> None:
        """Hang up."""
        fs, self._fs = self._fs, None
        if fs is not None:
            fs.ftp.close()


class Lines:
    """The connections that nobody uses at the moment.

    Args:
        make: See `Line`.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._idle: deque[Line] = deque()
        self._process = os.getpid()

    @contextmanager
    def borrow(self) -> Iterator[Line]:
        """Lend a connection, and keep it afterwards unless something happened to it."""
        line = self._take()
        try:
            yield line
        except (OSError, ftplib.error_perm) as error:
            if isinstance(error, (ConnectionError, TimeoutError)):
                line.close()
            self._keep(line)
            raise
        except BaseException:
            line.close()
            raise
        self._keep(line)

    def _take(self) -> Line:
        if self._process != os.getpid():  # those of the process that this one was forked from
            self._idle, self._process = deque(), os.getpid()
        try:
            return self._idle.pop()
        except IndexError:
            return Line(self._make)

    def _keep(self, line: Line) -> None:
        if len(self._idle) < _KEPT and line.is_open:
            self._idle.append(line)
        else:
            line.close()
