"""Answers that leave the bytes to somebody else: the storage itself, by a redirect, or the server in front."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias
from urllib.parse import quote

from holdfast.errors import ConfigurationError, MissingExtraError, UnsupportedError
from holdfast.serving.planner import type_and_disposition
from holdfast.serving.reply import Reply

if TYPE_CHECKING:
    from holdfast.disposition import SignedHeaders
    from holdfast.file import FileObject
    from holdfast.serving.reply import ServePolicy

Mode: TypeAlias = Literal["proxy", "redirect", "auto"]
"""``"proxy"``: the application sends the bytes. ``"redirect"``: the client is sent to a URL of the storage.
That is the public one, if it has a ``public_url``; else one that the service signs; else one of Holdfast's own, which
`SignedFiles` serves. ``"auto"``: redirect where the service signs URLs by itself and can, else proxy."""

_MODES = ("proxy", "redirect", "auto")


class Offload(NamedTuple):
    """A web server in front of the application that sends files from the local disk when a header tells it to.

    Attributes:
        header: ``"X-Accel-Redirect"`` for nginx and Caddy, ``"X-Sendfile"`` for Apache and lighttpd.
        prefix: What the server wants before the file's path below the storage's root folder: for nginx an internal
            location such as ``"/protected/"``, for the others the folder, such as ``"/srv/files/"``.

    Example:
        >>> Offload("X-Accel-Redirect", "/protected/").value("2025/Été 1.pdf")
        '/protected/2025/%C3%89t%C3%A9%201.pdf'
    """

    header: str
    prefix: str

    def value(self, path: str) -> str:
        """Return the header's value for a path: percent-encoded, as all of these servers want it."""
        return f"{self.prefix.removesuffix('/')}/{quote(path)}"

    def over(self, reply: Reply, path: str) -> Reply:
        """Return an answer whose bytes, length and ranges the server in front supplies."""
        kept = tuple(pair for pair in reply.headers if pair[0] not in {b"content-length", b"accept-ranges"})
        sent_there = (self.header.lower().encode("ascii"), self.value(path).encode("ascii"))
        return Reply(reply.status, ((b"content-length", b"0"), sent_there, *kept))


def check_mode(mode: object) -> None:
    """Refuse what is no `Mode`."""
    if mode not in _MODES:
        message = f"mode={mode!r} must be one of {_MODES}"
        raise ConfigurationError(message)


def location(file: FileObject, mode: Mode, policy: ServePolicy, expires_in: int) -> str | None:
    """Return the URL to redirect to; None if the application is to send the bytes."""
    if _is_sent(file, mode):
        return None
    if mode == "redirect" and (public := file.backend.public_url_of(file._key())) is not None:
        return public
    try:
        url = file.sign(expires_in=expires_in, **_signed(file, policy))
        return None if _leads_here(file, mode, url) else url
    except (UnsupportedError, MissingExtraError):
        if mode == "redirect":
            raise
        return None


async def location_async(file: FileObject, mode: Mode, policy: ServePolicy, expires_in: int) -> str | None:
    """Like `location`."""
    if _is_sent(file, mode):
        return None
    if mode == "redirect" and (public := file.backend.public_url_of(file._key())) is not None:
        return public
    try:
        url = await file.sign_async(expires_in=expires_in, **_signed(file, policy))
        return None if _leads_here(file, mode, url) else url
    except (UnsupportedError, MissingExtraError):
        if mode == "redirect":
            raise
        return None


def redirect(url: str) -> Reply:
    """Return the answer that sends a client there, once: the URL works for a while only, so nobody may keep it."""
    headers = (
        (b"location", url.encode("ascii")),
        (b"content-length", b"0"),
        (b"cache-control", b"no-store"),
    )
    return Reply(302, headers)


def _is_sent(file: FileObject, mode: Mode) -> bool:
    return mode == "proxy" or (mode == "auto" and not file.backend.signs)


def _leads_here(file: FileObject, mode: Mode, url: str) -> bool:
    """Return whether a URL is Holdfast's own, which no service serves; an object of a storage that moves has such."""
    return mode == "auto" and file.backend.is_own(url)


def _signed(file: FileObject, policy: ServePolicy) -> SignedHeaders:
    """Return what the service is to say: the same as is said here, so that nothing runs there either."""
    content_type, disposition = type_and_disposition(file.filename, file.content_type, policy)
    return {"content_type": content_type, "content_disposition": disposition}
