"""fsspec's memory file system, by its dictionary.

Opened in the usual way, a file is seen half written, and all its readers share one position.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fsspec.implementations.memory import MemoryFile, MemoryFileSystem

from holdfast.drivers.abilities import Abilities
from holdfast.drivers.fsspec.filesystem import FileSystem
from holdfast.drivers.places import Place
from holdfast.drivers.protocol import MIB
from holdfast.object_settings import NO_SETTINGS, ObjectSettings
from holdfast.objects import ObjectInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from holdfast.drivers.body import Body
    from holdfast.drivers.protocol import PutOptions


def private_memory(**options: Any) -> MemoryFileSystem:
    """Return a memory file system with bytes of its own; fsspec's usual ones share theirs."""
    fs = MemoryFileSystem(skip_instance_cache=True, **options)
    fs.store, fs.pseudo_dirs = {}, [""]
    return fs


class MemoryDriver(FileSystem):
    """Files in memory, with their content type and metadata.

    Args:
        fs: The file system.
        root: Folder in it, without slashes at its ends.
    """

    abilities = Abilities(etag=False)

    def __init__(self, fs: MemoryFileSystem, root: str) -> None:
        super().__init__(fs)
        self._base = f"/{root}/" if root else "/"
        self._store: dict[str, Any] = fs.store

    def place(self) -> Place:
        """Return the file system's dictionary."""
        return Place(("memory", id(self._store)), self._base[1:])

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Hold the bytes under a path, in one step."""
        path = self._base + key
        file = MemoryFile(self.native, path, b"".join(body.blocks(MIB)))
        file.content_type, file.metadata = options.content_type, dict(options.metadata)
        if not options.if_absent:
            self._store[path] = file
        elif self._store.setdefault(path, file) is not file:
            raise FileExistsError(path)
        return _info(key, file)

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Copy out a file, or a part of it."""
        file = self._file(key)
        end = file.size if end is None else min(end, file.size)
        step = max(1, end - start) if chunk_size is None else chunk_size
        for position in range(start, end, step):
            with file.getbuffer() as view:
                chunk = bytes(view[position : min(position + step, end)])
            yield chunk

    def stat(self, key: str) -> ObjectInfo:
        """Describe a file."""
        return _info(key, self._file(key))

    def delete(self, keys: Sequence[str]) -> None:
        """Drop files."""
        for key in keys:
            self._store.pop(self._base + key, None)

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:  # noqa: ARG002  # it has none
        """Copy a file."""
        file, path = self._file(source), self._base + target
        copied = MemoryFile(self.native, path, file.getvalue())
        copied.content_type, copied.metadata = getattr(file, "content_type", None), getattr(file, "metadata", {})
        self._store[path] = copied

    def list(self, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
        """Sort the paths of the dictionary."""
        base = f"{self._base}{prefix}/" if prefix else self._base
        first = (self._base + (after or "")).encode()
        paths = [path for path in tuple(self._store) if path.startswith(base) and path.encode() > first]
        for path in sorted(paths, key=str.encode):
            if file := self._store.get(path):
                yield _info(path.removeprefix(self._base), file)

    def _file(self, key: str) -> Any:
        try:
            return self._store[self._base + key]
        except KeyError:
            raise FileNotFoundError(key) from None


def _info(key: str, file: Any) -> ObjectInfo:
    # What others put into the same file system has no type.
    return ObjectInfo(
        key,
        file.size,
        file.modified.timestamp(),
        content_type=getattr(file, "content_type", None),
        metadata=getattr(file, "metadata", {}),
    )
