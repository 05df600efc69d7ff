"""Formats that hold others: what a zip archive, an ISO media file, an Ogg stream has inside, as its head shows it."""

from __future__ import annotations

import re
import struct

from holdfast.inspection.media_types import DOCX, MP4, OGG, PPTX, XLSX, ZIP

_LOCAL_HEADER = b"PK\x03\x04"
_EXTRA_LENGTH_AT, _NAME_AT = 28, 30
_HEADER = struct.Struct("<6xH10xI4xHH")  # flags, packed length, length of name and extra field
_LENGTH_LATER = 8
_DECLARED = re.compile(rb"application/(?:epub\+zip|vnd\.oasis\.opendocument\.[a-z-]{1,40})")
_FOLDERS = ((b"word/", DOCX), (b"xl/", XLSX), (b"ppt/", PPTX))
_APK, _JAR = "application/vnd.android.package-archive", "application/java-archive"

_BRANDS = (
    (b"avif", "image/avif"),
    (b"avis", "image/avif"),
    (b"heic", "image/heic"),
    (b"heix", "image/heic"),
    (b"heim", "image/heic"),
    (b"heis", "image/heic"),
    (b"hevc", "image/heic"),
    (b"hevx", "image/heic"),
    (b"mif1", "image/heif"),
    (b"msf1", "image/heif"),
    (b"crx ", "image/x-canon-cr3"),
    (b"jp2 ", "image/jp2"),
    (b"qt  ", "video/quicktime"),
    (b"M4A ", "audio/mp4"),
    (b"M4B ", "audio/mp4"),
    (b"3g2", "video/3gpp2"),
    (b"3gp", "video/3gpp"),
)
_CODECS = (
    (b"\x80theora", "video/ogg"),  # a film's sound begins on its first pages, too
    (b"OVP80", "video/ogg"),
    (b"OpusHead", "audio/opus"),
    (b"\x01vorbis", "audio/ogg"),
    (b"\x7fFLAC", "audio/ogg"),
    (b"Speex   ", "audio/ogg"),
)


def zip_type(head: bytes) -> str:
    """Return the type of a zip archive by the names of its first members."""
    names = list(_member_names(head))
    if names and names[0] == b"mimetype":  # EPUB OCF §4.3, ODF 1.3 part 2 §3.3: stored, and first
        start = _NAME_AT + len(names[0]) + int.from_bytes(head[_EXTRA_LENGTH_AT : _EXTRA_LENGTH_AT + 2], "little")
        declared = _DECLARED.match(head, start)
        if declared is not None:
            return declared[0].decode()
    for folder, kind in _FOLDERS:
        if any(name.startswith(folder) for name in names):
            return kind
    if b"AndroidManifest.xml" in names:
        return _APK
    return _JAR if b"META-INF/MANIFEST.MF" in names else ZIP


def _member_names(head: bytes) -> list[bytes]:
    names, at = [], head.find(_LOCAL_HEADER)
    while at >= 0:
        flags, packed, length, extra = _HEADER.unpack(head[at : at + _NAME_AT].ljust(_NAME_AT, b"\0"))
        at += _NAME_AT
        names.append(head[at : at + length])
        # What a member holds may be an archive itself. Where its length was not known before, it stands behind it.
        at = head.find(_LOCAL_HEADER, at if flags & _LENGTH_LATER else at + length + extra + packed)
    return names


def icon_type(head: bytes) -> str | None:
    """Return the type of icons and cursors, which begin with how many there are; a TGA has zeros there."""
    return "image/vnd.microsoft.icon" if head[4:6] > b"\0\0" else None


def iso_media_type(head: bytes) -> str | None:
    """Return the type of an ISO base media file (ISO/IEC 14496-12) by its brands, the major one first."""
    if head[4:8] in {b"moov", b"mdat", b"wide", b"free"} and head[:1] == b"\0":  # QuickTime before there were brands
        return "video/quicktime"
    if head[4:8] != b"ftyp":
        return None
    size = int.from_bytes(head[:4], "big")
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, min(size, len(head), 256), 4))]
    # A still image may have the brand of the container first, and say later which coding it has.
    images = [kind for brand in brands for known, kind in _BRANDS if brand == known and kind.startswith("image/")]
    specific = [kind for kind in images if kind != "image/heif"]
    for known, kind in _BRANDS:
        if brands[0].startswith(known):
            return specific[0] if kind == "image/heif" and specific else kind
    return MP4


def matroska_type(head: bytes) -> str:
    """Return the type of an EBML file by its document type (RFC 8794 §11.2.4)."""
    return "video/webm" if b"webm" in head[:64] else "video/x-matroska"


def ogg_type(head: bytes) -> str:
    """Return the type of an Ogg stream by the first page's codec (RFC 5334)."""
    return next((kind for mark, kind in _CODECS if mark in head[:256]), OGG)


def riff_type(head: bytes) -> str | None:
    """Return the type of a RIFF file by its form."""
    if head[:4] != b"RIFF":  # big endian, or of more than 4 GiB
        return "audio/wav" if head[8:12] == b"WAVE" else None
    return {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}.get(head[8:12])
