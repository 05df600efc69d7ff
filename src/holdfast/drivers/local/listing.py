"""Listing the files below a folder in the order of their keys, in bounded memory."""

from __future__ import annotations

import errno
import heapq
import os
import stat
from contextlib import contextmanager
from itertools import chain, islice
from typing import TYPE_CHECKING

from holdfast.drivers.local.files import describe
from holdfast.drivers.local.folders import FOLDER_FLAGS, TEMPORARY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.objects import ObjectInfo

_LIST_BATCH = 50_000  # names of one folder held in memory at a time


def walk(folder: int, base: str, after: str) -> Iterator[ObjectInfo]:
    """Yield the files below an open folder, which is closed at the end."""
    try:
        for name in _sorted_names(folder, base, after):
            if name[-1] != "/":
                try:
                    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
                except FileNotFoundError:  # removed since it was seen
                    continue
                if stat.S_ISREG(found.st_mode):
                    yield describe(base + name, found)
                continue
            try:
                inner = os.open(name[:-1], FOLDER_FLAGS, dir_fd=folder)  # with the slash a link would be followed
            except OSError as error:
                if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}:
                    continue  # removed, or swapped for a link, since it was seen
                raise
            yield from walk(inner, base + name, after)
    finally:
        os.close(folder)


def _sorted_names(folder: int, base: str, after: str) -> Iterator[str]:
    """Yield a folder's entries in the order of their keys, in bounded memory however many there are."""
    last = ""
    while True:
        with _scan(folder) as entries:
            ahead = _ahead(entries, base, after, last)
            batch = list(islice(ahead, _LIST_BATCH))
            if is_last := len(batch) < _LIST_BATCH:
                batch.sort()  # a quarter of the time of `nsmallest`
            else:
                batch = heapq.nsmallest(_LIST_BATCH, chain(batch, ahead))
        yield from batch
        if is_last:
            return
        last = batch[-1]


def _ahead(entries: Iterator[os.DirEntry[str]], base: str, after: str, last: str) -> Iterator[str]:
    """Yield the names that come later, in any order. Texts compare like their UTF-8."""
    hidden = "" if base else TEMPORARY
    for entry in entries:
        name = entry.name
        if name == hidden:
            continue
        try:
            name.encode()
        except UnicodeEncodeError:  # a name that is not UTF-8 is none of ours
            continue
        # A folder sorts as "name/", so that the walk has the order of whole keys.
        if is_folder := entry.is_dir(follow_symlinks=False):
            name += "/"
        full = base + name
        if name > last and (full > after or (is_folder and after.startswith(full))):
            yield name


@contextmanager
def _scan(folder: int) -> Iterator[Iterator[os.DirEntry[str]]]:
    with os.scandir(folder) as entries:  # works on a copy of the descriptor, but shares its position
        os.lseek(folder, 0, os.SEEK_SET)
        yield entries
