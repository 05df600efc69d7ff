"""An S3 server that can only list: pages of a thousand keys, made once, of a bucket with as many keys as its name says.

    python listing_server.py PORT

`keys-200000` has 200,000 keys. The servers of the tests need longer for a page than the clients that are measured.
No signature is checked.
"""

from __future__ import annotations

import asyncio
import sys
from functools import cache
from typing import cast
from urllib.parse import parse_qs, urlsplit

import uvloop

HOST = "127.0.0.1"
PAGE = 1000
ENTRY = (
    "<Contents><Key>2026/01/{day:02}/{number:026}-a.bin</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
    "<ETag>&quot;{number:032x}&quot;</ETag><Size>{number}</Size><StorageClass>STANDARD</StorageClass></Contents>"
)
DAY = 10_000  # keys of a folder
START = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    "<Name>{bucket}</Name><Prefix></Prefix><KeyCount>{count}</KeyCount><MaxKeys>1000</MaxKeys>"
    "<IsTruncated>{more}</IsTruncated>"
)
KNOWN = {"list-type", "continuation-token", "prefix", "delimiter", "encoding-type", "max-keys", "fetch-owner"}


@cache
def entries(page: int) -> str:
    """Return the keys of a page."""
    numbers = range(page * PAGE, (page + 1) * PAGE)
    return "".join(ENTRY.format(number=number, day=number // DAY + 1) for number in numbers)


@cache
def answer(bucket: str, page: int) -> bytes:
    """Return a page of a bucket."""
    total = int(bucket.rpartition("-")[2])
    is_last = (page + 1) * PAGE >= total
    start = START.format(bucket=bucket, count=PAGE, more="false" if is_last else "true")
    token = "" if is_last else f"<NextContinuationToken>page-{page + 1}</NextContinuationToken>"
    return reply(200, f"{start}{token}{entries(page)}</ListBucketResult>".encode())


def reply(status: int, body: bytes) -> bytes:
    """Return an answer."""
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def respond(target: str) -> bytes:
    """Answer what was asked for; all but the whole listing is refused."""
    place = urlsplit(target)
    query = {name: values[0] for name, values in parse_qs(place.query).items()}
    bucket = place.path.strip("/")
    whole = query.get("list-type") == "2" and not query.get("prefix") and not query.get("delimiter")
    if not whole or not set(query) <= KNOWN or int(query.get("max-keys", PAGE)) != PAGE or "/" in bucket:
        return reply(501, b"<Error><Code>NotImplemented</Code></Error>")
    return answer(bucket, int(query.get("continuation-token", "page-0").removeprefix("page-")))


class Connection(asyncio.Protocol):
    """One client's requests, which have no bodies."""

    def __init__(self) -> None:
        self.rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer all requests that are complete."""
        *heads, self.rest = (self.rest + data).split(b"\r\n\r\n")
        for head in heads:
            self.transport.write(respond(head.split(b" ", 2)[1].decode()))


async def main(port: int) -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(Connection, HOST, port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
