"""URLs of a file: who has a signed one reads or writes the object without credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from holdfast.errors import ConfigurationError, MissingExtraError, UnsupportedError
from holdfast.file_forms import FileForms

if TYPE_CHECKING:
    from holdfast.disposition import Disposition, SignedHeaders


class SignableFile(FileForms):
    """A file that makes URLs."""

    def sign(
        self,
        *,
        expires_in: int = 3600,
        for_upload: bool = False,
        disposition: Disposition | Literal["auto"] | None = "auto",
        content_type: str | None = None,
        content_disposition: str | None = None,
        size: int | None = None,
    ) -> str:
        """Return a URL that reads, or with `for_upload` writes, this object without credentials.

        Left alone, a browser that opens it saves the file under its name. Images and players on a page show it all the
        same, but HTML or SVG that a stranger uploaded does not run.

        Args:
            expires_in: Seconds until it stops working, at most 7 days.
            for_upload: For a PUT instead of a GET.
            disposition: What a browser does that opens the URL: ``"attachment"``, it saves the file; ``"inline"``, it
                shows the file, if that has one of the types in `holdfast.disposition.INLINE_TYPES`, and else saves it;
                None, as the object was stored. ``"auto"`` is ``"attachment"`` where the credentials can sign that,
                else None.
            content_type: In place of the file's own; see `StorageBackend.sign`.
            content_disposition: The whole header, in place of `disposition`, and your word: a service that signs by
                itself shows what it says, also HTML. See `StorageBackend.sign`.
            size: With `for_upload`: the bytes that the upload must have; see `StorageBackend.sign`.

        Raises:
            UnsupportedError: The storage cannot sign that; the message says what can.
        """
        key, storage = self._key(), self.backend
        asked: SignedHeaders = {"content_type": content_type, "content_disposition": content_disposition}
        offered, is_dispensable = self._offered(disposition, asked, for_upload=for_upload)
        try:
            return storage.sign(key, expires_in=expires_in, for_upload=for_upload, size=size, **offered)
        except (UnsupportedError, MissingExtraError) as error:
            if not is_dispensable:
                raise
            reason = error
        url = storage.sign(key, expires_in=expires_in, **asked)
        storage.signed_plainly(reason)
        return url

    async def sign_async(
        self,
        *,
        expires_in: int = 3600,
        for_upload: bool = False,
        disposition: Disposition | Literal["auto"] | None = "auto",
        content_type: str | None = None,
        content_disposition: str | None = None,
        size: int | None = None,
    ) -> str:
        """Like `sign`."""
        key, storage = self._key(), self.backend
        asked: SignedHeaders = {"content_type": content_type, "content_disposition": content_disposition}
        offered, is_dispensable = self._offered(disposition, asked, for_upload=for_upload)
        try:
            return await storage.sign_async(key, expires_in=expires_in, for_upload=for_upload, size=size, **offered)
        except (UnsupportedError, MissingExtraError) as error:
            if not is_dispensable:
                raise
            reason = error
        url = await storage.sign_async(key, expires_in=expires_in, **asked)
        storage.signed_plainly(reason)
        return url

    def url(
        self,
        *,
        expires_in: int = 3600,
        disposition: Disposition | Literal["auto"] | None = "auto",
        content_type: str | None = None,
        content_disposition: str | None = None,
    ) -> str:
        """Return a URL to read this file, for a page or an answer.

        It is the public URL, where the storage has a ``public_url``; else a signed one of Holdfast's own, if
        ``storages.sign_urls`` was called, for any storage: the application serves it, or redirects to the service; else
        a signed one of the service, as `sign` makes it. The arguments are those of `sign`; a public URL takes no notice
        of them.

        Raises:
            UnsupportedError: There is none of these; the message says what to do.
        """
        link = self.link(
            expires_in=expires_in,
            disposition=disposition,
            content_type=content_type,
            content_disposition=content_disposition,
        )
        return link or self.sign(
            expires_in=expires_in,
            disposition=disposition,
            content_type=content_type,
            content_disposition=content_disposition,
        )

    async def url_async(
        self,
        *,
        expires_in: int = 3600,
        disposition: Disposition | Literal["auto"] | None = "auto",
        content_type: str | None = None,
        content_disposition: str | None = None,
    ) -> str:
        """Like `url`."""
        link = self.link(
            expires_in=expires_in,
            disposition=disposition,
            content_type=content_type,
            content_disposition=content_disposition,
        )
        return link or await self.sign_async(
            expires_in=expires_in,
            disposition=disposition,
            content_type=content_type,
            content_disposition=content_disposition,
        )

    def link(
        self,
        *,
        expires_in: int = 3600,
        disposition: Disposition | Literal["auto"] | None = "auto",
        content_type: str | None = None,
        content_disposition: str | None = None,
    ) -> str | None:
        """Return what `url` does, where that takes no request: also for a serializer, or a template.

        Returns:
            None where only the service could sign a URL, or nobody.
        """
        asked: SignedHeaders = {"content_type": content_type, "content_disposition": content_disposition}
        offered, _ = self._offered(disposition, asked, for_upload=False)
        return self.backend.link(self._key(), expires_in=expires_in, **offered)

    def _offered(
        self, disposition: str | None, asked: SignedHeaders, *, for_upload: bool
    ) -> tuple[SignedHeaders, bool]:
        """Return what a signed URL is to set, and whether the URL may do without what was not asked for."""
        if disposition not in (None, "auto", "attachment", "inline"):
            message = f'disposition={disposition!r} must be "auto", "attachment", "inline" or None'
            raise ConfigurationError(message)
        is_plain = disposition is None or (for_upload and disposition == "auto")
        if is_plain or asked["content_disposition"] is not None:
            return asked, False
        from holdfast.disposition import answer_headers  # noqa: PLC0415  # `import holdfast` need not pay for it

        kind: Disposition = "inline" if disposition == "inline" else "attachment"
        own = asked["content_type"]
        content_type, header = answer_headers(kind, self.filename, self.content_type if own is None else str(own))
        offered: SignedHeaders = {
            "content_type": content_type if own is None else own,  # the storage checks what the caller wrote
            "content_disposition": header,
        }
        return offered, disposition == "auto"
