"""Keys: the names of objects in a storage.

A fresh key is ``YYYY/MM/DD/<id>-<cleaned name>``. The id sorts by time (48 bits of milliseconds) and cannot be
guessed (96 bits from `secrets`), so two uploads never meet and a sweep can start where the last one stopped.
What a client calls its file is a label; only a cleaned form of it enters a key.
"""

from __future__ import annotations

import os
import re
import time
from datetime import UTC, datetime
from functools import lru_cache

from holdfast.errors import InvalidKeyError
from holdfast.late_patterns import late_pattern

MAX_KEY_BYTES = 1024
"""Longest key in bytes of UTF-8, the limit of S3, GCS and Azure."""

_MAX_SEGMENT_BYTES = 255  # NAME_MAX of the usual file systems
_MAX_NAME = 80
_MAX_LABEL = 1024
_MAX_EXTENSION = 16
_TIME_BITS, _RANDOM_BYTES, _ID_LENGTH = 48, 12, 29
_TIME_DIGITS = 10  # of the id; the last two of their 50 bits are random
_DIGITS = "0123456789abcdefghijklmnopqrstuv"  # "base32hex" of RFC 4648 §7, in lower case: it sorts like the number
_PAIRS = [first + second for first in _DIGITS for second in _DIGITS]  # a fifth of the time of `base64.b32hexencode`
_SHIFTS = range(140, -1, -10)
_DAY = 86_400  # seconds
_ID = late_pattern(rf"(?<![a-z0-9])[0-9a-v]{{{_ID_LENGTH}}}(?![a-z0-9])")
_UNPRINTABLE = late_pattern(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # control characters and lone surrogates
_CLEAN = late_pattern(r"[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*(?:\.[A-Za-z0-9]{1,16})?")  # most names, unchanged below
_UNCLEAN = late_pattern(r"[^A-Za-z0-9_.]+")
_GENERATED = late_pattern(r"[A-Za-z0-9/_.-]+")


def new_id(at: float | None = None) -> str:
    """Return a fresh id: 29 characters that sort by time and cannot be guessed.

    Args:
        at: Seconds since the epoch; now if left out.

    Example:
        >>> new_id(1_000) < new_id(2_000)
        True
    """
    milliseconds = int((time.time() if at is None else at) * 1000) % (1 << _TIME_BITS)
    random = int.from_bytes(os.urandom(_RANDOM_BYTES), "big")  # what `secrets` reads, whose import takes 3 ms
    number = (milliseconds << 8 * _RANDOM_BYTES | random) << 1  # 144 bits, and one to fill the last digit
    return "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])[1:]


def id_time(identifier: str) -> float:
    """Return the time an id was made, in seconds since the epoch."""
    return (int(identifier[:_TIME_DIGITS], 32) >> 2) / 1000


def find_id(key: str) -> str | None:
    """Return the id that a key holds, or None where it holds none."""
    found = _ID.search(key)
    return found.group() if found else None


def find_ids(text: str) -> list[str]:
    """Return all ids in a text."""
    return _ID.findall(text)


def default_key(identifier: str, filename: str) -> str:
    """Return the key of a new file: its day, its id, and what is clean of its name.

    Example:
        >>> default_key(new_id(0), "Été 2025/Plan (final).pdf")[:11]
        '1970/01/01/'
    """
    return f"{_day(int(id_time(identifier) // _DAY))}/{identifier}-{clean_name(filename)}"


@lru_cache(maxsize=8)  # formatting a date takes as long as all the rest of a key
def _day(number: int) -> str:
    return f"{datetime.fromtimestamp(number * _DAY, UTC):%Y/%m/%d}"


def clean_name(filename: str) -> str:
    """Return the part of a client's file name that is safe in a key: ``[A-Za-z0-9_.-]``, at most 80 characters.

    The extension survives, accents lose their marks, and a name without anything usable becomes ``"file"``.

    Example:
        >>> clean_name("../../etc/Été (1).pdf")
        'Ete-1.pdf'
    """
    if len(filename) <= _MAX_NAME and _CLEAN.fullmatch(filename):
        return filename
    import unicodedata  # noqa: PLC0415  # most names need it not, nor does `import holdfast`

    last = re.split(r"[/\\]", filename[-4096:])[-1]
    plain = unicodedata.normalize("NFKD", last).encode("ascii", "ignore").decode()
    stem, dot, extension = plain.rpartition(".")
    if not dot:
        stem, extension = plain, ""
    stem = _UNCLEAN.sub("-", stem).strip("-._")
    extension = _UNCLEAN.sub("", extension)[:_MAX_EXTENSION]
    stem = stem[: _MAX_NAME - len(extension) - 1].strip("-._") or "file"
    return f"{stem}.{extension}" if extension else stem


def clean_label(filename: str) -> str:
    """Return a file name fit to be shown and stored.

    Control characters and lone surrogates become ``_``; of more than 1,024 characters the last before the extension go.
    """
    if len(filename) > _MAX_LABEL:
        extension = filename[-_MAX_EXTENSION:].rpartition(".")[1:]
        tail = "".join(extension) if extension[0] else ""
        filename = filename[: _MAX_LABEL - len(tail)] + tail
    return filename if filename.isprintable() else _UNPRINTABLE.sub("_", filename)


def validate_key(key: str) -> str:
    """Return `key` unchanged if it can name an object on every storage.

    Raises:
        InvalidKeyError: It is empty, too long, absolute, climbs (``..``), has an empty or ``.`` segment, a
            backslash, a control character or a lone surrogate.

    Example:
        >>> validate_key("reports/2025.pdf")
        'reports/2025.pdf'
    """
    if _is_plain(key):
        return key
    if problem := _problem(key):
        shown = repr(key if len(key) <= _MAX_NAME else key[:_MAX_NAME] + "…")
        message = f"{shown} cannot be a key: {problem}. Use a relative name such as 'reports/2025.pdf'."
        raise InvalidKeyError(message)
    return key


def _is_plain(key: str) -> bool:
    """Return True for nearly all valid keys, in a third of the time of the whole check; each loaded row pays for it."""
    return (
        key.isascii()
        and key.isprintable()
        and 0 < len(key) <= _MAX_SEGMENT_BYTES
        and not ("\\" in key or "//" in key or "/." in key or key[0] in "/." or key[-1] == "/")
    )


def is_key(text: str) -> bool:
    """Return whether a text can name an object."""
    return _problem(text) is None


def validate_generated_key(key: str) -> str:
    """Return `key` if it is valid and holds only the characters of keys that the library makes."""
    validate_key(key)
    if not _GENERATED.fullmatch(key):
        message = f"{key!r} cannot be a generated key: it may hold only ASCII letters and digits, '/', '_', '.', '-'."
        raise InvalidKeyError(message)
    return key


def _bad_segment(segments: list[str]) -> str:
    if segments[0] == "":
        return "it is absolute" if len(segments) > 1 else "it is empty"
    return "it climbs out of the storage" if ".." in segments else "it has an empty segment"


@lru_cache(1024)  # the check takes a tenth of the time in which a small local file is served
def _problem(key: str) -> str | None:
    if _UNPRINTABLE.search(key[: MAX_KEY_BYTES + 1]):
        return "it holds a control character or a lone surrogate"
    if len(key) > MAX_KEY_BYTES or len(key.encode()) > MAX_KEY_BYTES:
        return f"it is longer than {MAX_KEY_BYTES} bytes"
    if "\\" in key:
        return "it holds a backslash"
    segments = key.split("/")
    if not {"", ".", ".."}.isdisjoint(segments):
        return _bad_segment(segments)
    if len(key) > _MAX_SEGMENT_BYTES // 4 and any(len(part.encode()) > _MAX_SEGMENT_BYTES for part in segments):
        return f"it has a segment longer than {_MAX_SEGMENT_BYTES} bytes"
    return None
