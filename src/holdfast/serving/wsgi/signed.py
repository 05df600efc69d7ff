"""Holdfast's signed URLs, served by a WSGI application."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from holdfast.drivers.closing import close
from holdfast.errors import HoldfastError
from holdfast.registry import storages as all_storages
from holdfast.serving.intake import DRAINED, ClientLeftError, Intake, check_form_head, check_head, form_file
from holdfast.serving.signed import (
    METHODS,
    ServedFile,
    Signed,
    created,
    incomplete,
    kept_until,
    length_required,
    not_allowed,
    policy,
    refusal,
    seconds_left,
)
from holdfast.serving.wsgi.response import FileResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from holdfast.backends.base import StorageBackend
    from holdfast.registry import StorageRegistry
    from holdfast.serving.cors import Headers
    from holdfast.serving.elsewhere import Mode
    from holdfast.serving.signed import Answer
    from holdfast.serving.wsgi.environment import Environ, StartResponse
    from holdfast.signed_urls import Grant

_BLOCK_SIZE = 256 * 1024  # bytes that are read of a request at once
_DIGITS = re.compile(r"[0-9]{1,300}", re.ASCII)  # int() refuses thousands of them


class SignedFiles:
    """Like `holdfast.serving.asgi.SignedFiles`, for WSGI: mounted by a dispatcher, or by a server as it is.

    Args:
        storages: Where the storages are registered.
        mode: See there.
        allow_origins: See there.

    Raises:
        ConfigurationError: An argument is out of range.

    Example:
        >>> from holdfast import storages
        >>> app = SignedFiles(storages)  # Flask: DispatcherMiddleware(flask_app.wsgi_app, {"/files": app})
    """

    def __init__(
        self,
        storages: StorageRegistry = all_storages,
        *,
        mode: Mode = "auto",
        allow_origins: Collection[str] = (),
    ) -> None:
        self._signed = Signed(storages, mode, allow_origins)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Return the bytes of an answer.

        Raises:
            StorageError: The storage failed, otherwise than by being out of reach for the moment.
        """
        exchange = _Exchange(environ, start_response)
        method: str = environ["REQUEST_METHOD"]
        if method == "OPTIONS":
            return exchange.answer(self._signed.options(exchange.origin))
        exchange.more = self._signed.origins.headers(exchange.origin)
        if method not in METHODS:
            return exchange.answer(not_allowed())
        try:
            storage, grant = self._signed.opened(method, _path(environ))
            if grant.method == "GET":
                return self._read(exchange, storage, grant)
            return exchange.answer(_store(exchange, storage, grant))
        except HoldfastError as error:
            answer = refusal(error)
            if answer is None or exchange.has_begun:
                raise
            return exchange.answer(answer)
        except ClientLeftError:
            return exchange.answer(incomplete())

    def _read(self, exchange: _Exchange, storage: StorageBackend, grant: Grant) -> Iterable[bytes]:
        mode = self._signed.mode(exchange.environ["REQUEST_METHOD"], storage, grant)
        info = storage.stat(grant.key) if self._signed.asks(mode, storage, grant) else None
        left = seconds_left(grant)
        exchange.left = left
        response = FileResponse(ServedFile(storage, grant, info), policy=policy(grant), mode=mode, expires_in=left or 1)
        return response(exchange.environ, exchange.start_response)


class _Exchange:
    """A request and its answer."""

    def __init__(self, environ: Environ, start_response: StartResponse) -> None:
        self.environ = environ
        self._start_response = start_response
        self._left_over = _length(environ)
        self.has_begun = False
        self.more: Headers = ()
        self.left: int | None = None
        self.origin = environ["HTTP_ORIGIN"].encode("latin-1") if "HTTP_ORIGIN" in environ else None

    def start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], object]:
        """Begin an answer, with the headers that belong to a signed URL."""
        self.has_begun = True
        encoded: Headers = tuple((name.lower().encode("ascii"), value.encode("latin-1")) for name, value in headers)
        if self.left is not None:
            encoded = kept_until(int(status[:3]), encoded, self.left)
        more = [(name.decode("ascii"), value.decode("latin-1")) for name, value in (*encoded, *self.more)]
        given = (exc_info,) if exc_info else ()
        write: Callable[[bytes], object] = self._start_response(status, more, *given)
        return write

    def answer(self, answer: Answer) -> Iterable[bytes]:
        """Return a whole answer, after some of what the client still sends: many read no answer before."""
        self.left = None
        if self.environ["REQUEST_METHOD"] in {"PUT", "POST"} and "HTTP_EXPECT" not in self.environ:
            taken = 0
            while taken < DRAINED and (block := self._read()):
                taken += len(block)
        status = HTTPStatus(answer.status)
        headers = [(name.decode("ascii"), value.decode("ascii")) for name, value in answer.headers]
        self.start_response(f"{status.value} {status.phrase}", headers)
        return [] if self.environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def chunks(self) -> Iterator[bytes]:
        """Yield the body of the request.

        Raises:
            ClientLeftError: It ended too early.
        """
        while block := self._read():
            yield block
        if self._left_over:
            raise ClientLeftError

    def _read(self) -> bytes:
        """Return some of the body; nothing at its end."""
        rest = _BLOCK_SIZE if self._left_over is None else min(self._left_over, _BLOCK_SIZE)
        block: bytes = self.environ["wsgi.input"].read(rest) if rest else b""
        if self._left_over is not None:
            self._left_over -= len(block)
        return block


def _length(environ: Environ) -> int | None:
    """Return how many bytes may be read of a request; None if the server ends the body itself."""
    text: str = environ.get("CONTENT_LENGTH") or ""
    if text and not _is_chunked(environ):
        return int(text) if _DIGITS.fullmatch(text) else 0
    return None if environ.get("wsgi.input_terminated") else 0


def _is_chunked(environ: Environ) -> bool:
    """Return whether a body comes in chunks: then a length beside it means nothing (RFC 9112 §6.3)."""
    return "HTTP_TRANSFER_ENCODING" in environ


def _path(environ: Environ) -> str:
    path: str = environ.get("PATH_INFO", "")
    try:
        return path.encode("latin-1").decode()
    except UnicodeError:  # of a server that does not keep to PEP 3333
        return path


def _store(exchange: _Exchange, storage: StorageBackend, grant: Grant) -> Answer:
    """Store an upload, whole or not at all."""
    stated, length = exchange.environ.get("CONTENT_TYPE"), exchange.environ.get("CONTENT_LENGTH") or None
    if _is_chunked(exchange.environ):
        if not exchange.environ.get("wsgi.input_terminated"):
            return length_required()
        length = None
    if exchange.environ["REQUEST_METHOD"] == "POST":
        check_form_head(grant, length)
        content_type, chunks = grant.content_type, form_file(stated, exchange.chunks())
    else:
        content_type, chunks = check_head(grant, stated, length), exchange.chunks()
    if grant.if_absent and storage.exists(grant.key):  # not every service refuses a large body for that
        raise storage.taken("put", grant.key)
    content = Intake(grant).checked(chunks)
    try:
        info = storage.put(grant.key, content, content_type=content_type, if_absent=grant.if_absent)
    finally:
        close(content)
    return created(info)
