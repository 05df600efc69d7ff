"""The ``Content-Disposition`` header of answers (RFC 6266, RFC 8187): what a browser does with a file, and its name.

A file that a stranger uploaded must not run in a visitor's browser: it is handed over as a download, but for types
that hold no script.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal, TypeAlias, TypedDict
from urllib.parse import quote

from holdfast.keys import clean_label

Disposition: TypeAlias = Literal["attachment", "inline"]
"""``"attachment"``: the browser saves the file. ``"inline"``: it shows the file, if its type is harmless."""

INLINE_TYPES = frozenset(
    {
        "audio/aac",
        "audio/flac",
        "audio/mp4",
        "audio/mpeg",
        "audio/ogg",
        "audio/wav",
        "audio/webm",
        "audio/x-wav",
        "image/avif",
        "image/bmp",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/webp",
        "video/mp4",
        "video/ogg",
        "video/webm",
    }
)
"""Types that a browser may show: none can hold a script, as HTML, SVG, XML and PDF can."""

UNKNOWN_TYPE = "application/octet-stream"

_LONGEST = 255  # bytes of UTF-8, what file systems take
_LONGEST_EXTENSION = 16  # characters
# Marks that turn the direction of text: "gpj.exe" would read as "exe.jpg". And those that are not seen at all.
_MISLEADING = re.compile("[\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")
_NOT_A_NAME = re.compile(r"[ .]*")
_UNSAFE_QUOTED = re.compile(r'[^ -~]|["\\/%;]')  # some readers decode %41 or end at ; even inside quotes
_ATTR_CHARS = "!#$&+-.^_`|~"  # RFC 8187 §3.2.1, besides letters and digits
_WORD = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_WHOLE_HEADER = re.compile("(?:attachment|inline)(?: *;[ -~]*[!-~])?", re.IGNORECASE)
_MEDIA_TYPE = re.compile(rf'{_WORD}/{_WORD}( *; *{_WORD}=({_WORD}|"[ !#-\[\]-~]*"))*')


class SignedHeaders(TypedDict):
    """Headers that a signed URL is to set; None leaves them as the object was stored."""

    content_type: str | None
    content_disposition: str | None


def answer_headers(kind: Disposition, filename: str, content_type: str) -> tuple[str, str]:
    """Return the ``Content-Type`` and the ``Content-Disposition`` under which a file may be handed out.

    Args:
        kind: What is wished for; a file that might hold a script is an attachment all the same.
        filename: What a person called it.
        content_type: What is known of its type; both headers say the same, whatever the object was stored with.

    Example:
        >>> answer_headers("inline", "logo.svg", "image/svg+xml")
        ('image/svg+xml', 'attachment; filename="logo.svg"')
    """
    shown = header_type(content_type)
    return shown, content_disposition(kind if is_shown(shown) else "attachment", filename)


def content_disposition(kind: Disposition, filename: str | None = None) -> str:
    r"""Return the header.

    Args:
        kind: Whether the file is to be saved or shown.
        filename: What a person called it; cleaned by `offered_name`. None to leave it to the URL.

    Example:
        >>> content_disposition("attachment", "Été 2025.pdf")
        'attachment; filename="Ete 2025.pdf"; filename*=UTF-8\'\'%C3%89t%C3%A9%202025.pdf'
    """
    if filename is None:
        return kind
    name = offered_name(filename)
    if name.isascii():  # the usual case, and each answer has the header
        ascii_name = _UNSAFE_QUOTED.sub("_", name)
    else:
        ascii_name = "".join(map(_ascii, unicodedata.normalize("NFC", name)))
    ascii_name = "file" if _NOT_A_NAME.fullmatch(ascii_name) else ascii_name
    header = f'{kind}; filename="{ascii_name}"'
    return header if ascii_name == name else f"{header}; filename*=UTF-8''{quote(name, safe=_ATTR_CHARS)}"


def offered_name(filename: str) -> str:
    r"""Return the name under which a file is offered to be saved: one segment, at most 255 bytes, nothing unseen.

    Example:
        >>> offered_name("../../etc/pass\nwd")
        'pass_wd'
    """
    last = re.split(r"[/\\]", clean_label(filename[-4096:]))[-1]
    name = _MISLEADING.sub("_", last).strip()
    return "file" if _NOT_A_NAME.fullmatch(name) else _shortened(name)


def is_shown(content_type: str) -> bool:
    """Return whether a browser may show a file of that type, rather than save it."""
    return content_type.partition(";")[0].strip().lower() in INLINE_TYPES


def is_disposition(header: str) -> bool:
    """Return whether a text can stand as the whole header: it begins with its kind, and does not end with a space.

    Example:
        >>> is_disposition('inline; filename="a.png"'), is_disposition("attachment;"), is_disposition("form-data")
        (True, False, False)
    """
    return _WHOLE_HEADER.fullmatch(header) is not None


def header_type(content_type: str | None) -> str:
    """Return a media type that can stand in a header: itself, or ``application/octet-stream`` for what is none."""
    known = content_type is not None and len(content_type) <= _LONGEST and _MEDIA_TYPE.fullmatch(content_type)
    return content_type if known and content_type else UNKNOWN_TYPE


def _ascii(character: str) -> str:
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return _UNSAFE_QUOTED.sub("_", plain) or "_"


def _shortened(name: str) -> str:
    if len(name.encode()) <= _LONGEST:
        return name
    stem, dot, extension = name.rpartition(".")
    if not dot or not stem or len(extension) > _LONGEST_EXTENSION:
        stem, extension = name, ""
    tail = f".{extension}" if extension else ""
    room = _LONGEST - len(tail.encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip() + tail
