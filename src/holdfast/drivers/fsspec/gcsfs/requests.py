"""Requests to the JSON API of Google Cloud Storage over the connections and with the credentials of gcsfs.

The calls of gcsfs itself keep neither the code nor the text of an error, end after five minutes however much there is
to read, and answer from remembered listings.
"""

from __future__ import annotations

import asyncio
import json
import random
from contextlib import nullcontext
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, urlencode

from aiohttp import ClientConnectionError, ClientPayloadError, ClientTimeout
from fsspec.asyn import sync
from yarl import URL

from holdfast.drivers.attempts import repeated
from holdfast.drivers.fsspec.answers import ForeignAnswerError, answer_of
from holdfast.drivers.fsspec.sending import Sending
from holdfast.drivers.protocol import MIB
from holdfast.drivers.ranges import window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

REPEATED = frozenset({408, 429, 500, 502, 503, 504})
"""Codes after which a request is sent again."""

NETWORK = (ClientConnectionError, ClientPayloadError, TimeoutError)
"""What aiohttp raises when it is the network that failed."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 16.0  # seconds
# Long bodies may take long; silence may not.
_TIMEOUT = ClientTimeout(total=None, sock_connect=5, sock_read=180)
_STEP = 8 * MIB  # bytes of an object that are held at a time, of which a part is wanted
_AGAIN_FOR = 180.0  # seconds after the first attempt
_PARTIAL = 206
_SUCCESSES = range(200, 300)
_ERROR = 400
SERVICE = "Google"


class GCSError(OSError):
    """An answer that is an error.

    Attributes:
        status: Of HTTP.
        reason: Google's own word for it, such as ``"rateLimitExceeded"``; empty if there is none.
    """

    def __init__(self, status: int, reason: str, text: str) -> None:
        super().__init__(f"{status} {reason}: {text}" if reason else f"{status} {text}")
        self.status, self.reason, self.text = status, reason, text


class Answer(NamedTuple):
    """A whole answer.

    Attributes:
        status: Of HTTP.
        headers: By name, in any case.
        body: Its bytes.
        attempts: How often the request was sent.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    attempts: int

    def json(self) -> dict[str, Any]:
        """Return the body as JSON.

        Raises:
            ForeignAnswerError: It is something else.
        """
        with answer_of(SERVICE):
            found: dict[str, Any] = json.loads(self.body)
        if not isinstance(found, dict):
            raise ForeignAnswerError(SERVICE, "no JSON object")
        return found

    def error(self) -> OSError:
        """Return what the answer means as an exception."""
        if self.status < _ERROR:  # a redirect, which Google has for browsers only
            return ForeignAnswerError(SERVICE, f"it has status {self.status}")
        try:
            told = json.loads(self.body)["error"]
            reason, text = told["errors"][0].get("reason") or "", told.get("message") or ""
        except (ValueError, LookupError, TypeError, AttributeError):
            reason, text = "", self.body[:200].decode(errors="replace")
        return GCSError(self.status, reason, text)


class Requests:
    """What the driver asks Google.

    Args:
        fs: The file system of gcsfs.
    """

    def __init__(self, fs: Any) -> None:
        self._fs = fs
        self.attempts: int = fs.retries

    def url(self, *names: str, **parameters: str | None) -> URL:
        """Return the address of a resource: ``url("b", bucket, "o", key)``."""
        return self._address("", names, parameters)

    def upload_url(self, bucket: str, kind: str, parameters: Mapping[str, str | None]) -> URL:
        """Return the address for uploads to a bucket."""
        return self._address("/upload", ("b", bucket, "o"), {"uploadType": kind, **parameters})

    def _address(self, service: str, names: Iterable[str], parameters: Mapping[str, str | None]) -> URL:
        path = "/".join(quote(name, safe="") for name in names)
        # Encoded here and left alone: a key may hold anything that means something in a URL.
        query = urlencode(self._fs._get_params(parameters), quote_via=quote)
        return URL(f"{self._fs._location}{service}/storage/v1/{path}?{query}".rstrip("?"), encoded=True)

    def send(
        self,
        method: str,
        url: URL,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        good: tuple[int, ...] = (),
        repeat: bool = True,
    ) -> Answer:
        """Return the answer to a request, which is sent again if the network or the service fails.

        Args:
            method: Of HTTP.
            url: Made by `url`, or named by Google.
            headers: Besides those that authorise.
            body: What is sent.
            good: Codes besides those of success that are answers like others here.
            repeat: Whether to send it again.

        Raises:
            GCSError: The answer is an error.
            ForeignAnswerError: The answer is not one of Google's.
        """
        # Here, not in the event loop: a token that has expired is fetched by a blocking request.
        sent = self._fs._get_headers(dict(headers or {}))
        answer: Answer = sync(self._fs.loop, self._send, method, url, sent, body, self.attempts if repeat else 1)
        repeated(answer.attempts - 1)
        if answer.status not in _SUCCESSES and answer.status not in good:
            raise answer.error()
        return answer

    def open(self, url: URL, headers: Mapping[str, str]) -> Stream:
        """Return the answer to a GET, whose body is read bit by bit; the bytes as they are stored."""
        sent = self._fs._get_headers({**headers, "Accept-Encoding": "gzip"})
        answer = sync(self._fs.loop, self._open, url, sent)
        # Doubles of Google leave them out of parts; that these are parts of objects is said by another header.
        if answer.status != _PARTIAL and not any(name.lower().startswith("x-goog-") for name in answer.headers):
            self._fs.loop.call_soon_threadsafe(answer.close)
            raise ForeignAnswerError(SERVICE, "bytes without a header of Google's")
        return Stream(self._fs.loop, answer)

    async def _send(
        self, method: str, url: URL, headers: Mapping[str, str], body: bytes | None, attempts: int
    ) -> Answer:
        session = await self._fs._set_session()
        begun = monotonic()
        for attempt in range(1, attempts + 1):
            # Bytes would be written in one go.
            data = None if body is None else Sending(body, self._timeout.sock_read)
            try:
                async with (
                    data.watched() if data else nullcontext(),
                    session.request(
                        method, url, headers=headers, data=data, timeout=self._timeout, allow_redirects=False
                    ) as found,
                ):
                    answer = Answer(found.status, found.headers, await found.read(), attempt)
            except NETWORK:
                if attempt == attempts or monotonic() - begun >= _AGAIN_FOR:
                    raise
            else:
                if answer.status not in REPEATED or attempt == attempts:
                    return answer
            await asyncio.sleep(pause(attempt))
        raise AssertionError  # pragma: no cover

    async def _open(self, url: URL, headers: Mapping[str, str]) -> Any:
        session = await self._fs._set_session()
        begun = monotonic()
        for attempt in range(1, self.attempts + 1):
            last = attempt == self.attempts
            try:
                found = await session.get(
                    url, headers=headers, timeout=self._timeout, auto_decompress=False, allow_redirects=False
                )
            except NETWORK:
                if last or monotonic() - begun >= _AGAIN_FOR:
                    raise
            else:
                if found.status in _SUCCESSES:
                    return found
                answer = Answer(found.status, found.headers, await found.read(), attempt)
                if answer.status not in REPEATED or last:
                    raise answer.error()
            await asyncio.sleep(pause(attempt))
        raise AssertionError  # pragma: no cover

    @property
    def _timeout(self) -> ClientTimeout:
        given = self._fs.requests_timeout
        return _TIMEOUT if given is None else given if isinstance(given, ClientTimeout) else ClientTimeout(total=given)


class Stream:
    """A body on its way.

    Args:
        loop: The event loop of the connection.
        answer: aiohttp's answer.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, answer: Any) -> None:
        self._loop, self._answer = loop, answer

    def chunks(self, start: int, end: int | None, size: int | None) -> Iterator[bytes]:
        """Yield the range that was asked for in chunks of `size`, or in one for None; then the connection is free."""
        try:
            cut = window(self._answer.status, self._answer.headers.get("Content-Range"), start, end)
            if cut is None:
                yield from self._chunks(size)
            elif size is None:
                yield b"".join(cut.over(self._chunks(_STEP)))
            else:
                yield from cut.over(self._chunks(size))
        finally:
            self._loop.call_soon_threadsafe(self._answer.close)

    def _chunks(self, size: int | None) -> Iterator[bytes]:
        while chunk := sync(self._loop, self._chunk, size):
            yield chunk

    async def _chunk(self, size: int | None) -> bytes:
        content = self._answer.content
        if size is None:
            whole: bytes = await content.read()
            return whole
        try:
            full: bytes = await content.readexactly(size)
        except asyncio.IncompleteReadError as error:
            return error.partial
        return full


def pause(attempt: int) -> float:
    """Return how long to wait after an attempt, the first of which is 1, in seconds."""
    return random.uniform(0, min(_FIRST_PAUSE * 2 ** (attempt - 1), _LONGEST_PAUSE))  # noqa: S311  # not a secret
