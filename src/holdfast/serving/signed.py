"""What ASGI and WSGI have in common where Holdfast's signed URLs are served: everything but moving bytes."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, NamedTuple

from holdfast.errors import (
    AlreadyExistsError,
    BucketNotFoundError,
    ConfigurationError,
    FileRejectedError,
    HoldfastError,
    InvalidFormError,
    InvalidTokenError,
    NotFoundError,
    StorageTimeoutError,
    ThrottledError,
    UnavailableError,
)
from holdfast.file import FileObject
from holdfast.serving.cors import Origins
from holdfast.serving.elsewhere import check_mode
from holdfast.serving.etags import entity_tag
from holdfast.serving.reply import ServePolicy

if TYPE_CHECKING:
    from collections.abc import Collection

    from holdfast.backends.base import StorageBackend
    from holdfast.objects import ObjectInfo
    from holdfast.registry import StorageRegistry
    from holdfast.serving.cors import Headers
    from holdfast.serving.elsewhere import Mode
    from holdfast.signed_urls import Grant

METHODS = {"GET": "GET", "HEAD": "GET", "PUT": "PUT", "POST": "PUT"}
"""For each method of a request the one that its URL must be signed for."""

_ALLOW = (b"allow", b"GET, HEAD, PUT, POST, OPTIONS")
_KEPT = frozenset({200, 206, 304})  # what a cache may keep
_STATUS = {"too_large": 413, "type_mismatch": 415, "not_a_form": 415, "malformed": 400}
_PASSING = (StorageTimeoutError, ThrottledError, UnavailableError)
_FIXED = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


class Answer(NamedTuple):
    """A whole answer, a small one.

    Attributes:
        status: Of HTTP.
        headers: As ASGI sends them.
        body: JSON, or nothing.
    """

    status: int
    headers: Headers
    body: bytes = b""


class Signed:
    """The rules of one application that serves signed URLs.

    Args:
        storages: Where the storages are registered, and what signs URLs of theirs.
        mode: Who sends the bytes of a file.
        allow_origins: Sites whose pages may use the URLs by script.

    Raises:
        ConfigurationError: An argument is out of range.
    """

    def __init__(self, storages: StorageRegistry, mode: Mode, allow_origins: Collection[str]) -> None:
        check_mode(mode)
        self._storages, self._mode = storages, mode
        self.origins = Origins(allow_origins)

    def opened(self, method: str, path: str) -> tuple[StorageBackend, Grant]:
        """Return what a request is about; its path ends with the token and the name.

        Raises:
            InvalidTokenError: Nothing is allowed, whatever the reason.
            ConfigurationError: `StorageRegistry.sign_urls` was not called.
        """
        urls = self._storages.signed_urls
        if urls is None:
            message = "signed URLs cannot be served before storages.sign_urls(…) was called"
            raise ConfigurationError(message)
        token, _, name = path.removesuffix("/").rpartition("/")  # Litestar ends a mounted path with a slash
        grant = urls.read(token.rpartition("/")[2], METHODS[method])
        storage = self._storages.all().get(grant.storage)
        if grant.name != name or storage is None or not (grant.method == "GET" or storage.abilities.writable):
            message = "the URL has another name, or its storage is no more, or is read-only now"
            raise InvalidTokenError(message)
        return storage, grant

    def mode(self, method: str, storage: StorageBackend, grant: Grant) -> Mode:
        """Return who sends the bytes: the service only if it gives the answer that was signed.

        With ``"redirect"`` also the public URL of a storage does, whatever headers were signed. Nobody is ever sent to
        a URL of Holdfast's own, which would lead here again.
        """
        if self._mode == "proxy" or method != "GET":  # a URL of a service is signed for one method
            return "proxy"
        fits = self._mode == "redirect" or (grant.content_type is None and grant.content_disposition is None)
        return "redirect" if fits and storage.public_url_of(grant.key) is not None else "auto"

    def asks(self, mode: Mode, storage: StorageBackend, grant: Grant) -> bool:
        """Return whether the storage has to be asked about the file: not to redirect, if the URL says what it is."""
        if mode == "auto":
            return not storage.signs or grant.content_type is None
        return mode == "proxy"

    def options(self, origin: bytes | None) -> Answer:
        """Return the answer to an OPTIONS request; it tells nothing of the URL."""
        return Answer(204, (_ALLOW, *_FIXED, *self.origins.preflight(origin)))


class ServedFile(FileObject):
    """The file behind a signed URL, as far as the storage and the URL tell."""

    def __init__(self, storage: StorageBackend, grant: Grant, info: ObjectInfo | None) -> None:
        super().__init__(backend=storage, filename=grant.name, to_filename=grant.key)
        self._storage = storage
        if info is not None:
            self._take_facts(info)
            self._content_type = info.content_type

    @property
    def backend(self) -> StorageBackend:
        """The storage of the application's registry, whichever that is."""
        return self._storage


def policy(grant: Grant) -> ServePolicy:
    """Return how a file is answered: as was signed, else as a download."""
    return ServePolicy(content_type=grant.content_type, content_disposition=grant.content_disposition)


def seconds_left(grant: Grant) -> int:
    """Return for how many whole seconds the URL still works."""
    return max(0, int(grant.expires_at - time.time()))


def kept_until(status: int, headers: Headers, left: int) -> Headers:
    """Return the headers of an answer, under which no cache keeps it for longer than the URL works."""
    if status not in _KEPT:
        return (*headers, *_FIXED[2:])
    age = (b"cache-control", b"private, max-age=%d" % left)
    return (*(each for each in headers if each[0] != b"cache-control"), age, *_FIXED[2:])


def created(info: ObjectInfo) -> Answer:
    """Return the answer to an upload that is stored."""
    etag = entity_tag(info.etag)
    headers = ((b"content-length", b"0"), *_FIXED)
    return Answer(201, headers if etag is None else (*headers, (b"etag", etag.encode("ascii"))))


def not_allowed() -> Answer:
    """Return the answer to a method that no URL is signed for."""
    return Answer(405, (_ALLOW, (b"content-length", b"0"), *_FIXED))


def refusal(error: HoldfastError) -> Answer | None:
    """Return the answer to an error; None for one that is the server's own.

    Whatever is wrong with a token gets the same answer, and none shows a name that the client did not send.
    """
    if isinstance(error, InvalidTokenError):
        return _problem(403, {"code": "invalid_token", "message": "the link is not valid, or it has expired"})
    if isinstance(error, (FileRejectedError, InvalidFormError)):
        return _problem(_STATUS.get(error.code, 422), error.to_dict())
    if isinstance(error, AlreadyExistsError):
        return _problem(409, {"code": "exists", "message": "the file was uploaded before"})
    if isinstance(error, NotFoundError) and not isinstance(error, BucketNotFoundError) and error.operation != "put":
        return _problem(404, {"code": "not_found", "message": "there is no such file"})
    if isinstance(error, _PASSING):
        return _problem(503, {"code": "unavailable", "message": "the storage cannot be reached at the moment"})
    return None


def incomplete() -> Answer:
    """Return the answer to an upload that ended too early."""
    return _problem(400, {"code": "incomplete", "message": "the request ended before all of it was sent"})


def length_required() -> Answer:
    """Return the answer to an upload in chunks, from a server that does not tell where they end."""
    return _problem(411, {"code": "length_required", "message": "the upload must be sent with a Content-Length"})


def stalled() -> Answer:
    """Return the answer to an upload that stands still."""
    return _problem(408, {"code": "stalled", "message": "the upload stood still for too long"})


def _problem(status: int, told: dict[str, object]) -> Answer:
    body = json.dumps(told).encode()
    kind = ((b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)))
    return Answer(status, (*kind, *_FIXED), body)
