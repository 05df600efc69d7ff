"""Files in folders on a server, over a few operations that every protocol for files has.

A write goes to a temporary name and gets its final one when it is complete, so a name never holds half a file.
"""

from __future__ import annotations

import errno
import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.drivers.abilities import FILES
from holdfast.drivers.fsspec.filesystem import FileSystem
from holdfast.drivers.local.folders import TEMPORARY
from holdfast.drivers.places import Place
from holdfast.drivers.protocol import MIB
from holdfast.errors import InvalidKeyError
from holdfast.keys import new_id
from holdfast.object_settings import NO_SETTINGS, ObjectSettings
from holdfast.objects import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from holdfast.drivers.body import Body
    from holdfast.drivers.protocol import PutOptions

FILE, FOLDER, OTHER = "file", "directory", "other"
"""Kinds of what lies in a folder; links are `OTHER` where the protocol tells them from what they lead to."""

CUT_SHORT = "the file became shorter while it was read"

REPLACED = "replaced-"
"""How the names of files begin that lie beside the temporary ones and are no left-overs: maybe the only copy."""


class Entry(NamedTuple):
    """What lies under a name.

    Attributes:
        name: Last part of its path.
        kind: `FILE`, `FOLDER` or `OTHER`.
        size: Bytes of a file.
        modified: When it was last written, in seconds since the epoch.
        etag: Its entity tag, where the server has such.
    """

    name: str
    kind: str = FILE
    size: int = 0
    modified: float | None = None
    etag: str | None = None


class FolderDriver(FileSystem):
    """Files below a root folder. A driver for a protocol fills in the operations at the end.

    Args:
        fs: The file system, or what makes one.
        root: Path of the folder, without a slash at its end; ``""`` for the file system's own root.
    """

    abilities = FILES._replace(etag=False, atomic_create=False)

    def __init__(self, fs: Any, root: str) -> None:
        super().__init__(fs)
        self._root = root

    def place(self) -> Place:
        """Return the folder; two file systems are the same if they are made with the same options."""
        kind, arguments, options = self.recipe()
        made = repr((arguments, sorted(options.items()))).encode()
        # A digest, because an option may be a password.
        return Place((kind, hashlib.sha256(made).hexdigest()), f"{self._root.rstrip('/')}/" if self._root else "")

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write one file."""
        path = self._path(key)
        if options.if_absent and not self.abilities.atomic_create:
            self._refuse(path, taken=True)
        self._store(path, body.blocks(MIB), size=body.expected_size, if_absent=options.if_absent)
        return self.stat(key)

    def stat(self, key: str) -> ObjectInfo:
        """Describe a file."""
        return _info(key, self._file(self._path(key)))

    def delete(self, keys: Sequence[str]) -> None:
        """Delete files one by one; the others still have their turn when one fails."""
        failures: list[Exception] = []
        for key in keys:
            path = self._path(key)
            try:
                self._delete(path)
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                continue
            except OSError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:  # noqa: ARG002  # it has none
        """Copy through this process: hardly a server of files has a copy that never shows half of one."""
        size = self._file(self._path(source)).size
        chunks = self.read(source, 0, None, MIB)
        self._store(self._path(target), map(memoryview, chunks), size=size, if_absent=False)

    def clear_partial_uploads(self, older_than: float, *, delete: bool) -> list[str]:
        """Delete temporary files that nobody has written to since."""
        folder = self._below(TEMPORARY)
        try:
            found = [entry for entry in self._scan(folder) if (entry.modified or older_than) < older_than]
        except (FileNotFoundError, NotADirectoryError):  # nothing was ever written
            return []
        names = sorted(entry.name for entry in found if entry.kind == FILE and not entry.name.startswith(REPLACED))
        for name in names if delete else ():
            with suppress(FileNotFoundError):
                self._remove(f"{folder}/{name}")
        return [f"{TEMPORARY}/{name}" for name in names]

    def list(self, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
        """Walk the folders in the order of the keys."""
        yield from self._walk(f"{prefix}/" if prefix else "", (after or "").encode())

    # --- paths

    def _path(self, key: str) -> str:
        if key.partition("/")[0] == TEMPORARY:
            message = f"{key!r} cannot be a key: {TEMPORARY} holds the files that are being written"
            raise InvalidKeyError(message)
        return self._below(key)

    def _below(self, name: str) -> str:
        return f"{self._root}/{name}".removesuffix("/") if self._root else name.removesuffix("/")

    def _file(self, path: str) -> Entry:
        entry = self._entry(path)
        if entry.kind != FILE:
            raise FileNotFoundError(path)
        return entry

    def _refuse(self, path: str, *, taken: bool) -> None:
        """Refuse a path that is a folder (a rename would move the file into it) or, if asked for, taken."""
        try:
            entry = self._entry(path)
        except (FileNotFoundError, NotADirectoryError):
            return
        if entry.kind == FOLDER:
            raise IsADirectoryError(errno.EISDIR, "there is a folder of that name", path)
        if taken:
            raise FileExistsError(path)

    # --- writing

    def _store(self, path: str, blocks: Iterator[memoryview], *, size: int | None, if_absent: bool) -> None:
        folder = self._below(TEMPORARY)
        temporary = f"{folder}/{new_id()}"
        once = _Once(blocks)
        try:
            try:
                self._write(temporary, once, size)
            except FileNotFoundError:
                if once.begun:
                    raise
                self._make_folders(folder)
                self._write(temporary, once, size)
        except BaseException:
            self._discard(temporary)
            raise
        self._name(temporary, path, if_absent=if_absent)

    def _name(self, temporary: str, path: str, *, if_absent: bool) -> None:
        """Give a temporary file its final name, or remove it."""
        try:
            try:
                self._publish(temporary, path, if_absent=if_absent)
            except FileNotFoundError:
                self._make_folders(path.rpartition("/")[0])
                self._publish(temporary, path, if_absent=if_absent)
        except BaseException:
            self._discard(temporary)
            raise

    def _discard(self, temporary: str) -> None:
        with suppress(Exception):
            self._remove(temporary)

    def _make_folders(self, path: str) -> None:
        """Make a folder and those above it; others may do the same at this moment."""
        if not path.strip("/"):
            return
        try:
            self._make_folder(path)
        except FileNotFoundError:
            self._make_folders(path.rpartition("/")[0])
            self._make_folder(path)

    def _delete(self, path: str) -> None:
        """Remove a file, never a folder: some servers remove folders by the same call."""
        if self._entry(path).kind != FOLDER:
            self._remove(path)

    # --- listing

    def _walk(self, base: str, after: bytes) -> Iterator[ObjectInfo]:
        try:
            found = sorted(_named(self._scan(self._below(base)), base))
        except (FileNotFoundError, NotADirectoryError):
            return
        for encoded, entry in found:
            key = base.encode() + encoded
            if entry.kind == FOLDER:
                if key > after or after.startswith(key):
                    yield from self._walk(key.decode(), after)
            elif key > after:
                yield _info(key.decode(), entry)

    # --- what a protocol fills in. Each raises FileNotFoundError where a path, or the folder above it, is missing.

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Read a file, or a part of it."""
        raise NotImplementedError

    def _entry(self, path: str) -> Entry:
        """Describe what lies under a path, without following a link."""
        raise NotImplementedError

    def _scan(self, path: str) -> Iterable[Entry]:
        """Describe what lies in a folder."""
        raise NotImplementedError

    def _write(self, path: str, blocks: Iterator[memoryview], size: int | None) -> None:
        """Write a new file, durably; a missing folder is an error before the first block is taken."""
        raise NotImplementedError

    def _publish(self, temporary: str, path: str, *, if_absent: bool) -> None:
        """Rename a file in one step; FileExistsError if it must not replace one and there is one."""
        raise NotImplementedError

    def _remove(self, path: str) -> None:
        """Remove a file."""
        raise NotImplementedError

    def _make_folder(self, path: str) -> None:
        """Make a folder; that there is one already is no error."""
        raise NotImplementedError


class _Once:
    """An iterator that tells whether anybody has begun with it."""

    def __init__(self, blocks: Iterator[memoryview]) -> None:
        self._blocks = blocks
        self.begun = False

    def __iter__(self) -> Iterator[memoryview]:
        return self

    def __next__(self) -> memoryview:
        self.begun = True
        return next(self._blocks)


def _named(entries: Iterable[Entry], base: str) -> Iterator[tuple[bytes, Entry]]:
    """Yield what a listing shows with its name, that of a folder with a slash, so that it sorts like whole keys."""
    for entry in entries:
        if entry.kind == OTHER or (not base and entry.name == TEMPORARY):
            continue
        if "/" in entry.name or entry.name in {"", ".", ".."}:  # a server's word, which would lead elsewhere
            continue
        with suppress(UnicodeEncodeError):  # a name that is not UTF-8 is none of ours
            yield (f"{entry.name}/" if entry.kind == FOLDER else entry.name).encode(), entry


def _info(key: str, entry: Entry) -> ObjectInfo:
    return ObjectInfo(key, entry.size, entry.modified, entry.etag)
