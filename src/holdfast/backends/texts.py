"""Texts of other libraries, made fit to be shown: one line, and nothing that looks like a secret."""

from __future__ import annotations

import re

_LONGEST = 300
_NAME = r"[\w.-]*(?:sig|signature|token|credential|secret|passw(?:or)?d|account_?key|access_?key|private_?key)[\w-]*"
_SECRET = re.compile(
    rf"""
    (?P<name>\b{_NAME}["']?\s?[=:]\s?["']?) [^&;,\s"'<>]+       # a parameter, a header, a field
    | (?P<tag><{_NAME}>) [^<]+                                  # an element
    | (?P<scheme>\b(?:bearer|basic|sharedkey)\s) [\w+/=.:~-]{{8,}}  # RFC 9110 §11.4
    | (?P<url>\b[a-z][a-z0-9+.-]*://) [^/?\#@\s"']+ @           # user and password of a URL
    """,
    re.IGNORECASE | re.VERBOSE,
)


def _hide(match: re.Match[str]) -> str:
    kept = next(filter(None, match.groupdict().values()))
    return f"{kept}…@" if match["url"] else f"{kept}…"


def has_secret(text: str) -> bool:
    """Return whether a text holds what looks like a secret."""
    return _SECRET.search(text) is not None


def summary(error: BaseException) -> str:
    """Return the first line of an exception's text, without values that look like secrets."""
    lines = str(error).strip().splitlines()
    text = _SECRET.sub(_hide, lines[0]) if lines else type(error).__name__
    text = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    return text if text.endswith((".", "…", "!")) else text + "."
