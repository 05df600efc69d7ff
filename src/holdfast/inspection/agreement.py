"""Whether the bytes of a file, its declared type and its extension say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.inspection.extensions import HAS_EXTENSION, extension, guessed_type, types_of
from holdfast.inspection.media_types import (
    GZIP,
    HTML,
    MARKDOWN,
    OLE,
    SCRIPT,
    TEXT,
    UNKNOWN,
    XML,
    ZIP,
    lineage,
    normal,
)
from holdfast.inspection.signatures import DETECTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_OPEN = frozenset({TEXT, XML, SCRIPT, ZIP, GZIP, OLE, "application/vnd.sqlite3"})
"""Formats that many others are made of; which ones, nobody can list."""

_KNOWN = DETECTED | HAS_EXTENSION

_MADE_OF_TEXT = ("application/", "text/", "message/", "model/", "chemical/", "multipart/")

_BEGINS_LIKE_HTML = frozenset({MARKDOWN, XML, "application/xml-dtd"})
"""Formats whose files may begin with a comment or a tag as HTML does; browsers run none of them as HTML."""

_EXCEL, _COMMA = "application/vnd.ms-excel", "text/csv"


def agreed(sniffed: str | None, declared: str | None, filename: str) -> str | None:
    """Return the one type that bytes, declaration and extension agree on, None if they contradict each other.

    They agree if each is a special case of the next, in any order: a zip archive declared as DOCX is a DOCX, text in a
    ``.csv`` is CSV. What says nothing (``application/octet-stream``, no extension) contradicts nothing.

    Args:
        sniffed: Type that the bytes show, None if nothing is known of them.
        declared: Type that a client claims.
        filename: Name that it gave.

    Example:
        >>> agreed("image/gif", "image/gif", "shell.php"), agreed("text/plain", "text/csv; charset=utf-8", "a.csv")
        (None, 'text/csv')
    """
    found, kinds = normal(sniffed), types_of(filename)
    if found is not None and not kinds and _wants_extension(found) and extension(filename) is not None:
        return None
    for claim in _claims(normal(declared), filename, kinds):
        for kind in kinds or (None,):
            said = [each for each in (claim, kind) if each is not None]
            shown = TEXT if found == HTML and not _BEGINS_LIKE_HTML.isdisjoint(said) else found
            result = most_special(said if shown is None else [shown, *said])
            if result is not None and (found is not None or not _would_show(result)):
                return result
    return None


def claimed(declared: str | None, filename: str) -> str | None:
    """Return what declaration and extension agree on before there are any bytes, None if they contradict each other."""
    kinds = types_of(filename)
    results = (
        most_special(each for each in (claim, kind) if each is not None)
        for claim in _claims(normal(declared), filename, kinds)
        for kind in kinds or (None,)
    )
    return next(filter(None, results), None)


def _claims(claim: str | None, filename: str, kinds: Sequence[str]) -> tuple[str | None, ...]:
    """Return what a client may have meant: its claim, or nothing if it only looked up the extension, as most do.

    One extension may stand for several types, and the client's table is not ours: ``.ts`` is video to browsers,
    ``.tar.gz`` is tar to Python, ``.csv`` is Excel to Windows.
    """
    is_looked_up = claim in kinds or (claim == _EXCEL and _COMMA in kinds) or claim == normal(guessed_type(filename))
    return (claim, None) if kinds and is_looked_up else (claim,)


def most_special(media_types: Iterable[str]) -> str | None:
    """Return the type that is a special case of all others, None if there is no such one."""
    result = UNKNOWN
    for each in media_types:
        if result == UNKNOWN or is_special_case(each, result):
            result = each
        elif not is_special_case(result, each):
            return None
    return result


def is_shown(media_type: str, sniffed: str | None) -> bool:
    """Return whether the bytes say at least of which kind a file is, beside the declaration.

    Text and archives say nothing of images, sound, video and fonts.
    """
    found = normal(sniffed)
    return found is not None and (found not in _OPEN or media_type.startswith(_MADE_OF_TEXT))


def is_special_case(media_type: str, other: str) -> bool:
    """Return whether a file of one type may be one of the other, too; every type is its own special case."""
    above = list(lineage(media_type))
    if other in above:
        return True
    # A type that this library has never heard of may well be made of text, or be a zip archive.
    is_strange = other in _OPEN and above == [media_type] and media_type not in _KNOWN
    return is_strange and media_type.startswith(_MADE_OF_TEXT)


def _wants_extension(media_type: str) -> bool:
    return media_type in HAS_EXTENSION and media_type not in _OPEN


def _would_show(media_type: str) -> bool:
    """Return whether bytes of a type would have been recognised."""
    return not (DETECTED | {TEXT}).isdisjoint(lineage(media_type))
