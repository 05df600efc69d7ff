"""What a browser does with an offer, and what somebody does who does not keep to it."""

import hashlib
import secrets

from holdfast.drivers.optional import UploadTerms
from holdfast.drivers.protocol import MIB
from tests.drivers.signing.http import send
from tests.drivers.signing.strategies import ODD

BODY = bytes(range(256)) * 4
CHECKSUM = f"sha256:{hashlib.sha256(BODY).hexdigest()}"
TERMS = UploadTerms(ODD, len(BODY), 300, "image/png")
PART = 5 * MIB
"""Bytes of the smallest part that S3 takes, with the fixture `small_parts`."""


def put(offer, body=BODY, **changed):
    """Upload as the offer says, but for some headers (None leaves one out), and return the status."""
    headers = {**{name.replace("-", "_"): value for name, value in offer.headers.items()}, **changed}
    return send(offer.method, offer.url, body, **{name: text for name, text in headers.items() if text is not None})[0]


def post(offer, body=BODY, filename='a "b".png', **changed):
    """Post the form as the offer says, but for some fields (None leaves one out), and return the status."""
    boundary = secrets.token_hex(16)
    fields = {**offer.fields, **{name.replace("_", "-"): value for name, value in changed.items()}}
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
        if value is not None
    ]
    escaped = filename.replace('"', "%22")
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{escaped}"\r\n'
    parts += [f"{head}Content-Type: text/html\r\n\r\n".encode(), body, f"\r\n--{boundary}--\r\n".encode()]
    return send(offer.method, offer.url, b"".join(parts), Content_Type=f"multipart/form-data; boundary={boundary}")[0]


def put_part(offer, number, body):
    """Upload one part, the first of which is 1, and return the status."""
    return send("PUT", offer.parts[number - 1], body)[0]


def part_of(body, number, offer):
    """Return the bytes of a part."""
    return body[(number - 1) * offer.part_size : number * offer.part_size]
