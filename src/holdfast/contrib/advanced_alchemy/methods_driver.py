"""A driver over the eight methods of a storage that an application wrote for advanced-alchemy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from holdfast.contrib.advanced_alchemy.method_errors import is_missing, meaning, raise_missing
from holdfast.contrib.advanced_alchemy.spooling import spooled, spooled_async
from holdfast.drivers.abilities import Abilities
from holdfast.drivers.body import Body
from holdfast.drivers.protocol import PutOptions
from holdfast.keys import find_id
from holdfast.object_settings import NO_SETTINGS, ObjectSettings
from holdfast.objects import ObjectInfo
from holdfast.sources import BytesSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from holdfast.errors import StorageError


class MethodsDriver:
    """Writes, reads and deletes through ``save_object``, ``get_content`` and ``delete_object``.

    These methods know no listing, no description of an object, and no atomic create; an object is described by
    reading it. Much content is handed over as a seekable file on disk, whole: what
    fails while it comes in never reaches the application's method.

    Args:
        application: The application's object.
        new_file: Makes the file object, for a key, that ``save_object`` gets.
    """

    abilities = Abilities(
        lists=False, content_type=False, metadata=False, etag=False, last_modified=False, atomic_create=False
    )

    def __init__(self, application: Any, new_file: Callable[..., Any]) -> None:
        self.native = application
        self._new_file = new_file

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Save the whole content."""
        if options.if_absent and find_id(key) is None and self._exists(key):
            raise FileExistsError(key)
        file = self._file(key, options)
        with spooled(body) as data:
            return _info(self.native.save_object(file, data, **_sizes(options)), key, body)

    async def put_async(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Like `put`."""
        if options.if_absent and find_id(key) is None and await self._exists_async(key):
            raise FileExistsError(key)
        file = self._file(key, options)
        async with spooled_async(body) as data:
            return _info(await self.native.save_object_async(file, data, **_sizes(options)), key, body)

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Read it whole and yield the part: there is no method for less."""
        yield from _chunks(self._content(key), start, end, chunk_size)

    async def read_async(self, key: str, start: int, end: int | None, chunk_size: int | None) -> AsyncIterator[bytes]:
        """Like `read`."""
        for chunk in _chunks(await self._content_async(key), start, end, chunk_size):
            yield chunk

    def stat(self, key: str) -> ObjectInfo:
        """Read it, and tell its size."""
        return ObjectInfo(key, len(self._content(key)))

    async def stat_async(self, key: str) -> ObjectInfo:
        """Like `stat`."""
        return ObjectInfo(key, len(await self._content_async(key)))

    def delete(self, keys: Sequence[str]) -> None:
        """Delete one by one; one that is gone already is no error."""
        for key in keys:
            try:
                self.native.delete_object(key)
            except Exception as error:
                if not is_missing(error, key):
                    raise

    async def delete_async(self, keys: Sequence[str]) -> None:
        """Like `delete`."""
        for key in keys:
            try:
                await self.native.delete_object_async(key)
            except Exception as error:
                if not is_missing(error, key):
                    raise

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:  # noqa: ARG002  # it has none
        """Read the object and save it again."""
        content = self._content(source)
        self.put(target, _body(content), PutOptions())

    async def copy_async(
        self,
        source: str,
        target: str,
        settings: ObjectSettings = NO_SETTINGS,  # noqa: ARG002  # it has none
    ) -> None:
        """Like `copy`."""
        content = await self._content_async(source)
        await self.put_async(target, _body(content), PutOptions())

    def list(self, prefix: str, after: str | None) -> Iterator[ObjectInfo]:  # noqa: ARG002  # it raises
        """Refuse: no method lists."""
        self._refuse_listing()

    def list_async(self, prefix: str, after: str | None) -> AsyncIterator[ObjectInfo]:  # noqa: ARG002  # it raises
        """Like `list`."""
        self._refuse_listing()

    def classify(self, error: BaseException) -> type[StorageError] | None:
        """Go by the built-in class, then by the status of an HTTP answer; all else is a failure of the storage."""
        return meaning(error)

    def _content(self, key: str) -> bytes:
        try:
            return bytes(self.native.get_content(key))
        except Exception as error:
            raise_missing(error, key)
            raise

    async def _content_async(self, key: str) -> bytes:
        try:
            return bytes(await self.native.get_content_async(key))
        except Exception as error:
            raise_missing(error, key)
            raise

    def _exists(self, key: str) -> bool:
        try:
            self._content(key)
        except FileNotFoundError:
            return False
        return True

    async def _exists_async(self, key: str) -> bool:
        try:
            await self._content_async(key)
        except FileNotFoundError:
            return False
        return True

    def _file(self, key: str, options: PutOptions) -> Any:
        return self._new_file(key, content_type=options.content_type, metadata=dict(options.metadata))

    def _refuse_listing(self) -> NoReturn:
        message = f"{type(self.native).__name__} has no method that lists objects"
        raise NotImplementedError(message)


def _sizes(options: PutOptions) -> dict[str, Any]:
    names = ("use_multipart", "chunk_size", "max_concurrency")
    return {name: getattr(options, name) for name in names}


def _info(saved: Any, key: str, body: Body) -> ObjectInfo:
    path = getattr(saved, "path", None)
    if isinstance(path, str) and path != key:
        message = f"save_object was to store {key!r} and returned a file at {path!r}"
        raise ValueError(message)
    modified = getattr(saved, "last_modified", None)
    # No entity tag: the application's could not be compared with anything later.
    return ObjectInfo(key, body.size, last_modified=modified if isinstance(modified, (int, float)) else None)


def _chunks(content: bytes, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
    part = memoryview(content)[start:end]
    step = chunk_size or max(1, part.nbytes)
    for position in range(0, part.nbytes, step):
        yield bytes(part[position : position + step])


def _body(content: bytes) -> Body:
    return Body(BytesSource(memoryview(content)), None, None)
