"""Listing the files below a folder in the order of their keys, in bounded memory."""

from __future__ import annotations

import errno
import heapq
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from holdfast.drivers.local.files import FOLDER_FLAGS, TEMPORARY, describe

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.objects import ObjectInfo

_LIST_BATCH = 50_000  # names of one folder held in memory at a time


def walk(folder: int, base: str, after: bytes) -> Iterator[ObjectInfo]:
    """Yield the files below an open folder, which is closed at the end."""
    try:
        for name, is_folder in _sorted_names(folder, base, after):
            if not is_folder:
                with suppress(FileNotFoundError):
                    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
                    if stat.S_ISREG(found.st_mode):
                        yield describe(base + name, found)
                continue
            try:
                inner = os.open(name, FOLDER_FLAGS, dir_fd=folder)
            except OSError as error:
                if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}:
                    continue  # removed, or swapped for a link, since it was seen
                raise
            yield from walk(inner, f"{base}{name}/", after)
    finally:
        os.close(folder)


def _sorted_names(folder: int, base: str, after: bytes) -> Iterator[tuple[str, bool]]:
    """Yield a folder's entries in the order of their keys, in bounded memory however many there are."""
    last = b""
    while True:
        with _scan(folder) as entries:
            batch = heapq.nsmallest(_LIST_BATCH, _ahead(entries, base.encode(), after, last))
        for name, is_folder in batch:
            yield name.removesuffix(b"/").decode(), is_folder
        if len(batch) < _LIST_BATCH:
            return
        last = batch[-1][0]


def _ahead(entries: Iterator[Any], base: bytes, after: bytes, last: bytes) -> Iterator[tuple[bytes, bool]]:
    for entry in entries:
        name = os.fsencode(entry.name)
        is_folder = entry.is_dir(follow_symlinks=False)
        if not base and entry.name == TEMPORARY:
            continue
        with suppress(UnicodeDecodeError):
            name.decode()  # a name that is not UTF-8 is none of ours
            # A folder sorts as "name/", so that the walk has the order of whole keys.
            key = name + b"/" if is_folder else name
            full = base + key
            if key > last and (full > after or (is_folder and after.startswith(full))):
                yield key, is_folder


@contextmanager
def _scan(folder: int) -> Iterator[Iterator[Any]]:
    with os.scandir(folder) as entries:  # works on a copy of the descriptor, but shares its position
        os.lseek(folder, 0, os.SEEK_SET)
        yield entries
