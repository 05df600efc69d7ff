"""Requests of WebDAV (RFC 4918), through webdav4's HTTP client, and what the answers hold."""

from __future__ import annotations

from contextlib import closing
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

import httpx

from holdfast.drivers.fsspec.answers import ForeignAnswerError, answer_of
from holdfast.drivers.fsspec.folders import FILE, FOLDER, Entry
from holdfast.drivers.fsspec.web.answers import StatusError, check, moment, quoted, tag
from holdfast.drivers.protocol import MIB

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ATTEMPTS = 3
_PROPERTIES = b"""<?xml version="1.0" encoding="utf-8"?>
<propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/><getlastmodified/><getetag/></prop></propfind>"""
_SERVICE = "a WebDAV server"
_MULTI_STATUS, _FIRST_FAILURE, _FAILED_DEPENDENCY = 207, 300, 424
_MISSING = {404, 410}
_FOLLOWED = {"GET", "PROPFIND"}  # whatever changes something is sent to no place but the one that was named
_MOST_REDIRECTS = 10
_STALLED = httpx.Timeout(60, connect=30)


class Requests:
    """Requests below the base address.

    Args:
        client: Returns webdav4's client.
    """

    def __init__(self, client: Callable[[], Any]) -> None:
        self._client = client

    def url(self, path: str) -> str:
        """Return the address of a path."""
        base = str(self._client().base_url).rstrip("/")
        return f"{base}/{quoted(path)}"

    def send(
        self, method: str, path: str, headers: Mapping[str, str], content: Any = None, *, attempts: int = ATTEMPTS
    ) -> None:
        """Send a request that changes something.

        Raises:
            FileNotFoundError: There is nothing under the path.
            StatusError: The answer is no success, for all or for a part.
        """
        with closing(self.open(method, path, headers, content, attempts=attempts)) as answer:
            if answer.status_code == _MULTI_STATUS:
                raise StatusError(_failure(answer.read()))
            _check(answer)
            answer.read()

    def properties(self, path: str, *, depth: str) -> list[tuple[str, Entry]]:
        """Return paths, decoded, and what is there.

        Raises:
            FileNotFoundError: There is nothing under the path.
            StatusError: The answer is no success.
            ForeignAnswerError: The answer is not one of WebDAV's.
        """
        headers = {"Depth": depth, "Content-Type": "application/xml"}
        with closing(self.open("PROPFIND", path, headers, _PROPERTIES)) as answer:
            _check(answer)
            if answer.status_code != _MULTI_STATUS:
                raise ForeignAnswerError(_SERVICE, f"it has status {answer.status_code}")
            document = _parsed(answer.read())
        with answer_of(_SERVICE):
            found = [_entry(response) for response in document.iterfind("{DAV:}response")]
        if not found:
            raise FileNotFoundError(path)
        return found

    def open(
        self, method: str, path: str, headers: Mapping[str, str], content: Any = None, *, attempts: int = ATTEMPTS
    ) -> httpx.Response:
        """Send a request and return the answer without its body; again if the connection turns out to be lost.

        Raises:
            FileNotFoundError: There is nothing under the path.
        """
        http = self._client().http
        headers = {"Accept-Encoding": "identity", **headers}
        timeout = http.timeout if http.timeout != httpx.Timeout(5) else _STALLED
        for attempt in range(1, attempts + 1):
            if isinstance(content, SpooledTemporaryFile):
                content.seek(0)
            body = iter(lambda: content.read(MIB), b"") if isinstance(content, SpooledTemporaryFile) else content
            request = http.build_request(method, self.url(path), headers=headers, content=body, timeout=timeout)
            try:
                answer: httpx.Response = http.send(request, stream=True, follow_redirects=False)
                if method in _FOLLOWED:
                    answer = _followed(http, answer, headers, content)
            except httpx.TimeoutException:
                raise
            except httpx.TransportError:
                if attempt == attempts:
                    raise
            else:
                break
        if answer.status_code in _MISSING:
            answer.close()
            raise FileNotFoundError(path)
        return answer


def _followed(http: httpx.Client, answer: httpx.Response, headers: Mapping[str, str], content: Any) -> httpx.Response:
    """Follow redirects. Another server is sent nothing of the user's: no header, no cookie, no login."""
    first = answer.request
    left = False
    for _ in range(_MOST_REDIRECTS):
        if not answer.has_redirect_location:
            break
        target = _target(answer)
        left = left or _origin(target) != _origin(first.url)
        if left and first.method != "GET":
            break
        answer.close()
        if left:
            bare = httpx.Request("GET", target, headers=headers, extensions=first.extensions)
            answer = http.send(bare, auth=None, stream=True, follow_redirects=False)
        else:
            timeout = first.extensions["timeout"]
            again = http.build_request(
                first.method, target, headers=headers, content=content, extensions={"timeout": timeout}
            )
            answer = http.send(again, stream=True, follow_redirects=False)
    return answer


def _target(answer: httpx.Response) -> httpx.URL:
    try:
        return answer.url.join(answer.headers["Location"]).copy_with(userinfo=b"")
    except httpx.InvalidURL:
        answer.close()
        raise StatusError(answer.status_code, "it redirects to no address") from None


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _check(answer: httpx.Response) -> None:
    """Refuse what is no success: a redirect means that nothing was done."""
    if answer.has_redirect_location:
        target = _target(answer)
        more = f"it redirects to {target.scheme}://{target.netloc.decode()}; give the new address as base_url="
        raise StatusError(answer.status_code, more)
    check(answer.status_code)


def _parsed(document: bytes) -> ET.Element:
    try:
        return ET.fromstring(document)  # noqa: S314  # expat since 2.4.1 bounds entities
    except ET.ParseError as error:
        raise ForeignAnswerError(_SERVICE, f"no XML: {error}") from error


def _failure(document: bytes) -> int:
    """Return the status of what failed where a request was done in part."""
    texts = (found.text or "" for found in _parsed(document).iter("{DAV:}status"))
    found = [int(text.split()[1]) for text in texts if len(text.split()) > 1 and text.split()[1].isdecimal()]
    failed = (status for status in found if status >= _FIRST_FAILURE and status != _FAILED_DEPENDENCY)
    return next(failed, _MULTI_STATUS)


def _entry(response: ET.Element) -> tuple[str, Entry]:
    path = unquote(urlsplit(response.findtext("{DAV:}href", "")).path, errors="surrogateescape").rstrip("/")
    name = path.rpartition("/")[2]
    if response.find(".//{DAV:}resourcetype/{DAV:}collection") is not None:
        return path, Entry(name, FOLDER)
    size = int(response.findtext(".//{DAV:}getcontentlength") or 0)
    modified = moment(response.findtext(".//{DAV:}getlastmodified"))
    return path, Entry(name, FILE, size, modified, tag(response.findtext(".//{DAV:}getetag")))
