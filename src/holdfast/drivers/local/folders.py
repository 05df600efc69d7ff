"""Folders below a root, reached without ever following a symbolic link."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from holdfast.errors import InvalidKeyError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TEMPORARY = ".holdfast-tmp"
"""Folder below the root for files that are being written; what lies here after a crash is garbage."""

FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Folders:
    """Descriptors of the folders that one operation walks through, each opened once, closed together.

    Args:
        root: The root folder.
        mode: Permission bits of new folders.
        create: Whether to make those that are missing.
    """

    def __init__(self, root: Path, mode: int, *, create: bool = True) -> None:
        self._mode, self._create = mode, create
        self._open: dict[tuple[str, ...], int] = {}
        self._changed: set[tuple[str, ...]] = set()
        # The root itself may be a link: it is the operator's choice, not a client's.
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        try:
            self._open[()] = os.open(root, flags)
        except FileNotFoundError:
            if not create:
                raise
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._open[()] = os.open(root, flags)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        for descriptor in self._open.values():
            os.close(descriptor)

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
        if path not in self._open:
            parent = self.open(path[:-1])
            try:
                descriptor = os.open(path[-1], FOLDER_FLAGS, dir_fd=parent)
            except FileNotFoundError:
                if not self._create:
                    raise
                with suppress(FileExistsError):
                    os.mkdir(path[-1], mode=self._mode, dir_fd=parent)
                self._changed.add(path[:-1])
                descriptor = os.open(path[-1], FOLDER_FLAGS, dir_fd=parent)
            self._open[path] = descriptor
        return self._open[path]

    def changed(self, key: str) -> None:
        """Note that a name in the folder of `key` was made."""
        self._changed.add(tuple(key.split("/")[:-1]))

    def sync(self) -> None:
        """Make the names durable: a file's own sync does not cover the entry in its folder (fsync(2))."""
        for path in sorted(self._changed, key=len, reverse=True):
            os.fsync(self._open[path])
        self._changed.clear()
