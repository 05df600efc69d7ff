"""The portable storage type: every rule that holds for all services is here, none is in a driver."""

from __future__ import annotations

from holdfast.backends.direct_uploads import DirectUploading
from holdfast.drivers import threads
from holdfast.drivers.optional import AsyncPartialUploads, PartialUploads
from holdfast.sources import CHUNK_SIZE

__all__ = ["CHUNK_SIZE", "StorageBackend"]

_CLEAR = "clear_partial_uploads"


class StorageBackend(DirectUploading):
    """A named storage.

    Usually made as `ObstoreBackend` or `FSSpecBackend`; made directly over any object that fulfils
    `holdfast.drivers.protocol.Driver`.

    Args:
        key: Name under which rows and files refer to the storage.
        driver: The service.
        checksum: Algorithm of the checksums that writes compute: ``"sha256"``, ``"blake3"`` or None.
        max_concurrency: Uploads of one flush, or of one event loop, that are under way at once; of the loop's, those
            whose content is awaited do not count.
        key_scheme: How keys of new files are made, see `holdfast.schemes`; None for day, id and name.
        object_settings: What the service is told with each write (storage class, tags, encryption …), see
            `holdfast.object_settings.ObjectSettings`; a mapping will do.
        public_url: Where everybody may read the objects, such as ``"https://cdn.example.com/"``: a CDN or a public
            bucket. What comes after it is the key.

    Example:
        >>> from pathlib import Path
        >>> from tempfile import mkdtemp
        >>> from holdfast.drivers.local import LocalDriver
        >>> storage = StorageBackend("docs", LocalDriver(Path(mkdtemp())))
        >>> storage.put("notes/hello.txt", b"hello").size
        5
        >>> storage.read("notes/hello.txt", start=1, end=3)
        b'el'
    """

    def clear_partial_uploads(self, older_than: float, *, delete: bool) -> list[str]:
        """Drop what uploads that were cut off left behind: parts on S3, temporary files on a local disk.

        Args:
            older_than: Only what was begun before this time, in seconds since the epoch.
            delete: Without it, only look.

        Returns:
            What was found: keys, or names of temporary files. Always nothing where the service shows no such thing:
            GCS and Azure drop it by themselves, after a week or by a lifecycle rule.

        Raises:
            UnsupportedError: The requests cannot be signed, because the credentials are hidden; the message says
                what to do.
            StorageError: The storage failed.
        """
        if not isinstance(self._plain, PartialUploads):
            return []
        with self._wrapping(_CLEAR, None):
            return self._plain.clear_partial_uploads(older_than, delete=delete)

    async def clear_partial_uploads_async(self, older_than: float, *, delete: bool) -> list[str]:
        """Like `clear_partial_uploads`."""
        if not isinstance(self._plain, PartialUploads):
            return []
        with self._wrapping(_CLEAR, None):
            if isinstance(self._plain, AsyncPartialUploads):
                return await self._plain.clear_partial_uploads_async(older_than, delete=delete)
            clear = self._plain.clear_partial_uploads
            return await threads.run_to_end(threads.blocking.submit(clear, older_than, delete=delete))
