"""Metadata as headers: any JSON fields become ASCII pairs that every object store keeps, and come back equal.

What is plain already stays readable for other tools; everything else travels as one JSON text under a reserved
name. Stores refuse, garble or drop more than RFC 9110 §5.5 says, so "plain" is kept narrow.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

RESERVED = "holdfast"
"""Name under which fields that are not plain are kept."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")  # Azure wants identifiers; S3 turns names into lower case
# Printable, no space at an end or beside another one (trimmed or folded on the way), no RFC 2047 encoded word.
_VALUE = re.compile(r"(?!.*=\?|.*  )[!-~](?:[ -~]*[!-~])?")
_JSON_ESCAPES = (("  ", " \\u0020"), ("=?", "\\u003d?"), ("\x7f", "\\u007f"))  # what `json` leaves as it is


def encode_metadata(metadata: Mapping[str, Any]) -> dict[str, str]:
    r"""Return `metadata` as ASCII pairs, fit for HTTP headers.

    Raises:
        TypeError: A value is not JSON.

    Example:
        >>> encode_metadata({"author": "Ada", "ville": "Orléans"})
        {'author': 'Ada', 'holdfast': '{"ville":"Orl\\u00e9ans"}'}
    """
    plain = {name: value for name, value in metadata.items() if _is_plain(name, value)}
    others = {name: value for name, value in metadata.items() if name not in plain}
    if not others:
        return plain
    text = json.dumps(others, separators=(",", ":"), allow_nan=False)
    for found, escaped in _JSON_ESCAPES:  # none of them occurs outside of a JSON string
        text = text.replace(found, escaped)
    return {**plain, RESERVED: text}


def decode_metadata(pairs: Mapping[str, str]) -> dict[str, Any]:
    """Return what was given to `encode_metadata`; pairs that others wrote come back as they are.

    Example:
        >>> decode_metadata(encode_metadata({"tags": ["é", None], "Author": "Ada"}))
        {'tags': ['é', None], 'Author': 'Ada'}
    """
    metadata: dict[str, Any] = {name.lower(): value for name, value in pairs.items()}
    try:
        others = json.loads(metadata[RESERVED])
    except (KeyError, ValueError, RecursionError):
        return metadata
    if not isinstance(others, dict):
        return metadata
    del metadata[RESERVED]
    return {**metadata, **others}


def _is_plain(name: Any, value: Any) -> bool:
    return (
        isinstance(name, str)
        and isinstance(value, str)
        and name != RESERVED
        and _NAME.fullmatch(name) is not None
        and _VALUE.fullmatch(value) is not None
    )
