"""The portable storage type: every rule that holds for all services is here, none is in a driver."""

from __future__ import annotations

import logging

from holdfast.backends.reading import CHUNK_SIZE
from holdfast.backends.writing import Writing
from holdfast.drivers import threads
from holdfast.drivers.protocol import AsyncPartialUploads, AsyncSigner, PartialUploads, Signer, SignRequest
from holdfast.errors import ConfigurationError, HoldfastError, UnsupportedError
from holdfast.keys import validate_key

__all__ = ["CHUNK_SIZE", "StorageBackend"]

logger = logging.getLogger("holdfast")

_CLEAR = "clear_partial_uploads"
_MAX_EXPIRY = 7 * 24 * 3600  # the limit of AWS Signature Version 4


class StorageBackend(Writing):
    """A named storage.

    Usually made as `ObstoreBackend` or `FSSpecBackend`; made directly over any object that fulfils
    `holdfast.drivers.protocol.Driver`.

    Args:
        key: Name under which rows and files refer to the storage.
        driver: The service.
        checksum: Algorithm of the checksums that writes compute: ``"sha256"``, ``"blake3"`` or None.
        max_concurrency: Uploads of one flush, or of one event loop, that are under way at once.
        key_scheme: How keys of new files are made, see `holdfast.schemes`; None for day, id and name.
        object_settings: What the service is told with each write (storage class, tags, encryption …), see
            `holdfast.object_settings.ObjectSettings`; a mapping will do.

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

    _signs_plainly = False  # until it was said

    def sign(
        self,
        key: str,
        *,
        expires_in: int = 3600,
        for_upload: bool = False,
        content_type: str | None = None,
        content_disposition: str | None = None,
    ) -> str:
        """Return a URL that reads (or with `for_upload` writes) one object without credentials.

        S3, GCS and Azure have such URLs. An upload to Azure must be sent with ``x-ms-blob-type: BlockBlob``.

        Args:
            key: The object; it need not exist.
            expires_in: Seconds until the URL stops working, at most 7 days. With temporary credentials it stops when
                they do.
            for_upload: For a PUT instead of a GET.
            content_type: ``Content-Type`` of the answer; with `for_upload`, the one that the upload must be sent with,
                which Azure cannot demand.
            content_disposition: ``Content-Disposition`` of the answer, see `holdfast.disposition`.

        Raises:
            UnsupportedError: The service has no signed URLs, or the credentials cannot sign them, or not with these
                headers; the message says what can.
            MissingExtraError: A package is needed to sign; the message holds the ``pip install`` command.
            ConfigurationError: An argument is out of range.
        """
        request = self._sign_request(key, expires_in, content_type, content_disposition, for_upload=for_upload)
        with self._wrapping("sign", key, expected=(UnsupportedError,)):
            return self._signer(key).sign(request)

    async def sign_async(
        self,
        key: str,
        *,
        expires_in: int = 3600,
        for_upload: bool = False,
        content_type: str | None = None,
        content_disposition: str | None = None,
    ) -> str:
        """Like `sign`."""
        request = self._sign_request(key, expires_in, content_type, content_disposition, for_upload=for_upload)
        with self._wrapping("sign", key, expected=(UnsupportedError,)):
            signer = self._signer(key)
            if isinstance(signer, AsyncSigner):
                return await signer.sign_async(request)
            return await threads.run(signer.sign, request)  # it may have to fetch credentials

    def signed_plainly(self, reason: HoldfastError) -> None:
        """Say once in the log that URLs of files do not make browsers save them, as they should."""
        if not self._signs_plainly:
            self._signs_plainly = True
            message = (
                "storage %r signs URLs of files without the headers that make a browser save a file under its name, "
                "so that it may be shown instead: %s"
            )
            logger.warning(message, self.key, reason)

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

    def _sign_request(
        self, key: str, expires_in: int, content_type: str | None, content_disposition: str | None, *, for_upload: bool
    ) -> SignRequest:
        if type(expires_in) is not int or not 1 <= expires_in <= _MAX_EXPIRY:
            message = f"expires_in={expires_in!r} must be whole seconds from 1 to {_MAX_EXPIRY} (7 days)"
            raise ConfigurationError(message)
        if for_upload and content_disposition is not None:
            message = "content_disposition is a header of answers: leave it out of a URL for an upload"
            raise ConfigurationError(message)
        for name, value in (("content_type", content_type), ("content_disposition", content_disposition)):
            if value is not None and not _is_header(value):
                message = f"{name}={value!r} must be text of printable ASCII, as all headers"
                raise ConfigurationError(message)
        method = "PUT" if for_upload else "GET"
        return SignRequest(validate_key(key), method, expires_in, content_type, content_disposition)

    def _signer(self, key: str) -> Signer:
        if not isinstance(self._plain, Signer):
            message = f"storage {self.key!r} cannot sign URLs: S3, GCS and Azure can"
            raise UnsupportedError(message, operation="sign", storage=self.key, path=key)
        return self._plain


def _is_header(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable() and value != ""
