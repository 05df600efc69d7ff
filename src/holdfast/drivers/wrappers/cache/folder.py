"""A folder of whole files, each under a name that stands for one state of one object, within a number of bytes.

Several processes can share it. Nothing is locked while bytes come in: a file is written under a temporary name and gets
its own in one step, so that what has a name is whole. Only counting and clearing out are done one after the other.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from holdfast.drivers.wrappers.cache.incoming import Incoming, in_use
from holdfast.drivers.wrappers.cache.mark import mark
from holdfast.keys import new_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.objects import ObjectInfo

_INCOMING = "incoming"
_ROOM = 0.9  # share of the limit that is left after clearing out, so that not every file clears out again
_HASHED = 32  # hex digits of a hash in a name
_SHARD = re.compile(r"[0-9a-f]{2}")
_NAME = re.compile(rf"[0-9a-f]{{{_HASHED}}}-[0-9a-f]{{{_HASHED}}}")
_INCOMING_NAME = re.compile(r"[0-9a-v]{29}")  # of `new_id`


class CacheFolder:
    """Files below a folder. What has not a name of ours is never removed.

    Args:
        root: The folder, made and marked on first use. Nothing else may be in it.
        max_bytes: How much all files together may take, those that are coming in included.
        name: Name of the storage whose objects these are: storages with equal keys do not meet.
    """

    def __init__(self, root: Path, max_bytes: int, name: str) -> None:
        self.root, self.max_bytes, self._name = root, max_bytes, name

    def open(self, info: ObjectInfo) -> IO[bytes] | None:
        """Return the file that holds an object in this very state, and note that it was used; None if there is none."""
        path = self._path(info)
        try:
            file = path.open("rb", buffering=0)
        except FileNotFoundError:
            return None
        if os.fstat(file.fileno()).st_size != info.size:  # such as after a crash of the machine
            file.close()
            path.unlink(missing_ok=True)
            return None
        os.utime(file.fileno())
        return file

    def begin(self, info: ObjectInfo) -> Incoming | None:
        """Make room for an object and return the file to write; None if there is no room to be had."""
        with self._counting() as counter:
            if not self._make_room(counter, info.size):
                return None
            counter.add(info.size)  # before there is a file: after a crash the count is rather too high than too low
            return Incoming(self._folder(_INCOMING) / new_id(), self._path(info), info.size)

    def publish(self, incoming: Incoming) -> None:
        """Give a file that is complete its name."""
        try:
            incoming.sync()
            with self._counting():  # else a count that goes on just now could miss the file in both places
                incoming.publish()
        except OSError:
            self.give_up(incoming)
            raise

    def give_up(self, incoming: Incoming) -> None:
        """Forget a file that is not complete."""
        try:
            with self._counting() as counter:
                incoming.discard()
                counter.add(-incoming.size)
        finally:
            incoming.discard()

    def forget(self, key: str) -> None:
        """Remove all that is held of a key."""
        shard, name = self._place(key)
        folder = self.root / shard
        try:
            found = [each for each in os.scandir(folder) if _NAME.fullmatch(each.name) and each.name.startswith(name)]
        except FileNotFoundError:
            return
        for entry in found:
            with self._counting() as counter, suppress(FileNotFoundError):
                size = entry.stat(follow_symlinks=False).st_size
                Path(entry.path).unlink()
                counter.add(-size)

    # --- room

    def _make_room(self, counter: _Counter, size: int) -> bool:
        if counter.total() + size <= self.max_bytes:
            return True
        files = sorted(self._files())
        total = sum(each[1] for each in files)
        for _, bytes_taken, path in files:
            if total + size <= self.max_bytes * _ROOM:
                break
            if path.parent.name == _INCOMING and in_use(path):
                continue
            path.unlink(missing_ok=True)  # who reads it just now goes on
            total -= bytes_taken
        counter.set(total)
        return total + size <= self.max_bytes

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """Yield when each file was last used, how large it is, and where it is."""
        for folder in os.scandir(self.root):
            ours = _names_in(folder.name)
            if ours is not None and folder.is_dir(follow_symlinks=False):
                for entry in os.scandir(folder.path):
                    if not ours.fullmatch(entry.name):
                        continue
                    with suppress(FileNotFoundError):
                        found = entry.stat(follow_symlinks=False)
                        # What a crash left is the first to go, however young.
                        used = 0.0 if folder.name == _INCOMING else found.st_mtime
                        yield used, found.st_size, Path(entry.path)

    @contextmanager
    def _counting(self) -> Iterator[_Counter]:
        """Hold the lock on the count; short work only."""
        self._folder()
        mark(self.root)
        descriptor = os.open(self.root / "size", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield _Counter(descriptor)
        finally:
            os.close(descriptor)  # and with it goes the lock

    # --- names

    def _folder(self, name: str = "") -> Path:
        path = self.root / name
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path

    def _place(self, key: str) -> tuple[str, str]:
        digest = _digest(self._name, key)
        return digest[:2], digest

    def _path(self, info: ObjectInfo) -> Path:
        shard, name = self._place(info.key)
        state = _digest(info.version_id, info.etag, info.size, info.last_modified)
        return self.root / shard / f"{name}-{state}"


class _Counter:
    """The number of bytes that all files take, in a file that is locked meanwhile."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def total(self) -> int:
        """Return the number; what cannot be read is too much, so that it is counted anew."""
        try:
            return int(os.pread(self._descriptor, 32, 0) or b"0")
        except ValueError:
            return 1 << 62

    def add(self, size: int) -> None:
        """Change the number."""
        self.set(max(0, self.total() + size))

    def set(self, total: int) -> None:
        """Write the number."""
        os.pwrite(self._descriptor, b"%-31d\n" % total, 0)


def _names_in(folder: str) -> re.Pattern[str] | None:
    """Return how our files in a folder are named; None if it is not ours."""
    if folder == _INCOMING:
        return _INCOMING_NAME
    return _NAME if _SHARD.fullmatch(folder) else None


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode("utf-8", "backslashreplace")).hexdigest()[:_HASHED]
