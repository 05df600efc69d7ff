"""The first bytes of formats, after the WHATWG MIME Sniffing Standard §6 and the formats' own specifications."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.inspection import containers
from holdfast.inspection.media_types import GZIP, OLE

if TYPE_CHECKING:
    from collections.abc import Callable

PE, ELF, MACHO = "application/vnd.microsoft.portable-executable", "application/x-elf", "application/x-mach-binary"

SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"II+\0", "image/tiff"),
    (b"MM\0+", "image/tiff"),
    (b"P4\n", "image/x-portable-bitmap"),
    (b"P5\n", "image/x-portable-graymap"),
    (b"P6\n", "image/x-portable-pixmap"),
    (b"8BPS", "image/vnd.adobe.photoshop"),
    (b"\xff\x0a", "image/jxl"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
    (b"%!PS-Adobe-", "application/postscript"),
    (b"\xc5\xd0\xd3\xc6", "application/postscript"),
    (b"{\\rtf", "application/rtf"),
    (b"\x1f\x8b\x08", GZIP),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"\xfd7zXZ\0", "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"\x04\x22\x4d\x18", "application/x-lz4"),
    (b"MSCF\0\0\0\0", "application/vnd.ms-cab-compressed"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),
    (b"SQLite format 3\0", "application/vnd.sqlite3"),
    (b"\0asm", "application/wasm"),
    (b"\x7fELF", ELF),
    (b"\xfe\xed\xfa\xce", MACHO),
    (b"\xfe\xed\xfa\xcf", MACHO),
    (b"\xce\xfa\xed\xfe", MACHO),
    (b"\xcf\xfa\xed\xfe", MACHO),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"MThd\0\0\0\6", "audio/midi"),
    (b".snd", "audio/basic"),
    (b"#!AMR", "audio/amr"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video/x-ms-asf"),
    (b"\0\0\1\xba", "video/mpeg"),
    (b"\0\0\1\xb3", "video/mpeg"),
    (b"FLV\1", "video/x-flv"),
    (b"FWS", "application/x-shockwave-flash"),
    (b"CWS", "application/x-shockwave-flash"),
    (b"ZWS", "application/x-shockwave-flash"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
    (b"OTTO", "font/otf"),
    (b"\0\1\0\0\0", "font/ttf"),
    (b"ttcf", "font/collection"),
    (b"glTF\2\0\0\0", "model/gltf-binary"),
    (b"PAR1", "application/vnd.apache.parquet"),
)
"""Bytes that a file begins with; those that are letters count only where they are no text, see `sniffing`."""

SOME_TEXT = frozenset({"application/postscript", "application/rtf", "image/gif", "audio/amr"})
"""Types whose files may be text to the last byte of their head."""

BRANCHES: tuple[tuple[int, bytes, Callable[[bytes], str | None]], ...] = (
    (0, b"\0\0\1\0", containers.icon_type),
    (0, b"\0\0\2\0", containers.icon_type),
    (0, b"PK\x03\x04", containers.zip_type),
    (0, b"PK\x05\x06", containers.zip_type),
    (0, b"RIFF", containers.riff_type),
    (0, b"RIFX", containers.riff_type),
    (0, b"RF64", containers.riff_type),
    (0, b"\x1a\x45\xdf\xa3", containers.matroska_type),
    (0, b"OggS\0", containers.ogg_type),
    (4, b"ftyp", containers.iso_media_type),
    (4, b"moov", containers.iso_media_type),
    (4, b"mdat", containers.iso_media_type),
    (4, b"wide", containers.iso_media_type),
    (4, b"free", containers.iso_media_type),
)
"""Where a signature stands, and what looks on from there."""

DETECTED = frozenset(
    {kind for _, kind in SIGNATURES}
    | {PE, "application/pdf", "application/zip", "application/x-bzip2", "image/bmp", "image/webp"}
    | {"image/vnd.microsoft.icon"}
    | {"image/heif", "audio/aiff", "audio/wav", "video/mp4", "video/x-matroska", "video/x-msvideo", "application/ogg"}
    | {"application/java-vm"}
) - {"audio/mpeg", "video/mpeg"}  # their frames may begin anywhere
"""Types whose files always show it, so that other bytes are something else."""
