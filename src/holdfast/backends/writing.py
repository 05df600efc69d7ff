"""Writing objects: one or many, whole or not at all; deleting them."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from holdfast.backends.batch import Outcomes, PutRequest, as_streamed
from holdfast.backends.option_values import count
from holdfast.backends.reading import Reading
from holdfast.contents import to_source
from holdfast.drivers.body import Body
from holdfast.errors import AlreadyExistsError
from holdfast.keys import validate_key
from holdfast.object_settings import ObjectSettings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from holdfast.contents import Content
    from holdfast.object_settings import ObjectSettingsLike
    from holdfast.objects import ObjectInfo


class Writing(Reading):
    """The writing half of a `StorageBackend`."""

    def put(
        self,
        key: str,
        content: Content,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        if_absent: bool = False,
        use_multipart: bool | None = None,
        chunk_size: int | None = None,
        max_concurrency: int | None = None,
        object_settings: ObjectSettingsLike = None,
    ) -> ObjectInfo:
        """Write an object, whole or not at all.

        Args:
            key: Its key; see `holdfast.keys.validate_key`.
            content: Bytes-like, `Path`, binary file, iterable of bytes, or a framework's upload object.
            content_type: Media type.
            metadata: The caller's own fields, any JSON.
            if_absent: Refuse to replace what lies there.
            use_multipart: Force or forbid a multipart upload; chosen by size if left out.
            chunk_size: Bytes of one part.
            max_concurrency: Parts under way at once.
            object_settings: Storage class, tags, encryption … of this object, over those of the storage; see
                `holdfast.object_settings.ObjectSettings`.

        Returns:
            What the storage answered, with the checksum of the bytes as they were streamed.

        Raises:
            AlreadyExistsError: The key is taken and `if_absent` is set.
            ConfigurationError: The service does not have one of the settings, or a number is below 1.
            StorageError: The storage failed; nothing is left under a temporary name.
        """
        settings = ObjectSettings.of(object_settings)
        request = PutRequest(
            key, content, content_type, metadata, if_absent, use_multipart, chunk_size, max_concurrency, settings
        )
        return self._put(*self._ready(request))

    async def put_async(
        self,
        key: str,
        content: Content,
        *,
        content_type: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        if_absent: bool = False,
        use_multipart: bool | None = None,
        chunk_size: int | None = None,
        max_concurrency: int | None = None,
        object_settings: ObjectSettingsLike = None,
    ) -> ObjectInfo:
        """Like `put`; takes async iterators too."""
        settings = ObjectSettings.of(object_settings)
        request = PutRequest(
            key, content, content_type, metadata, if_absent, use_multipart, chunk_size, max_concurrency, settings
        )
        return await self._put_async(*self._ready(request))

    def put_many(self, requests: Sequence[PutRequest]) -> Outcomes:
        """Write many objects, concurrently up to the storage's limit.

        Returns:
            For each request, in order, what `put` would have returned or raised.
        """
        return self._batch.run([self._ready(request) for request in requests], self._put)

    async def put_many_async(self, requests: Sequence[PutRequest]) -> Outcomes:
        """Like `put_many`."""
        return await self._batch.run_async([self._ready(request) for request in requests], self._put_async)

    def delete(self, keys: str | Iterable[str]) -> None:
        """Delete one object or many; those that do not exist count as deleted.

        Raises:
            StorageError: Some could not be deleted.
        """
        wanted = _keys(keys)
        if wanted:
            with self._wrapping("delete", wanted[0] if len(wanted) == 1 else None) as seen:
                seen.objects = len(wanted)
                self._driver.delete(wanted)

    async def delete_async(self, keys: str | Iterable[str]) -> None:
        """Like `delete`."""
        wanted = _keys(keys)
        if wanted:
            with self._wrapping("delete", wanted[0] if len(wanted) == 1 else None) as seen:
                seen.objects = len(wanted)
                await self._driver.delete_async(wanted)

    def _ready(self, request: PutRequest) -> tuple[PutRequest, Body]:
        validate_key(request.key)
        if request.chunk_size is not None:
            count("chunk_size", request.chunk_size)
        if request.max_concurrency is not None:
            count("max_concurrency", request.max_concurrency)
        settings = self._checked(request.object_settings).over(self._object_settings)
        if settings is not request.object_settings:
            request = request._replace(object_settings=settings)
        return request, Body(to_source(request.content), self._algorithm, self._new_hash)

    def _put(self, request: PutRequest, body: Body) -> ObjectInfo:
        try:
            with self._wrapping("put", request.key, body):
                info = self._driver.put(request.key, body, request.options())
        except AlreadyExistsError:
            info = self.stat(request.key)
            if not _is_ours(info, request, body):
                raise
        return as_streamed(info, request, body)

    async def _put_async(self, request: PutRequest, body: Body) -> ObjectInfo:
        # What is awaited may come from a client, at its pace: some slow ones would keep everybody else from writing.
        slot = nullcontext() if body.is_async else self._batch.slot()
        try:
            async with slot:
                with self._wrapping("put", request.key, body):
                    info = await self._driver.put_async(request.key, body, request.options())
        except AlreadyExistsError:
            info = await self.stat_async(request.key)
            if not _is_ours(info, request, body):
                raise
        return as_streamed(info, request, body)


def _is_ours(info: ObjectInfo, request: PutRequest, body: Body) -> bool:
    """Return whether an object in the way is this very write, whose first answer was lost."""
    return request.fresh and info.size == body.size


def _keys(keys: str | Iterable[str]) -> list[str]:
    return [validate_key(key) for key in ([keys] if isinstance(keys, str) else keys)]
