"""Signed tokens: short texts that only the holder of a secret can make, and that end by themselves.

A token holds its fields in the clear, each with its length before it, so that no two lists of fields look alike, and an
HMAC-SHA256 over them (RFC 2104, RFC 4231). Secrets are rotated: the first one signs, all of them are accepted.
"""

from __future__ import annotations

import binascii
import hmac
import re
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any

from holdfast.errors import ConfigurationError, InvalidTokenError

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST_TOKEN = 8000
"""Characters; more is refused before anything is computed. Servers take a line of 8 KB."""

_SHORTEST_SECRET = 16  # bytes
_DIGEST = 32  # bytes of a SHA-256
_LENGTH = 4  # bytes before each field
_NUMBER = re.compile(r"0|[1-9][0-9]{0,14}")  # int() would take signs, spaces, underscores and all digits of Unicode
_INVALID = "the token is not valid: it was changed, or signed with another secret"


class TokenKeys:
    """The secrets that sign and check tokens.

    Args:
        secrets: One secret, or several: the newest first, which signs; tokens of the others are still accepted.
        max_age: Seconds that a token may be valid for, at most.

    Raises:
        ConfigurationError: There is no secret, or one is shorter than 16 bytes.

    Example:
        >>> keys = TokenKeys("a secret of the application's own")
        >>> token = keys.sign("greeting", ["hello"], expires_at=int(time.time()) + 60)
        >>> keys.read("greeting", token)
        ['hello']
    """

    def __init__(self, secrets: str | bytes | Sequence[str | bytes], *, max_age: int = 7 * 24 * 3600) -> None:
        self._secrets = _checked(secrets)
        self.max_age = max_age

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self._secrets)}>"

    def sign(self, purpose: str, fields: Sequence[str], *, expires_at: int) -> str:
        """Return a token for some fields.

        Args:
            purpose: What it is for; `read` must be told the same.
            fields: Texts, any.
            expires_at: Seconds since the epoch.

        Raises:
            ConfigurationError: The fields are too long for a token, or are no text that UTF-8 has.
        """
        payload = _joined([purpose, str(expires_at), *fields])
        token = _text(payload + hmac.digest(self._secrets[0], payload, "sha256"))
        if len(token) > LONGEST_TOKEN:
            message = f"a token of {len(token)} characters would be too long: {LONGEST_TOKEN} is the most"
            raise ConfigurationError(message)
        return token

    def read(self, purpose: str, token: str, *, now: float | None = None) -> list[str]:
        """Return the fields of a token.

        Raises:
            InvalidTokenError: It was not signed by one of the secrets, for that purpose, or it has expired.
        """
        payload, digest = _parts(token)
        # All of them, so that the time tells nothing of which one it was.
        if not sum([hmac.compare_digest(hmac.digest(each, payload, "sha256"), digest) for each in self._secrets]):
            raise InvalidTokenError(_INVALID)
        match _split(payload):
            case [signed_purpose, expires_at, *fields] if _NUMBER.fullmatch(expires_at):
                pass
            case _:
                raise InvalidTokenError(_INVALID)
        if signed_purpose != purpose:
            message = "the token is for another purpose"
            raise InvalidTokenError(message)
        left = int(expires_at) - (time.time() if now is None else now)
        if left <= 0:
            message = "the token has expired"
            raise InvalidTokenError(message)
        if left > self.max_age:
            message = f"the token would be valid for more than {self.max_age} seconds"
            raise InvalidTokenError(message)
        return fields


def _checked(secrets: Any) -> list[bytes]:
    """Return the secrets as bytes; no message holds one."""
    given = [secrets] if isinstance(secrets, (str, bytes)) else secrets
    if isinstance(given, (list, tuple)) and all(isinstance(each, (str, bytes)) for each in given):
        found = [each.encode(errors="surrogatepass") if isinstance(each, str) else each for each in given]
        if found and all(len(each) >= _SHORTEST_SECRET for each in found):
            return found
    message = (
        f"a secret for signing is a text of {_SHORTEST_SECRET} bytes or more, known to nobody else, such as "
        'python -c "import secrets; print(secrets.token_urlsafe(32))" prints; or a list of them, the newest first'
    )
    raise ConfigurationError(message)


def _joined(fields: Sequence[str]) -> bytes:
    try:
        encoded = [field.encode() for field in fields]
    except UnicodeEncodeError:
        encoded = []
    if not encoded:
        message = "a field of a token holds a lone surrogate, which is no text"
        raise ConfigurationError(message)
    return b"".join(len(data).to_bytes(_LENGTH, "big") + data for data in encoded)


def _split(payload: bytes) -> list[str] | None:
    """Return the fields; None if these are none, although they were signed."""
    fields, place = [], 0
    while place < len(payload):
        start = place + _LENGTH
        place = start + int.from_bytes(payload[place:start], "big")
        if start > len(payload) or place > len(payload):
            return None
        try:
            fields.append(payload[start:place].decode())
        except UnicodeDecodeError:
            return None
    return fields


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _parts(token: str) -> tuple[bytes, bytes]:
    """Return what is signed, and the signature."""
    data = b""
    if token.isascii() and len(token) <= LONGEST_TOKEN:
        try:
            data = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            data = b""
    # base64 ignores what it does not know, and the last character may have idle bits: one token, one text.
    if len(data) <= _DIGEST or _text(data) != token:
        raise InvalidTokenError(_INVALID)
    return data[:-_DIGEST], data[-_DIGEST:]
