"""Entity tags (RFC 9110 §8.8.3): from what a storage says to what a header may say, and how two are compared."""

from __future__ import annotations

import hashlib
import re

_WEAK = "W/"
_LONGEST = 128
_OPAQUE = re.compile(rf"[!#-~]{{1,{_LONGEST}}}")
_TAG = r'(?:W/)?"[!#-~\x80-\xff]*"'
_TAGS = re.compile(_TAG)
# Possessive, so that time is linear. A list may have empty elements (RFC 9110 §5.6.1.2).
_LIST = re.compile(rf"[ \t,]*+(?:{_TAG}[ \t]*+(?:,[ \t,]*+|\Z))++")


def entity_tag(stored: str | None) -> str | None:
    """Return the tag that stands for what a storage calls the etag of an object, or None if that is nothing.

    A weak tag stays weak: it does not promise equal bytes, so no part of a file may be resumed by it. A text that
    cannot stand in a header is replaced by its digest.

    Example:
        >>> entity_tag("0x8DC"), entity_tag('"0x8DC"'), entity_tag('W/"0x8DC"')
        ('"0x8DC"', '"0x8DC"', 'W/"0x8DC"')
    """
    if not stored:
        return None
    mark = _WEAK if stored.startswith((_WEAK, "w/")) else ""
    opaque = stored[len(mark) :]
    if len(opaque) > 1 and opaque[0] == opaque[-1] == '"':
        opaque = opaque[1:-1]
    if not opaque:
        return None
    if not _OPAQUE.fullmatch(opaque):
        opaque = hashlib.sha256(opaque.encode("utf-8", "surrogatepass")).hexdigest()
    return f'{mark}"{opaque}"'


def is_same(tag: str | None, other: str) -> bool:
    """Return whether both promise the same bytes: the strong comparison (RFC 9110 §8.8.3.2)."""
    return tag == other and not other.startswith(_WEAK)


def lists_same(header: str, tag: str | None) -> bool:
    """Return whether the tag is in the list of an ``If-Match``, by the strong comparison; ``*`` is any."""
    return header == "*" or any(is_same(tag, other) for other in _listed(header))


def lists_equivalent(header: str, tag: str | None) -> bool:
    """Return whether the tag is in the list of an ``If-None-Match``, by the weak comparison; ``*`` is any."""
    if header in {"*", tag}:
        return True
    return tag is not None and tag.removeprefix(_WEAK) in (other.removeprefix(_WEAK) for other in _listed(header))


def _listed(header: str) -> list[str]:
    return _TAGS.findall(header) if _LIST.fullmatch(header) else []
