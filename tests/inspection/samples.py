"""First bytes of files, as the programs that make them write them."""

import gzip
import io
import sqlite3
import struct
import tempfile
import zipfile
from pathlib import Path

XHTML = "http://www.w3.org/1999/xhtml"
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489")
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffdb0043000302020302020303")
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00"
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nendobj\n"
EXE = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00\xb8" + bytes(47)
SVG = b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!DOCTYPE html>\n<html><script>alert(1)</script></html>"


def zipped(*names: str, first: bytes | None = None) -> bytes:
    """Return a zip archive with members of these names."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        if first is not None:
            archive.writestr(zipfile.ZipInfo("mimetype"), first)
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), "<x/>" * 50)  # without the time, which would be in test names
    return file.getvalue()


def stored(name: str, content: bytes) -> bytes:
    """Return a zip archive with a member that was not packed."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), content)
    return file.getvalue()


class _Pipe(io.BytesIO):
    """A file that cannot go back, so that lengths are written behind the members."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise io.UnsupportedOperation

    tell = seek


def streamed(*names: str) -> bytes:
    """Return a zip archive as it is written into a pipe."""
    file = _Pipe()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), "<x/>" * 50)
    return file.getvalue()


def database() -> bytes:
    """Return what SQLite writes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.db"
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE t (x)")
        connection.close()
        return path.read_bytes()


def iso(brand: bytes, *compatible: bytes) -> bytes:
    """Return the first box of an ISO media file."""
    body = b"ftyp" + brand + bytes(4) + b"".join(compatible)
    return struct.pack(">I", len(body) + 4) + body + b"\0\0\0\x08free"


def riff(form: bytes) -> bytes:
    """Return the beginning of a RIFF file."""
    return b"RIFF\x24\x00\x00\x00" + form + b"fmt \x10\x00\x00\x00\x01\x00\x02\x00"


def ogg(codec: bytes) -> bytes:
    """Return the first page of an Ogg stream."""
    return b"OggS\0\x02" + bytes(20) + b"\x01\x13" + codec + bytes(12)


def bitmap() -> bytes:
    """Return the head of a Windows bitmap."""
    return b"BM" + struct.pack("<IHHI", 58, 0, 0, 54) + struct.pack("<I", 40) + bytes(36)


def tar() -> bytes:
    """Return the first block of a tar archive."""
    return b"a.txt".ljust(257, b"\0") + b"ustar\x0000" + bytes(247)


WORD = ("[Content_Types].xml", "_rels/.rels", "word/document.xml")
OOXML = "application/vnd.openxmlformats-officedocument."
ODT = b"application/vnd.oasis.opendocument.text"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(24)

SAMPLES: dict[str, tuple[bytes, str | None]] = {
    "png": (PNG, "image/png"),
    "jpeg": (JPEG, "image/jpeg"),
    "gif": (GIF, "image/gif"),
    "gif87": (b"GIF87a" + GIF[6:], "image/gif"),
    "webp": (riff(b"WEBP"), "image/webp"),
    "avif": (iso(b"avif", b"mif1"), "image/avif"),
    "avif by its second brand": (iso(b"mif1", b"miaf", b"avif"), "image/avif"),
    "heic": (iso(b"heic", b"mif1"), "image/heic"),
    "heif": (iso(b"mif1", b"miaf"), "image/heif"),
    "bmp": (bitmap(), "image/bmp"),
    "tiff": (b"II*\0\x08\0\0\0", "image/tiff"),
    "tiff, big endian": (b"MM\0*\0\0\0\x08", "image/tiff"),
    "ico": (b"\0\0\1\0\1\0\x10\x10", "image/vnd.microsoft.icon"),
    "cursor": (b"\0\0\2\0\1\0\x20\x20", "image/vnd.microsoft.icon"),
    "tga, which is no cursor": (b"\0\0\2" + bytes(9) + b"\x40\0\x40\0\x18\0", None),
    "ppm": (b"P6\n1 1\n255\n\0\xff\x01", "image/x-portable-pixmap"),
    "pgm": (b"P5\n1 1\n255\n\0", "image/x-portable-graymap"),
    "pbm": (b"P4\n1 1\n\0", "image/x-portable-bitmap"),
    "jxl": (b"\xff\x0a\xfa\x1f\x00", "image/jxl"),
    "psd": (b"8BPS\0\1" + bytes(6), "image/vnd.adobe.photoshop"),
    "pdf": (PDF, "application/pdf"),
    "pdf after a line": (b"\n\n" + PDF, "application/pdf"),
    "pdf after a mark": (b"\xef\xbb\xbf" + PDF, "application/pdf"),
    "pdf after a printer's commands": (b"\x1b%-12345X@PJL\n" + PDF + b"\0", "application/pdf"),
    "a text about pdf": (b"a file begins with %PDF-1.7", "text/plain"),
    "postscript": (b"%!PS-Adobe-3.0\n", "application/postscript"),
    "rtf": (b"{\\rtf1\\ansi hello}", "application/rtf"),
    "zip": (zipped("a.txt"), "application/zip"),
    "empty zip": (zipped(), "application/zip"),
    "docx": (zipped(*WORD), f"{OOXML}wordprocessingml.document"),
    "xlsx": (zipped("docProps/app.xml", "xl/workbook.xml"), f"{OOXML}spreadsheetml.sheet"),
    "pptx": (zipped("[Content_Types].xml", "ppt/presentation.xml"), f"{OOXML}presentationml.presentation"),
    "odt": (zipped("content.xml", first=ODT), ODT.decode()),
    "epub": (zipped("META-INF/container.xml", first=b"application/epub+zip"), "application/epub+zip"),
    "zip that lies": (zipped("a.txt", first=b"text/html"), "application/zip"),
    "zip of a docx": (stored("letter.docx", zipped(*WORD)), "application/zip"),
    "docx, written as a stream": (streamed(*WORD), f"{OOXML}wordprocessingml.document"),
    "jar": (zipped("META-INF/MANIFEST.MF", "A.class"), "application/java-archive"),
    "apk": (zipped("AndroidManifest.xml", "META-INF/MANIFEST.MF"), "application/vnd.android.package-archive"),
    "gzip": (gzip.compress(b"x", mtime=0), "application/gzip"),
    "7z": (b"7z\xbc\xaf\x27\x1c\0\4", "application/x-7z-compressed"),
    "rar": (b"Rar!\x1a\x07\x01\x00", "application/vnd.rar"),
    "xz": (b"\xfd7zXZ\0\0\4", "application/x-xz"),
    "zstd": (b"\x28\xb5\x2f\xfd\x04\x00", "application/zstd"),
    "bzip2": (b"BZh91AY&SY\x00\x01", "application/x-bzip2"),
    "tar": (tar(), "application/x-tar"),
    "ole": (OLE, "application/x-ole-storage"),
    "sqlite": (database(), "application/vnd.sqlite3"),
    "mp4": (iso(b"isom", b"iso2", b"mp41"), "video/mp4"),
    "mov": (iso(b"qt  "), "video/quicktime"),
    "old mov": (b"\0\0\0\x08wide\0\0\0\0mdat", "video/quicktime"),
    "m4a": (iso(b"M4A ", b"isom"), "audio/mp4"),
    "3gp": (iso(b"3gp4"), "video/3gpp"),
    "webm": (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm", "video/webm"),
    "mkv": (b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\x82\x88matroska", "video/x-matroska"),
    "avi": (riff(b"AVI "), "video/x-msvideo"),
    "mpeg-ts": (b"G" + bytes(187) + b"G" + bytes(187) + b"G" + bytes(10), "video/mp2t"),
    "mpeg-ts with times": ((bytes(4) + b"G" + bytes(187)) * 3, "video/mp2t"),
    "ogg": (ogg(b"\x01vorbis"), "audio/ogg"),
    "opus": (ogg(b"OpusHead"), "audio/opus"),
    "ogv": (ogg(b"\x80theora"), "video/ogg"),
    "ogv with sound": (ogg(b"\x80theora") + ogg(b"\x01vorbis"), "video/ogg"),
    "ogv of other films": (ogg(b"OVP80\x01") + ogg(b"OpusHead"), "video/ogg"),
    "ogg of something": (ogg(b"fishead\0"), "application/ogg"),
    "mp3 with a tag": (b"ID3\x03\x00\x00\x00\x00\x0f\x76", "audio/mpeg"),
    "mp3": (b"\xff\xfb\x90\x64\x00\x00", "audio/mpeg"),
    "mp2": (b"\xff\xfd\xa4\x04\x00\x00", "audio/mpeg"),
    "aac": (b"\xff\xf1\x50\x80\x00\x1f", "audio/aac"),
    "flac": (b"fLaC\0\0\0\x22", "audio/flac"),
    "wav": (riff(b"WAVE"), "audio/wav"),
    "wav, big endian": (b"RIFX\0\0\0\x24WAVEfmt ", "audio/wav"),
    "wav of many gigabytes": (b"RF64\xff\xff\xff\xffWAVEds64\x1c\0\0\0", "audio/wav"),
    "aiff": (b"FORM\0\0\0\x30AIFF\0\0", "audio/aiff"),
    "midi": (b"MThd\0\0\0\6\0\1", "audio/midi"),
    "woff2": (b"wOF2\0\1\0\0", "font/woff2"),
    "ttf": (b"\0\1\0\0\0\x0f\0\x80", "font/ttf"),
    "wasm": (b"\0asm\1\0\0\0", "application/wasm"),
    "exe": (EXE, "application/vnd.microsoft.portable-executable"),
    "elf": (b"\x7fELF\2\1\1\0" + bytes(8), "application/x-elf"),
    "mach-o": (b"\xcf\xfa\xed\xfe\x07\0\0\1", "application/x-mach-binary"),
    "fat mach-o": (b"\xca\xfe\xba\xbe\0\0\0\2", "application/x-mach-binary"),
    "java class": (b"\xca\xfe\xba\xbe\0\0\0\x3d", "application/java-vm"),
    "script": (b"#!/bin/sh\nrm -rf /\n", "text/x-shellscript"),
    "php": (b"\n<?php system($_GET['x']);", "application/x-httpd-php"),
    "html": (HTML, "text/html"),
    "svg": (SVG, "image/svg+xml"),
    "svg without a prolog": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "image/svg+xml"),
    "svg by its doctype": (b'<?xml version="1.0"?><!DOCTYPE svg PUBLIC "x" "y">', "image/svg+xml"),
    "svg with a prefix": (b'<s:svg xmlns:s="http://www.w3.org/2000/svg"/>', "image/svg+xml"),
    "svg after entities": (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><svg xmlns="x"/>', "image/svg+xml"),
    "svg inside of html": (b"<svg onload=alert(1)>", "text/html"),
    "xml": (b'<?xml version="1.0"?><note>x</note>', "application/xml"),
    "json": (b'{"a": 1}', "text/plain"),
    "csv": (b"a;b\r\n1;\xe9\r\n", "text/plain"),
    "text": ("Grüße, 你好\n".encode(), "text/plain"),
    "text with an escape": (b"\x1b[1mbold\x1b[0m", "text/plain"),
    "utf-16 text": ("a,b\n".encode("utf-16"), "text/plain"),
    "empty": (b"", "text/plain"),
    "letters that begin a binary format": (b"MZ is a mark, and so is RIFF", "text/plain"),
    "a text about ID3": (b"ID3 tags are fun", "text/plain"),
    "nothing known": (bytes(range(1, 200)), None),
    "zeros": (bytes(4096), None),
    "text with a zero": (b"hello\0world", None),
    "utf-16 without a mark": ("just some words".encode("utf-16-le"), None),
}
"""By a name for the test: the bytes, and what they are."""

MARKUP: dict[str, tuple[bytes, str]] = {
    "a mark": (b"\xef\xbb\xbf<script>alert(1)</script>", "text/html"),
    "a mark, then blanks": (b"\xef\xbb\xbf \n\t<script>", "text/html"),
    "utf-16": ("<html>".encode("utf-16"), "text/html"),
    "utf-16, big endian": (b"\xfe\xff" + "<script>x</script>".encode("utf-16-be"), "text/html"),
    "utf-16 without a mark": ("<html><body>".encode("utf-16-le"), "text/html"),
    "utf-16-be without a mark": ("  <script src=x>".encode("utf-16-be"), "text/html"),
    "utf-32": (b"\xff\xfe\0\0" + "<html>".encode("utf-32-le"), "text/html"),
    "blanks": (b" \t\r\n\x0c<ScRiPt >", "text/html"),
    "a comment": (b"<!-- x --><!-- y -->\n<iframe src=x>", "text/html"),
    "nothing but a comment": (b"<!-- x -->", "text/html"),
    "a comment without end": (b"<!-- " + b"x" * 5000, "text/html"),
    "a slash for a blank": (b"<img/src=x onerror=alert(1)>", "text/html"),
    "svg in utf-16": (SVG.decode().encode("utf-16"), "image/svg+xml"),
    "xhtml": (f'<?xml version="1.0"?><html xmlns="{XHTML}"/>'.encode(), "application/xhtml+xml"),
    "xhtml by its doctype": (b'<?xml version="1.0"?><!DOCTYPE html>', "application/xhtml+xml"),
    "the namespace alone": (f'<?xml version="1.0"?><x:script xmlns:x="{XHTML}"/>'.encode(), "application/xhtml+xml"),
    "the namespace, no prolog": (f'<a:b xmlns:a="{XHTML}"><a:script/></a:b>'.encode(), "application/xhtml+xml"),
    "a style sheet": (b'<?xml-stylesheet href="x.xsl"?><a/>', "application/xml"),
}
"""Markup that hides: the bytes, and what they are."""
