"""An S3 server that speaks the XML API of Google Cloud Storage: `PORT=… python gcs_xml.py`.

Both are the same protocol with other names of headers, and that is all that is translated here. Nothing is signed.
https://cloud.google.com/storage/docs/interoperability
"""

import asyncio
import os

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app

SAME = (b"meta-", b"metadata-directive", b"copy-source", b"storage-class")
TO_S3 = [(b"x-goog-" + name, b"x-amz-" + name) for name in SAME]
FROM_S3 = [(s3, google) for google, s3 in TO_S3]
CLASSES = {b"NEARLINE": b"STANDARD_IA", b"STANDARD_IA": b"NEARLINE"}


async def translated(scope, receive, send):
    """Answer one request."""
    if scope["type"] == "http":
        headers = _renamed(scope["headers"], TO_S3)
        if (b"x-goog-if-generation-match", b"0") in headers:
            headers.append((b"if-none-match", b"*"))
        scope = {**scope, "headers": headers}

    async def send_renamed(event):
        if event["type"] == "http.response.start":
            event = {**event, "headers": _renamed(event["headers"], FROM_S3)}
        await send(event)

    await app(scope, receive, send_renamed)


def _renamed(headers, names):
    renamed = []
    for name, value in headers:
        lower = bytes(name).lower()
        for theirs, ours in names:
            if lower.startswith(theirs):
                lower = ours + lower.removeprefix(theirs)
        renamed.append((lower, CLASSES.get(value, bytes(value)) if lower.endswith(b"storage-class") else bytes(value)))
    return renamed


if __name__ == "__main__":
    config = Config()
    config.bind = [f"127.0.0.1:{os.environ['PORT']}"]
    config.loglevel = "WARNING"
    asyncio.run(serve(translated, config))
