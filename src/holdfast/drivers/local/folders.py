"""Folders below a root, reached without ever following a symbolic link."""

from __future__ import annotations

import os
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Self

from holdfast.errors import InvalidKeyError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TEMPORARY = ".holdfast-tmp"
"""Folder below the root for files that are being written; what lies here after a crash is garbage."""

FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

_KEPT = 8  # folders


class Folder:
    """A descriptor that is closed when nobody uses it any more.

    Attributes:
        descriptor: The descriptor.
    """

    __slots__ = ("_identity", "descriptor")

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._identity: tuple[int, int] | None = None

    def is_at(self, path: str) -> bool:
        """Return whether this is the folder that a path leads to now."""
        if self._identity is None:
            self._identity = _identity(os.fstat(self.descriptor))
        try:
            return _identity(os.stat(path)) == self._identity  # noqa: PTH116  # a Path would cost as much as the call
        except OSError:
            return False

    def __del__(self) -> None:
        os.close(self.descriptor)


class KeptFolders:
    """The folders that were written to last, so that the next small file need not walk there.

    Each is used only if its path still leads to it. A walk of four folders and back takes a third of the time of a
    small file, and more where many threads wait for the interpreter after each of its calls.

    Args:
        root: The root folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = os.fspath(root)
        self._kept: dict[tuple[str, ...], Folder] = {}
        self._lock = Lock()

    def get(self, path: tuple[str, ...]) -> Folder | None:
        """Return a folder that is still there."""
        folder = self._kept.get(path)
        return folder if folder is not None and folder.is_at("/".join((self._root, *path))) else None

    def keep(self, path: tuple[str, ...], folder: Folder) -> None:
        """Keep a folder in place of the one that was kept first."""
        with self._lock:
            self._kept.pop(path, None)
            self._kept[path] = folder
            if len(self._kept) > _KEPT:
                del self._kept[next(iter(self._kept))]


class Folders:
    """Folders that one operation walks through, each opened once, let go together.

    Args:
        root: The root folder, made if need be.
        kept: Folders that need no walk.
        mode: Permission bits of new folders.
        create: Whether to make those that are missing.
    """

    def __init__(self, root: Path, kept: KeptFolders, mode: int, *, create: bool = True) -> None:
        self._root, self._kept, self._mode, self._create = root, kept, mode, create
        self._open: dict[tuple[str, ...], Folder] = {}
        self._changed: set[tuple[str, ...]] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._open.clear()

    def of(self, key: str) -> tuple[int, str]:
        """Return the descriptor of the folder that holds `key`, and the name in it."""
        *segments, name = key.split("/")
        if (segments or [name])[0] == TEMPORARY:
            message = f"{key!r} cannot be a key: {TEMPORARY} holds the files that are being written"
            raise InvalidKeyError(message)
        return self.open(segments), name

    def open(self, segments: Sequence[str]) -> int:
        """Return the descriptor of a folder, made on the way where that was asked for."""
        path = tuple(segments)
        folder = self._open.get(path)
        if folder is None:
            folder = self._kept.get(path)
            if folder is None:
                folder = self._walked(path)
                if self._create:
                    self._kept.keep(path, folder)
            self._open[path] = folder
        return folder.descriptor

    def _walked(self, path: tuple[str, ...]) -> Folder:
        """Open a folder, step by step from the root."""
        if path in self._open:
            return self._open[path]
        folder = self._open[path] = Folder(self._step(path) if path else self._open_root())
        return folder

    def _step(self, path: tuple[str, ...]) -> int:
        parent = self._walked(path[:-1]).descriptor
        try:
            return os.open(path[-1], FOLDER_FLAGS, dir_fd=parent)
        except FileNotFoundError:
            if not self._create:
                raise
        with suppress(FileExistsError):
            os.mkdir(path[-1], mode=self._mode, dir_fd=parent)
        self._changed.add(path[:-1])
        return os.open(path[-1], FOLDER_FLAGS, dir_fd=parent)

    def _open_root(self) -> int:
        # The root itself may be a link: it is the operator's choice, not a client's.
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        try:
            return os.open(self._root, flags)
        except FileNotFoundError:
            if not self._create:
                raise
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(self._root, flags)

    def changed(self, key: str) -> None:
        """Note that a name in the folder of `key` was made."""
        self._changed.add(tuple(key.split("/")[:-1]))

    def sync(self) -> None:
        """Make the names durable: a file's own sync does not cover the entry in its folder (fsync(2))."""
        for path in sorted(self._changed, key=len, reverse=True):
            os.fsync(self._open[path].descriptor)
        self._changed.clear()


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
