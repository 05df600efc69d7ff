"""Plain web servers, through fsspec's file system: its session, but requests of our own.

fsspec's class takes every failure for a missing file, shows whole addresses, with the passwords in them, in its
errors, and gives up on a body after five minutes.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import yarl
from fsspec.asyn import sync

from holdfast.drivers.abilities import FILES
from holdfast.drivers.fsspec.read_only import ReadOnly
from holdfast.drivers.fsspec.web.address import taken_apart
from holdfast.drivers.fsspec.web.answers import StatusError, asked_for, described, kind_of, quoted, span
from holdfast.drivers.fsspec.web.redirects import followed
from holdfast.drivers.protocol import MIB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.errors import StorageError
    from holdfast.objects import ObjectInfo

_STALLED = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=60)
_OK = 200
_NO_HEAD = {403, 405, 501}  # an address that is signed for GET is refused to HEAD


class HTTPDriver(ReadOnly):
    """Files below an address.

    Args:
        fs: The file system, or what makes one.
        root: The address.

    Raises:
        ConfigurationError: The address is none, or has a query, to which no key can be added.
    """

    abilities = FILES._replace(writable=False, lists=False, content_type=True, atomic_create=False)
    refusal = "a web server is read-only here; services that can be written are WebDAV, SFTP, S3, GCS and Azure"

    def __init__(self, fs: Any, root: str) -> None:
        super().__init__(fs)
        self._base, self._login = taken_apart(root)

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Read with one request."""
        with self._asked("GET", key, span(start, end)) as answer:
            found = self._pieces(answer, chunk_size or MIB)
            pieces = asked_for(answer.status, answer.headers, found, start, end)
            if chunk_size is None:
                yield b"".join(pieces)
            else:
                yield from pieces

    def stat(self, key: str) -> ObjectInfo:
        """Ask for the headers; where they tell no size, count."""
        with self._asked("HEAD", key, {}) as answer:
            if answer.status not in _NO_HEAD:
                _check(answer)
                if "Content-Length" in answer.headers:
                    return described(key, answer.headers, int(answer.headers["Content-Length"]))
        with self._asked("GET", key, {}) as answer:
            _check(answer)
            size = answer.headers.get("Content-Length")
            counted = int(size) if size else sum(map(len, self._pieces(answer, MIB)))
            return described(key, answer.headers, counted)

    def list(self, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
        """Refuse: a page with links is no listing."""
        message = "a web server has no listing: it is read-only, key by key"
        raise NotImplementedError(message)

    def classify(self, error: BaseException) -> type[StorageError] | None:
        """Go by the status."""
        return kind_of(error) or super().classify(error)

    @contextmanager
    def _asked(self, method: str, key: str, headers: dict[str, str]) -> Iterator[aiohttp.ClientResponse]:
        fs = self.native
        url = f"{self._base}/{quoted(key)}"
        line = {name: fs.client_kwargs[name] for name in ("proxy", "proxy_auth") if name in fs.client_kwargs}
        user = {**line, **fs.kwargs, "headers": {**self._login, **(fs.kwargs.get("headers") or {})}}
        if "timeout" not in fs.client_kwargs:
            user.setdefault("timeout", _STALLED)
        # Encoded bytes would have neither the size nor the ranges of those that are stored.
        headers = {**headers, "Accept-Encoding": "identity"}

        async def ask() -> aiohttp.ClientResponse:
            return await followed(await fs.set_session(), method, yarl.URL(url, encoded=True), user, headers)

        answer = sync(fs.loop, ask)
        try:
            if answer.url.path.endswith("/"):
                raise FileNotFoundError(key)  # led on to a folder's page
            yield answer
        finally:
            fs.loop.call_soon_threadsafe(answer.close)

    def _pieces(self, answer: aiohttp.ClientResponse, size: int) -> Iterator[bytes]:
        while piece := sync(self.native.loop, answer.content.read, size):
            yield piece


def _check(answer: aiohttp.ClientResponse) -> None:
    """Refuse every answer but one that holds, or stands for, the whole file."""
    if answer.status != _OK:
        raise StatusError(answer.status)
