"""A file: what a row refers to, and what is on its way there."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from holdfast.contents import to_source
from holdfast.drivers import threads
from holdfast.errors import (
    FileStateError,
    HoldfastError,
)
from holdfast.file_signing import SignableFile
from holdfast.keys import new_id
from holdfast.object_settings import ObjectSettings
from holdfast.registry import named_storage, storages
from holdfast.schemes import KeyContext, make_key
from holdfast.sources import CHUNK_SIZE
from holdfast.tracked import untrack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import Any, BinaryIO, Self

    from holdfast.backends.base import StorageBackend
    from holdfast.contents import Content
    from holdfast.object_settings import ObjectSettingsLike
    from holdfast.objects import ObjectInfo
    from holdfast.saving import Saving


class FileObject(SignableFile):
    """A file in a storage, or content on its way there.

    With content it is *pending* until it is saved: by the flush of the session that its row is in, or by `save`.
    Without content it refers to what lies under `to_filename`, or `filename`, already.

    Args:
        backend: Name of a storage, or the storage; the column's own if left out.
        filename: The name a person gave, a label; taken from the content where that has one.
        to_filename: Key in the storage; a fresh one that nobody can guess if left out.
        content_type: Media type; guessed from the name if left out.
        size: Length in bytes, if known.
        last_modified: Seconds since the epoch, UTC, if known.
        checksum: ``"<algorithm>:<hex>"``, if known.
        etag: Entity tag, if known.
        version_id: Version, if known.
        metadata: Fields of the caller's, any JSON.
        source_path: File on disk that holds the content.
        content: The content: bytes-like, `Path`, binary file, iterable or async iterable of bytes, or the upload
            object of a framework. A ``str`` is refused.
        object_settings: Storage class, tags, encryption … that the storage is told at the save, over its own; see
            `holdfast.object_settings.ObjectSettings`.

    Raises:
        SourceTypeError: The content has no bytes.
        InvalidKeyError: `to_filename` climbs or cannot be a key.

    Example:
        >>> from holdfast import FileObject, storages
        >>> storage = storages.register_backend("memory://", key="docs")
        >>> file = FileObject(backend="docs", filename="hello.txt", content=b"hello").save()
        >>> file.size, file.get_content(start=1, end=3)
        (5, b'el')
    """

    def save(
        self,
        data: Content | None = None,
        *,
        use_multipart: bool | None = None,
        chunk_size: int | None = None,
        max_concurrency: int | None = None,
        object_settings: ObjectSettingsLike = None,
    ) -> FileObject:
        """Store the content now, under a fresh key unless ``to_filename`` names one (which is then replaced).

        On a row in a session this is undone if the transaction rolls back; elsewhere it is the caller's.

        Args:
            data: New content; the pending one if left out.
            use_multipart: Force or forbid a multipart upload; chosen by size if left out.
            chunk_size: Bytes of one part.
            max_concurrency: Parts under way at once.
            object_settings: In place of those that the file was made with.

        Returns:
            The file itself.

        Raises:
            FileStateError: There is no content.
            SpentSourceError: The content was read before and cannot be rewound.
            StorageError: The storage failed; the file is as it was, and nothing is left of the attempt.
        """
        if object_settings is not None:
            self.object_settings = ObjectSettings.of(object_settings)
        saving = self._start(data, use_multipart=use_multipart, chunk_size=chunk_size, max_concurrency=max_concurrency)
        if saving is not None:
            from holdfast.saving import save_all  # noqa: PLC0415  # `import holdfast` need not pay for it

            try:
                self._finish(save_all([saving]))
            except BaseException:
                if saving.is_fresh:
                    with suppress(HoldfastError):
                        saving.storage.delete(saving.ref.path)
                raise
        return self

    async def save_async(
        self,
        data: Content | None = None,
        *,
        use_multipart: bool | None = None,
        chunk_size: int | None = None,
        max_concurrency: int | None = None,
        object_settings: ObjectSettingsLike = None,
    ) -> FileObject:
        """Like `save`."""
        if object_settings is not None:
            self.object_settings = ObjectSettings.of(object_settings)
        saving = self._start(data, use_multipart=use_multipart, chunk_size=chunk_size, max_concurrency=max_concurrency)
        if saving is not None:
            from holdfast.saving import save_all_async  # noqa: PLC0415  # `import holdfast` need not pay for it

            try:
                self._finish(await save_all_async([saving]))
            except BaseException:
                if saving.is_fresh:
                    with suppress(HoldfastError):
                        await threads.finish(asyncio.ensure_future(saving.storage.delete_async(saving.ref.path)))
                raise
        return self

    def get_content(self, *, start: int = 0, end: int | None = None) -> bytes:
        """Return the bytes, or those from `start` (inclusive) to `end` (exclusive), like a slice."""
        return self.backend.read(self._key(), start=start, end=end)

    async def get_content_async(self, *, start: int = 0, end: int | None = None) -> bytes:
        """Like `get_content`."""
        return await self.backend.read_async(self._key(), start=start, end=end)

    def iter_content(self, *, start: int = 0, end: int | None = None, chunk_size: int = CHUNK_SIZE) -> Iterator[bytes]:
        """Yield the bytes in chunks of about `chunk_size`, in bounded memory."""
        return self.backend.stream(self._key(), start=start, end=end, chunk_size=chunk_size)

    def iter_content_async(
        self, *, start: int = 0, end: int | None = None, chunk_size: int = CHUNK_SIZE
    ) -> AsyncIterator[bytes]:
        """Like `iter_content`."""
        return self.backend.stream_async(self._key(), start=start, end=end, chunk_size=chunk_size)

    def open(self) -> BinaryIO:
        """Return a seekable binary file over the object, for libraries that want one; sync by nature."""
        return self.backend.open(self._key())

    def delete(self) -> None:
        """Delete the object; one that is gone already is no error.

        On a row in a session it waits for the commit, and stays if the row still holds it then.
        """
        if not self._queue_delete():
            self.backend.delete(self._key())
            self._become_deleted()

    async def delete_async(self) -> None:
        """Like `delete`."""
        if not self._queue_delete():
            await self.backend.delete_async(self._key())
            self._become_deleted()

    def exists(self) -> bool:
        """Return whether the object is there."""
        return self.backend.exists(self._key())

    async def exists_async(self) -> bool:
        """Like `exists`."""
        return await self.backend.exists_async(self._key())

    def refresh(self) -> FileObject:
        """Read size, etag, version and time from the storage, as after a direct upload.

        Returns:
            The file itself.
        """
        return self._refreshed(self.backend.stat(self._key()))

    async def refresh_async(self) -> FileObject:
        """Like `refresh`."""
        return self._refreshed(await self.backend.stat_async(self._key()))

    def copy_to(self, backend: str | StorageBackend) -> FileObject:
        """Return a copy under a fresh key in a storage, this one or another."""
        copy, target, key = self._copy_for(backend)
        info = self.backend.copy(self._key(), key, to=target)
        return copy._copied(self, info)

    async def copy_to_async(self, backend: str | StorageBackend) -> FileObject:
        """Like `copy_to`."""
        copy, target, key = self._copy_for(backend)
        info = await self.backend.copy_async(self._key(), key, to=target)
        return copy._copied(self, info)

    def verify(self) -> None:
        """Read the object and compare its checksum.

        Raises:
            ChecksumMismatchError: The bytes are not the ones that were saved.
            FileStateError: No checksum is known.
        """
        self.backend.verify(self._key(), self._known_checksum())

    async def verify_async(self) -> None:
        """Like `verify`."""
        await self.backend.verify_async(self._key(), self._known_checksum())

    # --- shared by the twins

    def _start(self, data: Content | None, **options: Any) -> Saving | None:
        from holdfast.saving import prepare  # noqa: PLC0415  # `import holdfast` need not pay for it

        if self._problem is not None or (data is None and self._source is None and self._path is None):
            self._key()
        source = self._source if data is None else to_source(data)
        if source is None:
            if self.etag is not None or self.size is not None:
                return None  # saved already
            message = f"the file {self.filename!r} has no content to save: pass it, as in save(data)"
            raise FileStateError(message)
        attached = self._active_attachment()
        if attached is not None and not attached.holds(self):
            attached = None  # given away meanwhile: the save is the caller's
        place = None if self._attachment is None else self._attachment.place()
        saving = prepare(self, source, place=place, replacing=attached is None, **options)
        if attached is not None:
            attached.saved(saving)
        return saving

    def _finish(self, failures: list[Exception]) -> None:
        if failures:
            raise failures[0]
        self._changed()

    def _active_attachment(self) -> Any:
        return self._attachment if self._attachment is not None and self._attachment.is_active() else None

    def _queue_delete(self) -> bool:
        attached = self._active_attachment()
        if attached is None:
            return False
        from holdfast.saving import Ref  # noqa: PLC0415  # `import holdfast` need not pay for it

        attached.queue_delete(Ref(self.backend.key, self._key()))
        return True

    def _refreshed(self, info: ObjectInfo) -> Self:
        if (self.size, self.etag) != (info.size, info.etag):
            self.checksum = self._accepted_by = None  # of other bytes
        self._take_facts(info)
        self._content_type = self._content_type or info.content_type
        self._changed()
        return self

    def _known_checksum(self) -> str:
        self._key()
        if self.checksum is None:
            message = f"no checksum is known for {self.filename!r}: it was not saved by Holdfast, or with checksum=None"
            raise FileStateError(message)
        return self.checksum

    def _copy_for(self, backend: str | StorageBackend) -> tuple[FileObject, StorageBackend, str]:
        name, storage = named_storage(backend)
        target = storages.get(name) if storage is None else storage
        return self._twin(target), target, make_key(target.key_scheme, KeyContext(new_id(), self))

    def _twin(self, backend: StorageBackend) -> FileObject:
        """Return a file of the same name, type and metadata that lies nowhere yet."""
        return type(self)(
            backend=backend, filename=self.filename, content_type=self._content_type, metadata=untrack(self.metadata)
        )

    def _copied(self, original: FileObject, info: ObjectInfo) -> FileObject:
        """Become the copy that was made of another file."""
        self._take_facts(info)
        self._lie_at(info.key)
        self.checksum = original.checksum
        return self
