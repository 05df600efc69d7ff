"""Secrets in texts of other libraries: found by the names before them, not by how they look."""

from __future__ import annotations

import re

from holdfast.late_patterns import late_pattern

_WORD = (
    r"(?:signature|token|credentials?|secret|passw(?:or)?d|passphrase"
    r"|(?:account|access|shared|private|secret|api|sas|customer|encryption)[_-]?key(?:[_-]?base64)?)"
)
_NAME = rf"(?<![\w.-])(?:[\w.-]{{0,60}}{_WORD}|(?:[\w.-]{{0,60}}[._-])?(?:sig|sas|pwd|auth))"
_NOTHING = r"(?!(?:None|True|False|null|true|false)\b)"
_VALUE = rf"{_NOTHING}[^&;,\s\"'<>…]+"
_SECRET = late_pattern(
    rf"""
    (?P<parameter>{_NAME}(?:["']\s?[=:]\s?|=)["']?) {_VALUE}    # sig=x, "token": "x", AccountKey='x'
    | (?P<header>(?<![\w.-])\w[\w.]*[_-][\w.-]{{0,60}}(?<=[._-]){_WORD}:\s?["']?) {_VALUE}  # x-amz-security-token: x
    | (?P<field>(?<![\w.-]){_WORD}:\s?) (?=\S*\d){_VALUE}       # password: x1, but not in a sentence
    | (?P<tag><[\w.-]{{0,60}}{_WORD}\w*>) [^<]+                 # an element
    | (?P<authorization>\bauthorization["']?\s?[=:]\s?["']?(?:basic|bearer|sharedkey|[\w-]+\s\w+=)\s?) {_VALUE}
    | (?P<scheme>\b(?:bearer|basic|sharedkey)\s) (?=\S*[\d+/=])[\w+/=.:~-]{{8,}}  # RFC 9110 §11.4
    | (?P<url>[a-z0-9+.-]://) [^/?\#@\s"']+ @                     # user and password of a URL
    """,
    re.IGNORECASE | re.VERBOSE,
)


def has_secret(text: str) -> bool:
    """Return whether a text holds what looks like a secret."""
    return _SECRET.search(text) is not None


def without_secrets(text: str) -> str:
    """Return a text with ``…`` for each value that looks like a secret."""
    return _SECRET.sub(_hide, text)


def _hide(match: re.Match[str]) -> str:
    kept = next(filter(None, match.groupdict().values()))
    return f"{kept}…@" if match["url"] else f"{kept}…"
