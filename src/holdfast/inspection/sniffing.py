"""The type of a file, told from its first bytes."""

from __future__ import annotations

import codecs

from holdfast.inspection.markup import text_type
from holdfast.inspection.media_types import TEXT
from holdfast.inspection.signatures import BRANCHES, MACHO, PE, SIGNATURES, SOME_TEXT

_PDF, _BZIP2, _BMP = "application/pdf", "application/x-bzip2", "image/bmp"
_FAT, _JAVA_OLDEST = b"\xca\xfe\xba\xbe", 45  # a Mach-O with several parts; the same bytes begin a Java class
_TAR_AT = 257
_BLANK = b"\t\n\x0c\r "
_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)
_MPEG_AUDIO = (0xE2, 0xE3, 0xE4, 0xE5, 0xF2, 0xF3, 0xF4, 0xF5, 0xFA, 0xFB, 0xFC, 0xFD)  # layers III and II
_PACKETS = ((188, 0), (192, 4))  # of MPEG transport streams, also of those with times (m2ts): length, where "G" stands
_PDF_WITHIN = 1024  # where readers look for its mark (ISO 32000-2 annex I)


def type_of(head: bytes) -> str | None:
    """Return the media type that the first bytes of a file show, see `holdfast.inspection.sniff`."""
    text = text_type(head)
    if text not in {None, TEXT}:
        return text
    found = _by_signature(head)
    if found is None and text is None and b"%PDF-" in head[:_PDF_WITHIN]:
        return _PDF
    # Letters such as "ID3" or "RIFF" begin a text as well.
    return found if found is not None and (text is None or found in SOME_TEXT or found == _PDF) else text


def _by_signature(head: bytes) -> str | None:
    for at, mark, look in BRANCHES:
        if head.startswith(mark, at) and (found := look(head)) is not None:
            return found
    for mark, kind in SIGNATURES:
        if head.startswith(mark):
            return kind
    if head.removeprefix(codecs.BOM_UTF8).lstrip(_BLANK).startswith(b"%PDF-"):
        return _PDF
    return _by_structure(head)


def _by_structure(head: bytes) -> str | None:
    """Return the type of formats with short marks, which need a second look."""
    if head.startswith(b"MZ"):
        return PE
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return _BMP
    if head.startswith(b"BZh") and head[4:10] in {b"1AY&SY", b"\x17rE8P\x90"}:
        return _BZIP2
    if head.startswith(b"FORM") and head[8:12] in {b"AIFF", b"AIFC"}:
        return "audio/aiff"
    if head.startswith(b"ustar", _TAR_AT):
        return "application/x-tar"
    return _by_number(head)


def _by_number(head: bytes) -> str | None:
    """Return the type of a Java class, and of streams that begin with a frame: MP3, AAC, MPEG transport streams."""
    if head.startswith(_FAT):
        return MACHO if int.from_bytes(head[4:8], "big") < _JAVA_OLDEST else "application/java-vm"
    if head[:1] == b"\xff" and head[1:2]:
        if head[1] in _MPEG_AUDIO:
            return "audio/mpeg"
        if head[1] in {0xF0, 0xF1, 0xF8, 0xF9}:
            return "audio/aac"
    if any(head[at : at + 2 * length + 1 : length] == b"GGG" for length, at in _PACKETS):
        return "video/mp2t"
    return None
