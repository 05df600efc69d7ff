"""Bytes, declaration and extension must say the same."""

import mimetypes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.inspection import sniff
from holdfast.inspection.agreement import agreed, claimed, is_shown
from holdfast.inspection.extensions import extension, types_of
from holdfast.inspection.media_types import lineage, may_run, normal
from holdfast.inspection.patterns import admits, admits_some, is_pattern
from tests.inspection.samples import EXE, GIF, HTML, MARKUP, OOXML, PDF, SAMPLES, SVG, WORD, XHTML, zipped

DOCX = f"{OOXML}wordprocessingml.document"
GENERIC = "application/octet-stream"


@pytest.mark.parametrize(
    ("declared", "name", "head", "kind"),
    [
        ("image/gif", "a.gif", GIF, "image/gif"),
        ("image/gif", "a", GIF, "image/gif"),
        (None, "a.gif", GIF, "image/gif"),
        (GENERIC, "Mr. Smith", GIF, "image/gif"),
        ("IMAGE/GIF; charset=x", "A.GIF", GIF, "image/gif"),
        ("image/jpg", "a.JPE", SAMPLES["jpeg"][0], "image/jpeg"),
        ("audio/x-wav", "a.wav", SAMPLES["wav"][0], "audio/wav"),
        ("application/x-zip-compressed", "a.zip", SAMPLES["zip"][0], "application/zip"),
        ("text/csv; charset=utf-8", "a.csv", b"a,b", "text/csv"),
        ("text/plain", "a.csv", b"a,b", "text/csv"),
        ("text/csv", "a.txt", b"a,b", "text/csv"),
        ("application/vnd.ms-excel", "a.csv", b"a,b", "text/csv"),
        ("application/json", "a.json", b"{}", "application/json"),
        (GENERIC, "a.json", b"{}", "application/json"),
        ("application/ld+json", "a.json", b"{}", "application/ld+json"),
        ("text/markdown", "README.md", b"# x", "text/markdown"),
        ("text/plain", "x.unknown", b"# x", "text/plain"),
        ("application/x-never-heard-of", "x.foo", b"# x", "application/x-never-heard-of"),
        ("text/xml", "a.xml", SAMPLES["xml"][0], "application/xml"),
        ("text/xml", "a.svg", SVG, "image/svg+xml"),
        ("application/rss+xml", "feed", SAMPLES["xml"][0], "application/rss+xml"),
        (DOCX, "a.docx", zipped(*WORD), DOCX),
        (DOCX, "a.docx", zipped("other"), DOCX),
        ("application/zip", "a.docx", zipped(*WORD), DOCX),
        ("application/msword", "a.doc", SAMPLES["ole"][0], "application/msword"),
        ("application/gzip", "a.tar.gz", SAMPLES["gzip"][0], "application/gzip"),
        ("audio/mp4", "a.m4a", SAMPLES["mp4"][0], "audio/mp4"),
        ("video/mp4", "a.mp4", SAMPLES["mov"][0], "video/quicktime"),
        ("audio/ogg", "a.ogg", SAMPLES["opus"][0], "audio/opus"),
        ("video/ogg", "a.ogg", SAMPLES["ogv"][0], "video/ogg"),
        ("video/ogg", "a.ogg", SAMPLES["ogg"][0], "audio/ogg"),  # what Firefox declares
        ("application/x-compressed", "a.rar", SAMPLES["rar"][0], "application/vnd.rar"),
        ("audio/mpeg", "a.mp3", bytes(100), "audio/mpeg"),  # its frames may begin later
        ("model/x-never-heard-of", "a.foo", bytes(100), "model/x-never-heard-of"),
        (GENERIC, "a.bin", bytes(100), GENERIC),
        (GENERIC, "blob", GIF, "image/gif"),
        (GENERIC, "a.bin", GIF, "image/gif"),
        (None, "page", HTML, "text/html"),
        ("application/x-tar", "a.tar.gz", SAMPLES["gzip"][0], "application/gzip"),  # what httpx and requests declare
        ("text/csv", "a.csv.gz", SAMPLES["gzip"][0], "application/gzip"),
        ("audio/3gpp", "a.3gp", SAMPLES["3gp"][0], "audio/3gpp"),
        ("video/mp2t", "a.ts", b"let a = 1", "text/typescript"),  # what browsers declare
        ("video/mp2t", "a.ts", SAMPLES["mpeg-ts"][0], "video/mp2t"),
        ("application/postscript", "a.ai", PDF, "application/pdf"),
        ("text/html", "a.html", MARKUP["xhtml"][0], "application/xhtml+xml"),
        ("audio/webm", "a.webm", SAMPLES["webm"][0], "audio/webm"),
        ("text/markdown", "README.md", b'<h1 align="center">x</h1>', "text/markdown"),
        (None, "README.md", b"<!-- x -->\n# x", "text/markdown"),
        ("text/xml", "a.xml", b"<!-- x --><note/>", "application/xml"),
        ("text/javascript", "a.js", b"#!/usr/bin/env node\n", "text/javascript"),
        (None, "configure.ac", b"#!/bin/sh\n", "text/x-shellscript"),
        (None, "a.ps1", b"Get-Item", "application/x-powershell"),
        (None, "a.bat", b"@echo off", "application/x-bat"),
        (None, "a.mht", b"MIME-Version: 1.0\n", "multipart/related"),
        ("text/x-python-script", "a.py", b"import a", "text/x-python"),  # what Chrome on a Mac declares
        ("application/vnd.visio", "a.vsd", SAMPLES["ole"][0], "application/vnd.visio"),
        ("audio/vnd.dlna.adts", "a.aac", SAMPLES["aac"][0], "audio/aac"),  # what Edge declares
        (None, "a.ARW", SAMPLES["tiff"][0], "image/x-sony-arw"),
        (None, "a.xltx", SAMPLES["xlsx"][0], f"{OOXML}spreadsheetml.template"),
        (None, "a.ppm", b"P3\n1 1\n1\n1 0 0", "image/x-portable-pixmap"),
        (None, "a.m4r", SAMPLES["m4a"][0], "audio/mp4"),
        ("text/x\r\nset-cookie: a=b", "a.txt", b"x", "text/plain"),
        ("image", "a.gif", GIF, "image/gif"),
        ("text/plain", "page.txt", HTML, "text/html"),
    ],
)
def test_s11_what_agrees_is_recorded(declared: str | None, name: str, head: bytes, kind: str) -> None:
    """The most special of the three is the type."""
    assert agreed(sniff(head), declared, name) == kind


@pytest.mark.parametrize(
    ("declared", "name", "head"),
    [
        ("image/gif", "shell.php", GIF),
        ("image/gif", "shell.PHP7", GIF),
        ("image/gif", "shell.php.", GIF),
        ("image/gif", "shell.php::$DATA", GIF),
        ("image/gif", "shell.phar ", GIF),
        ("image/gif", ".htaccess", GIF),
        ("image/gif", "shell.p\u200bhp", GIF),
        ("image/gif", "shell.\uff50\uff48\uff50", GIF),
        ("image/gif", "..\\..\\shell.php", GIF),
        ("image/gif", "x.whatever", GIF),
        ("image/png", "x.png", HTML),
        ("image/png", "x.png", EXE),
        ("image/png", "x.png", b""),
        ("image/png", "x.png", bytes(100)),
        ("image/png", "x.png", GIF),
        ("image/pngx", "x.png", SAMPLES["png"][0]),
        ("image/png", "x.gif", SAMPLES["png"][0]),
        ("image/gif", "x.gif", b"\xef\xbb\xbf<script>"),
        ("image/gif", "x.gif", "<html>".encode("utf-16")),
        ("image/jpeg", "x.jpg", f'<?xml version="1.0"?><x:script xmlns:x="{XHTML}"/>'.encode()),
        ("image/svg+xml", "x.svg", HTML),
        ("application/pdf", "x.pdf", HTML),
        ("text/csv", "x.csv", HTML),
        ("text/csv", "x.csv", b"a\0b"),
        ("text/csv", "x.json", b"{}"),
        (DOCX, "a.docx", SAMPLES["jar"][0]),
        (DOCX, "a.docx", SAMPLES["xlsx"][0]),
        (DOCX, "a.docx", bytes(100)),
        ("application/x-never-heard-of", "x", EXE),
        ("image/x-never-heard-of", "x", b"text"),
        (GENERIC, "x.exe", GIF),
        ("text/csv", "x.csv", b"#!/bin/sh\n"),
        ("image/png", "x.png", b"#!/bin/sh\n"),
        ("application/x-tar", "a.gz", SAMPLES["gzip"][0]),
        ("text/html", "README.md", b"<h1>x</h1>"),
        ("video/mp2t", "a.ts", HTML),
        ("application/postscript", "a.ai", GIF),
    ],
)
def test_s11_what_contradicts_is_refused(declared: str | None, name: str, head: bytes) -> None:
    """One lie is enough."""
    assert agreed(sniff(head), declared, name) is None


@pytest.mark.parametrize(
    ("declared", "name", "kind"),
    [
        ("image/png", "a.png", "image/png"),
        ("image/png", "a.php", None),
        ("image/png", "a", "image/png"),
        (None, "a.png", "image/png"),
        (GENERIC, "a", GENERIC),
        ("application/zip", "a.docx", DOCX),
        ("application/vnd.ms-excel", "a.csv", "text/csv"),
        ("application/x-tar", "a.tar.gz", "application/gzip"),
    ],
)
def test_what_is_claimed_before_there_are_bytes(declared: str | None, name: str, kind: str | None) -> None:
    """A name and a declared type contradict each other, too."""
    assert claimed(declared, name) == kind


@pytest.mark.parametrize(
    ("patterns", "kind", "expected"),
    [
        (["image/png"], "image/png", True),
        (["image/png"], "image/pngx", False),
        (["image/*"], "image/png", True),
        (["image/*"], "imagex/png", False),
        (["image/*"], "image/svg+xml", False),
        (["image/*", "image/svg+xml"], "image/svg+xml", True),
        (["text/*"], "text/csv", True),
        (["text/*"], "text/html", False),
        (["text/*"], "text/javascript", False),
        (["application/*"], "application/xhtml+xml", False),
        (["application/*"], "application/pdf", True),
        (["*/*"], "text/html", True),
        (["text/xml"], "application/xml", True),
        (["application/zip"], DOCX, False),
        ([], "image/png", False),
    ],
)
def test_s11_patterns_admit_exactly(patterns: list[str], kind: str, expected: bool) -> None:
    """A type by its name, or a kind but for what a browser may run."""
    assert admits(patterns, kind) is expected


@pytest.mark.parametrize(
    ("kind", "sniffed", "expected"),
    [
        ("image/x-never-heard-of", None, False),
        ("image/x-xpixmap", "text/plain", False),
        ("image/x-adobe-dng", "image/tiff", True),
        ("audio/mp4", "video/mp4", True),
        ("application/json", "text/plain", True),
        ("text/csv", "text/plain", True),
    ],
)
def test_s11_a_wildcard_wants_to_see_something(kind: str, sniffed: str | None, expected: bool) -> None:
    """What a client merely says to be an image is admitted by its name, or by */*."""
    wildcard = f"{kind.partition('/')[0]}/*"
    assert is_shown(kind, sniffed) is expected
    assert admits([wildcard], kind, is_shown=expected) is expected
    assert admits(["*/*"], kind, is_shown=False)
    assert admits([kind], kind, is_shown=False)


def test_a_special_case_may_be_admitted() -> None:
    """What looks like a zip archive may turn out to be the DOCX that is wanted."""
    assert admits_some([DOCX], "application/zip")
    assert not admits_some([DOCX], "application/gzip")
    assert not admits_some(["image/*"], "image/png")


@pytest.mark.parametrize("text", ["*.png", "png", "image/", "/png", "*", "*/png", "image/*x", "a/b;c=d", "", "a b/c"])
def test_what_is_no_pattern(text: str) -> None:
    """Nor a type with parameters: they never count."""
    assert not is_pattern(text)


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("a.png", "png"),
        ("a.tar.GZ", "gz"),
        ("a.png. . ", "png"),
        (".htaccess", "htaccess"),
        ("a.3gp", "3gp"),
        ("v1.2", None),
        ("a.2024 final", None),
        ("Mr. Smith", None),
        ("README", None),
        ("a.", None),
        ("", None),
        ("a.averyverylongword", None),
        ("a.part", None),
        ("a.p\u200bhp", "php"),  # as the key will end
        ("a.\uff50\uff48\uff50", "php"),
        ("a.p/hp", None),
    ],
)
def test_extensions(name: str, ending: str | None) -> None:
    """What stands behind the last dot, where it is one."""
    assert extension(name) == ending


def test_extensions_do_not_depend_on_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a mime.types file adds is not asked."""
    mimetypes.init()
    monkeypatch.setitem(mimetypes.types_map, ".foo", "image/png")
    assert types_of("x.foo") == ()
    assert types_of("x.latex") == ("application/x-latex",)  # Python's own table is


@given(st.text(max_size=60), st.one_of(st.none(), st.text(max_size=60)), st.binary(max_size=40))
def test_nothing_raises(name: str, declared: str | None, head: bytes) -> None:
    """Names and types of clients are any text."""
    agreed(sniff(head), declared, name)
    claimed(declared, name)
    kind = normal(declared)
    assert kind is None or next(lineage(kind)) == kind
    assert kind is None or may_run(kind) in {True, False}
