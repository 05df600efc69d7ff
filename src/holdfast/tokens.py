"""Signed tokens: short texts that only the holder of a secret can make, and that end by themselves.

A token holds its fields in the clear, each with its length before it, so that no two lists of fields look alike, and an
HMAC-SHA256 over them (RFC 2104, RFC 4231). Secrets are rotated: the first one signs, all of them are accepted.
"""

from __future__ import annotations

import binascii
import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING

from holdfast.errors import ConfigurationError, InvalidTokenError

if TYPE_CHECKING:
    from collections.abc import Sequence

_SHORTEST_SECRET = 16  # bytes
_LONGEST_TOKEN = 8192  # characters; more is refused before anything is computed
_DIGEST = 32  # bytes of a SHA-256
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
        given = [secrets] if isinstance(secrets, (str, bytes)) else list(secrets)
        self._secrets = [secret.encode() if isinstance(secret, str) else secret for secret in given]
        if not self._secrets or any(len(secret) < _SHORTEST_SECRET for secret in self._secrets):
            message = (
                f"a secret for signing needs {_SHORTEST_SECRET} bytes or more, known to nobody else, such as "
                'python -c "import secrets; print(secrets.token_urlsafe(32))" prints'
            )
            raise ConfigurationError(message)
        self.max_age = max_age

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self._secrets)}>"

    def sign(self, purpose: str, fields: Sequence[str], *, expires_at: int) -> str:
        """Return a token for some fields.

        Args:
            purpose: What it is for; `read` must be told the same.
            fields: Texts, any.
            expires_at: Seconds since the epoch.
        """
        payload = _joined([purpose, str(expires_at), *fields])
        return _text(payload + hmac.digest(self._secrets[0], payload, "sha256"))

    def read(self, purpose: str, token: str, *, now: float | None = None) -> list[str]:
        """Return the fields of a token.

        Raises:
            InvalidTokenError: It was not signed by one of the secrets, for that purpose, or it has expired.
        """
        payload, digest = _parts(token)
        if not any(hmac.compare_digest(hmac.digest(secret, payload, "sha256"), digest) for secret in self._secrets):
            raise InvalidTokenError(_INVALID)
        signed_purpose, expires_at, *fields = _split(payload)
        if signed_purpose != purpose:
            message = f"the token is for {signed_purpose!r}, not for {purpose!r}"
            raise InvalidTokenError(message)
        left = int(expires_at) - (time.time() if now is None else now)
        if left <= 0:
            message = "the token has expired"
            raise InvalidTokenError(message)
        if left > self.max_age:
            message = f"the token would be valid for more than {self.max_age} seconds"
            raise InvalidTokenError(message)
        return fields


def _joined(fields: Sequence[str]) -> bytes:
    return b"".join(len(data).to_bytes(4, "big") + data for data in (field.encode() for field in fields))


def _split(payload: bytes) -> list[str]:
    fields = []
    while payload:
        end = 4 + int.from_bytes(payload[:4], "big")
        fields.append(payload[4:end].decode())
        payload = payload[end:]
    return fields


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _parts(token: str) -> tuple[bytes, bytes]:
    """Return what is signed, and the signature."""
    data = b""
    if token.isascii() and len(token) <= _LONGEST_TOKEN:
        try:
            data = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            data = b""
    # base64 ignores what it does not know, and the last character may have idle bits: one token, one text.
    if len(data) <= _DIGEST or _text(data) != token:
        raise InvalidTokenError(_INVALID)
    return data[:-_DIGEST], data[-_DIGEST:]
