"""Any file system of fsspec, through what all of them have in common.

Paths are only ever given to methods that take them literally: `rm`, `cat`, `find` and `mv` of fsspec's base class
expand patterns, so a key with a ``*`` in it would hit others.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from fsspec import AbstractFileSystem
from fsspec.asyn import AsyncFileSystem

from holdfast.drivers.abilities import FILES
from holdfast.drivers.fsspec.filesystem import FileSystem, etag, modified
from holdfast.drivers.local.files import TEMPORARY
from holdfast.drivers.protocol import MIB, SINGLE_PUT_LIMIT
from holdfast.errors import InvalidKeyError
from holdfast.keys import new_id
from holdfast.objects import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from holdfast.drivers.body import Body
    from holdfast.drivers.protocol import PutOptions

_WHOLE = 8 * MIB  # bytes of a copy that are held at a time


class FSSpecDriver(FileSystem):
    """Files below a root of an fsspec file system.

    Where the file system can rename, a write goes to a temporary name first. Object stores show an object when it
    is complete.

    Args:
        fs: The file system, or what makes one.
        root: Path of the folder, without a slash at its end; ``""`` for the file system's own root.
    """

    abilities = FILES._replace(etag=False, atomic_create=False)

    def __init__(self, fs: Any, root: str) -> None:
        super().__init__(fs)
        self._root = root

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write one file."""
        path = self._path(key)
        self._refuse(path, taken=options.if_absent)
        self._write(path, body.blocks(MIB))
        return self.stat(key)

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Read a file, or a part of it."""
        fs, path = self.native, self._path(key)
        size = self._file(path)["size"]
        end = size if end is None else min(end, size)
        if isinstance(fs, AsyncFileSystem):
            step = max(1, end - start) if chunk_size is None else chunk_size
            for position in range(start, end, step):
                yield fs.cat_file(path, start=position, end=min(position + step, end))
            return
        with fs.open(path, "rb", cache_type="none") as file:
            file.seek(min(start, size))
            while start < end:
                chunk = file.read(end - start if chunk_size is None else min(chunk_size, end - start))
                if not chunk:
                    return
                start += len(chunk)
                yield chunk

    def stat(self, key: str) -> ObjectInfo:
        """Describe a file."""
        return _info(key, self._file(self._path(key)))

    def delete(self, keys: Sequence[str]) -> None:
        """Delete files one by one."""
        fs = self.native
        for key in keys:
            with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
                fs.rm_file(self._path(key))
        fs.invalidate_cache()

    def copy(self, source: str, target: str) -> None:
        """Copy inside the service if it is an object store, else through this process, so that no half file shows."""
        fs, path = self.native, self._path(target)
        if isinstance(fs, AsyncFileSystem):
            self._file(self._path(source))
            fs.cp_file(self._path(source), path)
            fs.invalidate_cache()
        else:
            chunks = self.read(source, 0, None, _WHOLE)
            self._write(path, map(memoryview, chunks))

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

    def _file(self, path: str) -> Mapping[str, Any]:
        fs = self.native
        fs.invalidate_cache()  # a listing that fsspec remembers may be out of date
        info: Mapping[str, Any] = fs.info(path)
        if info["type"] != "file":
            raise FileNotFoundError(path)
        return info

    def _refuse(self, path: str, *, taken: bool) -> None:
        """Refuse a path that is a folder (a rename would move the file into it) or, if asked for, taken."""
        fs = self.native
        fs.invalidate_cache()
        try:
            info = fs.info(path)
        except (FileNotFoundError, NotADirectoryError):
            return
        if taken and info["type"] == "file":
            raise FileExistsError(path)
        if info["type"] != "file" and _renames(fs):
            raise IsADirectoryError(path)

    # --- writing

    def _write(self, path: str, blocks: Iterator[memoryview]) -> None:
        fs = self.native
        if _renames(fs):
            self._write_and_rename(path, blocks)
        else:
            self._write_object(path, blocks)
        fs.invalidate_cache()

    def _write_and_rename(self, path: str, blocks: Iterator[memoryview]) -> None:
        fs, folder = self.native, self._below(TEMPORARY)
        temporary = f"{folder}/{new_id()}"
        fs.makedirs(folder, exist_ok=True)
        try:
            with fs.open(temporary, "wb") as file:
                for block in blocks:
                    file.write(bytes(block))
            parent = path.rpartition("/")[0]
            if parent:
                fs.makedirs(parent, exist_ok=True)
            fs.mv(temporary, path)
        except BaseException:
            with suppress(Exception):
                fs.rm_file(temporary)
            raise

    def _write_object(self, path: str, blocks: Iterator[memoryview]) -> None:
        fs, head = self.native, bytearray()
        for block in blocks:
            head += block
            if len(head) > SINGLE_PUT_LIMIT:
                break
        else:
            fs.pipe_file(path, bytes(head))
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

    # --- listing

    def _walk(self, base: str, after: bytes) -> Iterator[ObjectInfo]:
        for name, info in sorted(self._entries(base), key=lambda entry: entry[0].encode()):
            key = base + name
            if name.endswith("/"):
                if key.encode() > after or after.startswith(key.encode()):
                    yield from self._walk(key, after)
            elif key.encode() > after:
                yield _info(key, info)

    def _entries(self, base: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield the names in a folder, those of folders with a slash, so that they sort like whole keys."""
        fs, path = self.native, self._below(base)
        fs.invalidate_cache()
        try:
            found = fs.ls(path, detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return
        for info in found:
            whole = info["name"].rstrip("/")
            name = whole.rpartition("/")[2]
            if whole.strip("/") == path.strip("/") or (not base and name == TEMPORARY):
                continue  # the folder itself, or a file of that name
            if not name.isprintable() and any("\udc80" <= character <= "\udcff" for character in name):
                continue  # a name that is not UTF-8 is none of ours
            if info["type"] == "directory" and not info.get("islink"):
                yield f"{name}/", info
            elif info["type"] == "file":
                yield name, info


def _renames(fs: AbstractFileSystem) -> bool:
    """Whether a file system renames; the base class copies, and expands patterns."""
    return not isinstance(fs, AsyncFileSystem) and type(fs).mv is not AbstractFileSystem.mv


def _info(key: str, info: Mapping[str, Any]) -> ObjectInfo:
    return ObjectInfo(key, info["size"], modified(info), etag(info))
