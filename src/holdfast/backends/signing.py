"""URLs of objects: signed ones, the service's own or Holdfast's, and public ones."""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from holdfast.backends.altering import Altering
from holdfast.drivers import threads
from holdfast.drivers.optional import AsyncSigner, Signer, SignRequest, UnsignedError
from holdfast.errors import ConfigurationError, HoldfastError, UnsupportedError
from holdfast.keys import validate_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from holdfast.signed_urls import SignedURLs

MAX_EXPIRY = 7 * 24 * 3600
"""Seconds that a signed URL may work, the limit of AWS Signature Version 4."""

logger = logging.getLogger("holdfast")

_ADVICE = (
    "call storages.sign_urls(base_url='https://app.example.com/files', secret='…') for URLs of Holdfast's own, "
    "and mount the SignedFiles of holdfast.serving there"
)


class Registry(Protocol):
    """Where a storage is registered, as far as it has to know."""

    @property
    def signed_urls(self) -> SignedURLs | None:
        """What makes Holdfast's own URLs."""

    def all(self) -> Mapping[str, Any]:
        """Return the registered storages by name."""


class Signing(Altering):
    """The part of a `StorageBackend` that makes URLs."""

    _registry: Registry | None = None  # set by the registry
    _signs_plainly = False  # until it was said

    @property
    def signs(self) -> bool:
        """Whether the service makes signed URLs by itself."""
        return isinstance(self._plain, Signer)

    def sign(
        self,
        key: str,
        *,
        expires_in: int = 3600,
        for_upload: bool = False,
        content_type: str | None = None,
        content_disposition: str | None = None,
        size: int | None = None,
    ) -> str:
        """Return a URL that reads (or with `for_upload` writes) one object without credentials.

        S3, GCS and Azure have such URLs. For all other storages they are Holdfast's own, which an application serves
        with `SignedFiles`, after ``storages.sign_urls(…)``. An upload to Azure must be sent with
        ``x-ms-blob-type: BlockBlob``.

        Args:
            key: The object; it need not exist.
            expires_in: Seconds until the URL stops working, at most 7 days. With temporary credentials it stops when
                they do.
            for_upload: For a PUT instead of a GET. It replaces what lies there, as often as it is used; an upload that
                does not is made by `offer_upload`.
            content_type: ``Content-Type`` of the answer; with `for_upload`, the one that the upload must be sent with,
                which Azure cannot demand.
            content_disposition: ``Content-Disposition`` of the answer, see `holdfast.disposition`. A service sends it
                as it is; `SignedFiles` shows only harmless types.
            size: With `for_upload`: the bytes that the upload must have, where the service can demand it.

        Raises:
            UnsupportedError: The service has no signed URLs, or the credentials cannot sign them, or not with these
                headers; the message says what can.
            MissingExtraError: A package is needed to sign; the message holds the ``pip install`` command.
            ConfigurationError: An argument is out of range.
        """
        request = self._sign_request(key, expires_in, content_type, content_disposition, size, for_upload=for_upload)
        with self._wrapping("sign", key, expected=(UnsupportedError,)):
            if isinstance(self._plain, Signer):
                with suppress(UnsignedError):
                    return self._plain.sign(request)
            return self._own(request)

    async def sign_async(
        self,
        key: str,
        *,
        expires_in: int = 3600,
        for_upload: bool = False,
        content_type: str | None = None,
        content_disposition: str | None = None,
        size: int | None = None,
    ) -> str:
        """Like `sign`."""
        request = self._sign_request(key, expires_in, content_type, content_disposition, size, for_upload=for_upload)
        with self._wrapping("sign", key, expected=(UnsupportedError,)):
            with suppress(UnsignedError):
                if isinstance(self._plain, AsyncSigner):
                    return await self._plain.sign_async(request)
                if isinstance(self._plain, Signer):
                    return await threads.run(self._plain.sign, request)  # it may have to fetch credentials
            return self._own(request)

    def is_own(self, url: str) -> bool:
        """Return whether a URL is a signed one of Holdfast's own, which `sign` makes where the service cannot."""
        urls = self._signed_urls()
        return urls is not None and url.startswith(f"{urls.base_url}/")

    def link(
        self,
        key: str,
        *,
        expires_in: int = 3600,
        content_type: str | None = None,
        content_disposition: str | None = None,
    ) -> str | None:
        """Return the URL of an object that takes no request to make: its public one, else a signed one of Holdfast's.

        Args:
            key: The object.
            expires_in: See `sign`; a public URL does not expire.
            content_type: See `sign`; not of a public URL.
            content_disposition: See `sign`; not of a public URL.

        Returns:
            None where the storage has no ``public_url`` and `StorageRegistry.sign_urls` was not called.
        """
        request = self._sign_request(key, expires_in, content_type, content_disposition, None, for_upload=False)
        if (public := self.public_url_of(key)) is not None:
            return public
        return None if self._signed_urls() is None else self._own(request)

    def public_url_of(self, key: str) -> str | None:
        """Return the URL under which everybody may read an object; None if the storage was given no ``public_url``.

        Example:
            >>> from holdfast.backends.obstore import ObstoreBackend
            >>> images = ObstoreBackend("images", "memory://", public_url="https://cdn.example.com/images/")
            >>> images.public_url_of("2025/Été 1.png")
            'https://cdn.example.com/images/2025/%C3%89t%C3%A9%201.png'
        """
        validate_key(key)
        return None if self.public_url is None else f"{self.public_url}/{quote(key)}"

    def signed_plainly(self, reason: HoldfastError) -> None:
        """Say once in the log that URLs of files do not make browsers save them, as they should."""
        if not self._signs_plainly:
            self._signs_plainly = True
            message = (
                "storage %r signs URLs of files without the headers that make a browser save a file under its name, "
                "so that it may be shown instead: %s"
            )
            logger.warning(message, self.key, reason)

    def _sign_request(
        self,
        key: str,
        expires_in: int,
        content_type: str | None,
        content_disposition: str | None,
        size: int | None,
        *,
        for_upload: bool,
    ) -> SignRequest:
        check_expiry(expires_in)
        if for_upload and content_disposition is not None:
            message = "content_disposition is a header of answers: leave it out of a URL for an upload"
            raise ConfigurationError(message)
        if size is not None and not for_upload:
            message = "size is that of an upload: it goes with for_upload=True"
            raise ConfigurationError(message)
        if size is not None:
            check_size(size)
        check_header("content_type", content_type)
        check_header("content_disposition", content_disposition)
        method = "PUT" if for_upload else "GET"
        return SignRequest(validate_key(key), method, expires_in, content_type, content_disposition, size)

    def _signed_urls(self) -> SignedURLs | None:
        """Return what makes Holdfast's own URLs, if they would lead here."""
        registry = self._registry
        return registry.signed_urls if registry is not None and registry.all().get(self.key) is self else None

    def _own(self, request: SignRequest) -> str:
        """Return a signed URL of Holdfast's own."""
        if request.method != "GET":
            self._check_writable("sign", request.key)
        urls = self._signed_urls()
        if urls is None:
            if self._registry is not None and self._registry.signed_urls is not None:
                told = f"storage {self.key!r} is not registered, so nobody could serve a signed URL: register it"
            else:
                told = f"storage {self.key!r} cannot sign URLs itself, as S3, GCS and Azure can: {_ADVICE}"
            raise UnsupportedError(told, operation="sign", storage=self.key, path=request.key)
        from holdfast.disposition import is_disposition  # noqa: PLC0415  # `import holdfast` need not pay for signing
        from holdfast.signed_urls import Grant  # noqa: PLC0415  # as above

        if request.content_type is not None:
            check_media_type(request.content_type)
        if request.content_disposition is not None and not is_disposition(request.content_disposition):
            message = f"content_disposition={request.content_disposition!r} must be a whole header of printable ASCII"
            raise ConfigurationError(message)
        expires_at = int(time.time()) + request.expires_in
        return urls.url(
            Grant(
                request.method,
                self.key,
                request.key,
                expires_at,
                request.content_type,
                request.content_disposition,
                request.size,
                request.checksum,
                request.if_absent,
            )
        )

    def _check_writable(self, operation: str, key: str) -> None:
        if not self.abilities.writable:
            message = f"storage {self.key!r} is read-only, so nothing can be uploaded to it"
            raise UnsupportedError(message, operation=operation, storage=self.key, path=key)


def check_expiry(expires_in: object) -> None:
    """Refuse what is no time for a signed URL."""
    if type(expires_in) is not int or not 1 <= expires_in <= MAX_EXPIRY:
        message = f"expires_in={expires_in!r} must be whole seconds from 1 to {MAX_EXPIRY} (7 days)"
        raise ConfigurationError(message)


def check_size(size: object) -> None:
    """Refuse what is no size of an upload."""
    if type(size) is not int or size < 0:
        message = f"size={size!r} must be the bytes of the upload, a whole number"
        raise ConfigurationError(message)


def check_media_type(content_type: str) -> None:
    """Refuse what is no media type."""
    from holdfast.disposition import header_type  # noqa: PLC0415  # `import holdfast` need not pay for it

    if header_type(content_type) != content_type:
        message = f"content_type={content_type!r} must be a media type, such as 'image/png'"
        raise ConfigurationError(message)


def check_header(name: str, value: object) -> None:
    """Refuse what cannot stand in a header."""
    if value is not None and not (isinstance(value, str) and value.isascii() and value.isprintable() and value):
        message = f"{name}={value!r} must be text of printable ASCII, as all headers"
        raise ConfigurationError(message)
