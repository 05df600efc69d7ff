"""Plain web servers, through fsspec's file system: its session, but requests of our own.

fsspec's class takes every failure for a missing file, shows whole addresses, with the passwords in them, in its
errors, and gives up on a body after five minutes.
"""

from __future__ import annotations

from base64 import b64encode
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

import aiohttp
import yarl
from fsspec.asyn import sync

from holdfast.drivers.abilities import FILES
from holdfast.drivers.fsspec.read_only import ReadOnly
from holdfast.drivers.fsspec.web.answers import check, cut, described, kind_of, quoted, span
from holdfast.drivers.protocol import MIB
from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from urllib.parse import SplitResult

    from holdfast.errors import StorageError
    from holdfast.objects import ObjectInfo

_STALLED = aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=60)
_PARTIAL, _UNSATISFIABLE = 206, 416
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
        address = urlsplit(root)
        if address.scheme not in {"http", "https"} or not address.hostname or address.query or address.fragment:
            shown = urlunsplit(address._replace(netloc=address.netloc.rpartition("@")[2], query="", fragment=""))
            message = f'prefix={shown!r} must be an address without a query: prefix="https://example.com/files"'
            raise ConfigurationError(message)
        # Not left in the address, which errors and logs of other libraries show.
        self._login = _login(address)
        plain = urlunsplit(address._replace(netloc=address.netloc.rpartition("@")[2]))
        self._base = str(yarl.URL(plain)).rstrip("/")

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Read with one request."""
        with self._asked("GET", key, span(start, end)) as answer:
            if answer.status == _UNSATISFIABLE:  # past the end
                return
            check(answer.status)
            skip = 0 if answer.status == _PARTIAL else start
            pieces = cut(self._pieces(answer, chunk_size or MIB), skip, None if end is None else end - start)
            if chunk_size is None:
                yield b"".join(pieces)
            else:
                yield from pieces

    def stat(self, key: str) -> ObjectInfo:
        """Ask for the headers; where they tell no size, count."""
        with self._asked("HEAD", key, {}) as answer:
            if answer.status not in _NO_HEAD:
                check(answer.status)
                if "Content-Length" in answer.headers:
                    return described(key, answer.headers, int(answer.headers["Content-Length"]))
        with self._asked("GET", key, {}) as answer:
            check(answer.status)
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
        more = dict(fs.kwargs)
        # Encoded bytes would have neither the size nor the ranges of those that are stored.
        more["headers"] = {**self._login, **(more.get("headers") or {}), **headers, "Accept-Encoding": "identity"}
        if "timeout" not in fs.client_kwargs:
            more.setdefault("timeout", _STALLED)

        async def ask() -> aiohttp.ClientResponse:
            session = await fs.set_session()
            answer: aiohttp.ClientResponse = await session.request(
                method, yarl.URL(url, encoded=True), allow_redirects=True, **more
            )
            return answer

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


def _login(address: SplitResult) -> dict[str, str]:
    """Return the header for the name and password in an address; a redirect to another server loses it."""
    if not address.username:
        return {}
    login = f"{unquote(address.username)}:{unquote(address.password or '')}"
    return {"Authorization": f"Basic {b64encode(login.encode()).decode()}"}
