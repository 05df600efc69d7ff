"""Any file system of fsspec, through what all of them have in common.

Paths are only ever given to methods that take them literally: `rm`, `cat`, `find` and `mv` of fsspec's base class
expand patterns, so a key with a ``*`` in it would hit others.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fsspec import AbstractFileSystem
from fsspec.asyn import AsyncFileSystem

from holdfast.drivers.fsspec.filesystem import etag, modified
from holdfast.drivers.fsspec.folders import CUT_SHORT, FILE, FOLDER, OTHER, Entry, FolderDriver
from holdfast.drivers.protocol import MIB, SINGLE_PUT_LIMIT
from holdfast.object_settings import NO_SETTINGS, ObjectSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from holdfast.drivers.body import Body
    from holdfast.drivers.protocol import PutOptions
    from holdfast.objects import ObjectInfo

_KINDS = {"file": FILE, "directory": FOLDER}


class FSSpecDriver(FolderDriver):
    """Files below a root of an fsspec file system.

    Where the file system can rename, a write goes to a temporary name first. Object stores show an object when it
    is complete.

    Args:
        fs: The file system, or what makes one.
        root: Path of the folder, without a slash at its end; ``""`` for the file system's own root.
    """

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write one file."""
        if _renames(self.native):
            return super().put(key, body, options)
        path = self._path(key)
        if options.if_absent and self._is_file(path):
            raise FileExistsError(path)
        self._write_object(path, body.blocks(MIB))
        return self.stat(key)

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Read a file, or a part of it."""
        fs, path = self.native, self._path(key)
        size = self._file(path).size
        end = size if end is None else min(end, size)
        if isinstance(fs, AsyncFileSystem):
            step = max(1, end - start) if chunk_size is None else chunk_size
            for position in range(start, end, step):
                chunk = fs.cat_file(path, start=position, end=min(position + step, end))
                if len(chunk) < min(step, end - position):
                    raise ConnectionError(CUT_SHORT)
                yield chunk
            return
        with fs.open(path, "rb", cache_type="none") as file:
            file.seek(min(start, size))
            while start < end:
                chunk = file.read(end - start if chunk_size is None else min(chunk_size, end - start))
                if not chunk:
                    raise ConnectionError(CUT_SHORT)
                start += len(chunk)
                yield chunk

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:  # it has none
        """Copy inside the service if it is an object store."""
        fs = self.native
        if isinstance(fs, AsyncFileSystem):
            path = self._path(source)
            self._file(path)
            fs.cp_file(path, self._path(target))
            fs.invalidate_cache()
        elif _renames(fs):
            super().copy(source, target, settings)
        else:
            self._file(self._path(source))
            self._write_object(self._path(target), map(memoryview, self.read(source, 0, None, MIB)))

    # --- what the folders need

    def _entry(self, path: str) -> Entry:
        fs = self.native
        fs.invalidate_cache()  # a listing that fsspec remembers may be out of date
        return _entry(path, fs.info(path))

    def _scan(self, path: str) -> Iterator[Entry]:
        fs = self.native
        fs.invalidate_cache()
        for info in fs.ls(path, detail=True):
            whole = info["name"].rstrip("/")
            if whole.strip("/") != path.strip("/"):  # the folder itself, or a file of that name
                yield _entry(whole, info)

    def _write(self, path: str, blocks: Iterator[memoryview], size: int | None) -> None:
        del size
        with self.native.open(path, "wb") as file:
            for block in blocks:
                file.write(bytes(block))

    def _publish(self, temporary: str, path: str, *, if_absent: bool) -> None:
        self._refuse(path, taken=if_absent)
        fs = self.native
        fs.mv(temporary, path)
        fs.invalidate_cache()

    def _delete(self, path: str) -> None:
        self._remove(path)

    def _remove(self, path: str) -> None:
        fs = self.native
        fs.rm_file(path)
        fs.invalidate_cache()

    def _make_folder(self, path: str) -> None:
        self.native.makedirs(path, exist_ok=True)

    # --- object stores

    def _is_file(self, path: str) -> bool:
        try:
            return self._entry(path).kind == FILE
        except (FileNotFoundError, NotADirectoryError):
            return False

    def _write_object(self, path: str, blocks: Iterator[memoryview]) -> None:
        fs, head = self.native, bytearray()
        for block in blocks:
            head += block
            if len(head) > SINGLE_PUT_LIMIT:
                break
        else:
            fs.pipe_file(path, bytes(head))
            fs.invalidate_cache()
            return
        # Not in a `with`: leaving it would complete the file, whatever has happened inside.
        file = fs.open(path, "wb", autocommit=False)
        try:
            file.write(head)
            head = bytearray()
            for block in blocks:
                file.write(bytes(block))
            file.close()
            file.commit()
        except BaseException:
            with suppress(Exception):
                file.discard()
            file.closed = True  # else its finalizer would complete it
            raise
        fs.invalidate_cache()


def _renames(fs: AbstractFileSystem) -> bool:
    """Whether a file system renames; the base class copies, and expands patterns."""
    return not isinstance(fs, AsyncFileSystem) and type(fs).mv is not AbstractFileSystem.mv


def _entry(path: str, info: Mapping[str, Any]) -> Entry:
    kind = _KINDS.get(info["type"], OTHER)
    if kind == FOLDER and info.get("islink"):
        kind = OTHER
    return Entry(path.rpartition("/")[2], kind, info["size"] or 0, modified(info), etag(info))
