"""Uploads that clients make by themselves: to the service, or to Holdfast's own signed URLs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.backends.signing import Signing, check_expiry, check_media_type, check_size
from holdfast.drivers import threads
from holdfast.drivers.optional import DirectUploads, PlainFiles, SignRequest, UploadOffer
from holdfast.drivers.protocol import SINGLE_PUT_LIMIT
from holdfast.errors import ConfigurationError, UnsupportedError
from holdfast.keys import validate_key
from holdfast.late_patterns import late_pattern

if TYPE_CHECKING:
    from holdfast.drivers.optional import UploadTerms

_CHECKSUM = late_pattern(r"sha256:[0-9a-f]{64}")
_FINISH = "finish_upload"


class DirectUploading(Signing):
    """The part of a `StorageBackend` that lets clients upload."""

    def offer_upload(self, terms: UploadTerms) -> UploadOffer:
        """Return how a client may upload one object, held to what was agreed as far as the service can.

        Where the service has no such uploads the client sends it to a signed URL of Holdfast's own, whose application
        holds it to all of it.

        Raises:
            UnsupportedError: The service, or its credentials, cannot offer that, or `StorageRegistry.sign_urls` was
                not called; the message says what can.
            MissingExtraError: A package is needed to sign; the message holds the ``pip install`` command.
            ConfigurationError: The terms are out of range.
        """
        terms = self._whole(terms)
        with self._wrapping("offer_upload", terms.key, expected=(UnsupportedError,)):
            if isinstance(self._plain, DirectUploads):
                return self._plain.offer_upload(terms)
            return self._own_offer(terms)

    async def offer_upload_async(self, terms: UploadTerms) -> UploadOffer:
        """Like `offer_upload`."""
        terms = self._whole(terms)
        with self._wrapping("offer_upload", terms.key, expected=(UnsupportedError,)):
            if isinstance(self._plain, DirectUploads):
                return await threads.run_to_end(threads.blocking.submit(self._plain.offer_upload, terms))
            return self._own_offer(terms)

    def finish_upload(self, key: str, upload_id: str) -> None:
        """Make a multipart upload an object; one that was finished before is no error.

        Args:
            key: The object.
            upload_id: As the offer named it.

        Raises:
            UnsupportedError: The storage has no such uploads.
            StorageError: The storage failed, or has no such upload.
        """
        validate_key(key)
        with self._wrapping(_FINISH, key):
            self._multipart(key).finish_upload(key, upload_id)

    async def finish_upload_async(self, key: str, upload_id: str) -> None:
        """Like `finish_upload`."""
        validate_key(key)
        with self._wrapping(_FINISH, key):
            await threads.run_to_end(threads.blocking.submit(self._multipart(key).finish_upload, key, upload_id))

    def _whole(self, terms: UploadTerms) -> UploadTerms:
        """Return terms that can be kept, with the settings of the storage."""
        validate_key(terms.key)
        check_expiry(terms.expires_in)
        check_size(terms.size)
        check_media_type(terms.content_type)
        if terms.checksum is not None and not _CHECKSUM.fullmatch(terms.checksum):
            message = f'checksum={terms.checksum!r} must be "sha256:" and 64 lower-case hexadecimal digits'
            raise ConfigurationError(message)
        if terms.as_form and terms.in_parts:
            message = "an upload is a form or in parts, not both"
            raise ConfigurationError(message)
        self._check_writable("offer_upload", terms.key)
        return terms._replace(settings=self._checked(terms.settings).over(self._object_settings))

    def _own_offer(self, terms: UploadTerms) -> UploadOffer:
        if terms.in_parts:
            message = f"storage {self.key!r} takes no uploads in parts from clients, as S3, GCS and Azure can"
            raise UnsupportedError(message, operation="offer_upload", storage=self.key, path=terms.key)
        if terms.settings != self._object_settings:
            message = f"storage {self.key!r} takes no object_settings for a single upload of a client"
            raise UnsupportedError(message, operation="offer_upload", storage=self.key, path=terms.key)
        request = SignRequest(
            terms.key,
            "PUT",
            terms.expires_in,
            terms.content_type,
            size=terms.size,
            checksum=terms.checksum,
            if_absent=True,
        )
        # Two uploads at once of which the second wins could replace bytes that were looked at, unless both are equal.
        whole = terms.size <= SINGLE_PUT_LIMIT or isinstance(self._plain, PlainFiles)  # a disk links a file of any size
        creates_only = self.abilities.atomic_create and whole
        return UploadOffer(
            "POST" if terms.as_form else "PUT",
            self._own(request),
            headers={} if terms.as_form else {"content-type": terms.content_type},
            creates_only=creates_only or terms.checksum is not None,
            checks_checksum=True,
        )

    def _multipart(self, key: str) -> DirectUploads:
        if not isinstance(self._plain, DirectUploads):
            message = f"storage {self.key!r} has no uploads in parts"
            raise UnsupportedError(message, operation=_FINISH, storage=self.key, path=key)
        return self._plain
