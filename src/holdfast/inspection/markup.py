"""Text, HTML and XML: what a browser might run is told first, whatever the file is called.

After the WHATWG MIME Sniffing Standard §7.1, which looks for the tags that HTML files begin with. Where a tool may see
more than a browser does (a byte order mark, comments, UTF-16 without a mark, a prefix of the XHTML namespace), the
more dangerous answer is given.
"""

from __future__ import annotations

import codecs
import re

from holdfast.inspection.media_types import SCRIPT, TEXT, XML

HTML, XHTML, SVG, PHP = "text/html", "application/xhtml+xml", "image/svg+xml", "application/x-httpd-php"

# Binary data bytes of the standard's §5 are all others.
_TEXT_BYTES = bytes({*range(0x20, 0x100), 0x09, 0x0A, 0x0C, 0x0D, 0x1B})
_BINARY = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before the mark of UTF-16 that it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_GUESSED = 16  # bytes that show the zeros of UTF-16

_BLANK = re.compile(r"[\s\ufeff]*")
_TAG = re.compile(r"<(?:([a-z_][\w.-]*):)?([a-z_][\w.-]*)(?=[\s/>])", re.IGNORECASE)
_DOCTYPE = re.compile(r"<!doctype\s+(?:[a-z_][\w.-]*:)?([a-z]+)", re.IGNORECASE)
_NAMESPACE = "http://www.w3.org/1999/xhtml"
_HTML_TAGS = frozenset(
    # The standard's, and others that nothing but HTML begins with.
    re.findall(
        r"\w+",
        "html head script iframe h1 div font table a style title b body br p "
        "template frameset frame noscript meta base img video audio object embed form input link span section main "
        "article button center details h2 h3 h4 ul ol nav header footer marquee math select textarea svg",
    )
)


def text_type(head: bytes) -> str | None:
    """Return the type of a text, None if these bytes are no text.

    Args:
        head: The first bytes of a file; an empty file is text.
    """
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return _of_text(head[len(mark) :].decode(encoding, "replace"))
    if not head.translate(None, _TEXT_BYTES):
        return _of(head.decode("utf-8", "replace"))
    encoding_guess = _without_mark(head)
    if encoding_guess is not None:
        found = _of_text(head.decode(encoding_guess, "replace"))
        return None if found == TEXT else found  # zeros alone do not make a text
    return None


def _without_mark(head: bytes) -> str | None:
    """Return the encoding of UTF-16 that says nothing of it, told from the zeros of its Latin letters."""
    start = head[:_GUESSED]
    even, odd = start[::2], start[1::2]
    if odd and not any(odd) and all(even):
        return "utf-16-le"
    if odd and not any(even) and all(odd):
        return "utf-16-be"
    return None


def _of_text(text: str) -> str | None:
    return None if _BINARY.search(text) else _of(text)


def _of(text: str) -> str:
    if text.startswith("#!") and "/" in text.partition("\n")[0]:
        return SCRIPT
    return _markup(text) or TEXT


def _markup(text: str) -> str | None:
    """Return the type of markup, by what stands first in it."""
    is_xml = is_html = False
    at = _skip_blank(text, 0)
    while text.startswith(("<!", "<?"), at):
        if text.startswith("<!--", at):
            is_html, end = True, "-->"
        elif found := _DOCTYPE.match(text, at):
            name = found[1].lower()
            if name in {"html", "svg"}:
                return SVG if name == "svg" else XHTML if is_xml else HTML
            is_xml, end = True, "]>" if "[" in text[at : text.find(">", at) + 1 or None] else ">"
        elif text.startswith(("<?php", "<?=", "<?\n", "<? "), at):
            return PHP
        else:
            is_xml, end = is_xml or text[at : at + 5].lower() == "<?xml", ">"
        stop = text.find(end, at)
        if stop < 0:
            break
        at = _skip_blank(text, stop + len(end))
    return _by_root(text, at, is_xml=is_xml) or (XML if is_xml else HTML if is_html else None)


def _by_root(text: str, at: int, *, is_xml: bool) -> str | None:
    """Return the type that the first element gives, None where it says nothing."""
    root = _TAG.match(text, at)
    if root is None:
        return None
    name = root[2].lower()
    if name == "svg" and (is_xml or root[1] or "xmlns" in text):
        return SVG
    if not is_xml and not root[1] and name in _HTML_TAGS:
        return HTML
    if name == "html" or _NAMESPACE in text:
        return XHTML
    return XML if is_xml else None


def _skip_blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at
