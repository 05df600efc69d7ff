"""Which other sites' pages may use an application from a browser (CORS, https://fetch.spec.whatwg.org/)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection

Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]
"""As ASGI sends them: names in lower case, both of ASCII."""

_ORIGIN = re.compile(r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")
_VARY = (b"vary", b"origin")
_EXPOSED = (
    b"access-control-expose-headers",
    b"accept-ranges, content-disposition, content-length, content-range, etag, last-modified",
)
_PREFLIGHT = (
    (b"access-control-allow-methods", b"GET, HEAD, PUT, POST"),
    (b"access-control-allow-headers", b"content-type, if-match, if-none-match, if-range, range"),
    (b"access-control-max-age", b"600"),
)


class Origins:
    """The sites that are allowed, exactly as browsers name them.

    Args:
        allowed: Such as ``"https://app.example.com"``.

    Raises:
        ConfigurationError: One is no origin; there are no wildcards.
    """

    def __init__(self, allowed: Collection[str]) -> None:
        given: Any = allowed
        if isinstance(given, str) or not all(isinstance(each, str) and _ORIGIN.fullmatch(each) for each in given):
            message = (
                f'allow_origins={allowed!r} must be a list of origins such as ["https://app.example.com"]: '
                "scheme and host in lower case, a port if it is not the usual one, no path"
            )
            raise ConfigurationError(message)
        self._allowed = frozenset(each.encode("ascii") for each in allowed)

    def headers(self, origin: bytes | None) -> Headers:
        """Return what an answer has besides; `origin` is the request's header."""
        if not self._allowed:
            return ()
        if origin is not None and origin in self._allowed:
            return (_VARY, (b"access-control-allow-origin", origin), _EXPOSED)
        return (_VARY,)

    def preflight(self, origin: bytes | None) -> Headers:
        """Return the headers of the answer to an OPTIONS request; without leave for all but those allowed."""
        if origin is None or origin not in self._allowed:
            return self.headers(origin)
        return (_VARY, (b"access-control-allow-origin", origin), *_PREFLIGHT)
