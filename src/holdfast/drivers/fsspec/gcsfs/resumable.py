"""Resumable uploads: block after block, each to be sent again from where it was cut.

https://cloud.google.com/storage/docs/performing-resumable-uploads
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from yarl import URL

from holdfast.drivers.attempts import repeated
from holdfast.drivers.fsspec.answers import ForeignAnswerError, answer_of
from holdfast.drivers.fsspec.gcsfs.requests import NETWORK, REPEATED, SERVICE, GCSError, pause

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from holdfast.drivers.fsspec.gcsfs.requests import Answer, Requests

UNIT = 256 * 1024
"""All blocks are multiples of it, but for the last."""

_INCOMPLETE = 308


def resumable(
    requests: Requests,
    bucket: str,
    about: Mapping[str, Any],
    parameters: Mapping[str, str | None],
    blocks: Iterable[memoryview],
    *,
    size: int,
) -> Answer:
    """Run an upload to its end, or cancel it.

    Args:
        requests: To Google.
        bucket: Where to.
        about: The description of the object.
        parameters: Of the address.
        blocks: Its bytes.
        size: Bytes of a block, a multiple of `UNIT`; only the last one may be shorter.
    """
    url = requests.upload_url(bucket, "resumable", parameters)
    headers = {"Content-Type": "application/json; charset=UTF-8"}
    if "contentType" in about:
        headers["X-Upload-Content-Type"] = about["contentType"]
    begun = requests.send("POST", url, headers=headers, body=json.dumps(about).encode())
    with answer_of(SERVICE):
        address = URL(begun.headers["Location"], encoded=True)
        if not address.absolute:
            raise ForeignAnswerError(SERVICE, "an upload without an address")
    session = _Session(requests, address)
    sent = 0
    try:
        for block in blocks:
            final = block.nbytes < size
            answer = session.block(sent, bytes(block), final=final)
            sent += block.nbytes
            if final:
                return answer
        return session.put(f"bytes */{sent}", b"", repeat=True)
    except BaseException:
        with suppress(Exception):
            session.cancel()
        raise


class _Session:
    """One upload under way.

    Args:
        requests: To Google.
        address: Of the upload.
    """

    def __init__(self, requests: Requests, address: URL) -> None:
        self._requests, self._address = requests, address

    def block(self, offset: int, block: bytes, *, final: bool) -> Answer:
        """Send a block; if only a part of it arrived, send the rest."""
        end = offset + len(block)
        total = str(end) if final else "*"
        start, fruitless = offset, 0
        while True:
            span = f"{start}-{end - 1}" if start < end else "*"
            try:
                answer = self.put(f"bytes {span}/{total}", block[start - offset :], repeat=False)
            except (*NETWORK, GCSError) as error:
                if (
                    isinstance(error, GCSError) and error.status not in REPEATED
                ) or fruitless >= self._requests.attempts:
                    raise
                repeated()
                answer = self.put(f"bytes */{total}", b"", repeat=True)  # how much did arrive?
            if answer.status != _INCOMPLETE:
                return answer
            arrived = _arrived(answer)
            if arrived >= end and not final:
                return answer
            if arrived < offset or fruitless >= self._requests.attempts:
                message = f"Google has {arrived} bytes of an upload that should have {end}"
                raise OSError(message)
            fruitless = 0 if arrived > start else fruitless + 1
            if fruitless:
                time.sleep(pause(fruitless))
            start = arrived

    def put(self, span: str, data: bytes, *, repeat: bool) -> Answer:
        """Send bytes, or ask how many there are."""
        headers = {"Content-Range": span}
        return self._requests.send("PUT", self._address, headers=headers, body=data, good=(_INCOMPLETE,), repeat=repeat)

    def cancel(self) -> None:
        """Give it up; Google would do so after a week."""
        self._requests.send("DELETE", self._address, repeat=False)


def _arrived(answer: Answer) -> int:
    """Return how many bytes Google has of an upload; it says nothing of none."""
    last = answer.headers.get("Range", "").rpartition("-")[2]
    return int(last) + 1 if last.isdigit() else 0
