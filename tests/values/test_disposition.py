"""Content-Disposition: whatever a file is called, one header comes out, and the name can be read back."""

import unicodedata
from email.message import Message

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.http import parse_options_header

from holdfast.disposition import INLINE_TYPES, answer_headers, content_disposition, header_type, is_shown, offered_name

HOSTILE = [
    'a"b.txt',
    "a\\b.txt",
    'x.txt"\r\nX-Evil: 1\r\n\r\n<script>',
    "a;b=c.txt",
    "100%.txt",
    "a\0.png",
    "\U0001f600.png",
    "invoice\u202egpj.exe",
    "%0d%0aSet-Cookie: a=b",
    "a" * 1000,
    "é" * 1000 + ".png",
    "\U0001f600" * 1000,
    "a." + "b" * 1000,
    "../../etc/passwd",
    "C:\\x\\y.txt",
    "..",
    "",
    " ",
    "\ud800.txt",
    "．．／x",
    "％２２.txt",
    "filename*=UTF-8''x",
    "'; filename=\"y",
    "a b\u00a0c\u2028d.txt",
    " .txt",
    "½ Maß + ~.txt",
]
NAMES = st.text(st.characters(exclude_categories=()), max_size=300) | st.sampled_from(HOSTILE)


def each_hostile(test):
    """Try each hostile name, then arbitrary ones."""
    for name in HOSTILE:
        test = example(name)(test)
    return test


@each_hostile
@given(NAMES)
def test_the_name_is_read_back(filename):
    """Two readers, neither of them ours, find the disposition and the cleaned name, and nothing else."""
    header = content_disposition("attachment", filename)
    assert header.isascii()
    assert header.isprintable()
    name = offered_name(filename)
    kind, options = parse_options_header(header)
    assert (kind, options) == ("attachment", {"filename": name})
    message = Message()
    message["Content-Disposition"] = header
    assert len(message.as_string().splitlines()) == 2  # the header, and the empty line after all headers
    assert message.get_content_disposition() == "attachment"


@each_hostile
@given(NAMES)
def test_the_plain_name_is_harmless(filename):
    """What old readers take has no character that any of them reads as more than itself."""
    plain = content_disposition("inline", filename).split('filename="', 1)[1].split('"', 1)[0]
    assert plain.strip(" .")
    assert not set(plain) & set('"\\/%;')


@each_hostile
@given(NAMES)
def test_an_offered_name(filename):
    """It is one segment that can be a file's name, shows all that it has, and cleaning it again changes nothing."""
    name = offered_name(filename)
    assert name.strip(" .")
    assert not set(name) & set("/\\")
    assert len(name.encode()) <= 255
    assert not {unicodedata.category(character) for character in name} & {"Cc", "Cs", "Zl", "Zp"}
    assert not set(name) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200f\u200b\ufeff")
    assert offered_name(name) == name


@pytest.mark.parametrize(
    ("filename", "header"),
    [
        ("report.pdf", 'attachment; filename="report.pdf"'),
        ("Été 2025.pdf", "attachment; filename=\"Ete 2025.pdf\"; filename*=UTF-8''%C3%89t%C3%A9%202025.pdf"),
        ("日本.txt", "attachment; filename=\"__.txt\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC.txt"),
        ('a"b%.txt', "attachment; filename=\"a_b_.txt\"; filename*=UTF-8''a%22b%25.txt"),
        (None, "attachment"),
    ],
)
def test_the_header(filename, header):
    """The second form is there only where the first cannot say the name."""
    assert content_disposition("attachment", filename) == header


@pytest.mark.parametrize(
    ("filename", "extension"),
    [("é" * 1000 + ".png", ".png"), ("a." + "b" * 1000, "b"), ("a" * 1000 + "." + "é" * 15, "." + "é" * 15)],
)
def test_a_long_name_keeps_its_extension(filename, extension):
    """If it is one."""
    assert offered_name(filename).endswith(extension)
    assert len(offered_name(filename).encode()) in {254, 255}


@pytest.mark.parametrize(
    "content_type",
    [
        "text/html",
        "image/svg+xml",
        "application/xml",
        "application/pdf",
        "text/javascript",
        "text/css",
        "text/plain",
        "application/octet-stream",
        "",
        "image/pngx",
        "image/*",
        "text/html; image/png",
        "image",
    ],
)
def test_a_type_that_is_not_shown(content_type):
    """What could hold a script, what is not known, and what only looks like a harmless one."""
    assert not is_shown(content_type)


def test_types_that_are_shown():
    """In any case, and with parameters."""
    assert all(map(is_shown, INLINE_TYPES))
    assert is_shown("Image/PNG; a=b")


@pytest.mark.parametrize("content_type", ["text/plain", 'a/b; c="d; e"; f=g', "image/svg+xml"])
def test_a_type_that_can_be_a_header(content_type):
    """It is kept."""
    assert header_type(content_type) == content_type


@pytest.mark.parametrize(
    "content_type", [None, "", "text", "text/plain\r\nX: y", "téxt/plain", "a/b/c", "a/" + "b" * 300]
)
def test_a_type_that_cannot_be_a_header(content_type):
    """It becomes the unknown type."""
    assert header_type(content_type) == "application/octet-stream"


@pytest.mark.parametrize(
    ("kind", "content_type", "headers"),
    [
        ("inline", "image/png", ("image/png", 'inline; filename="x"')),
        ("attachment", "image/png", ("image/png", 'attachment; filename="x"')),
        ("inline", "text/html", ("text/html", 'attachment; filename="x"')),
        ("inline", "image/png\r\nX: y", ("application/octet-stream", 'attachment; filename="x"')),
    ],
)
def test_what_is_handed_out(kind, content_type, headers):
    """Inline only what cannot hold a script, with the very type that was looked at."""
    assert answer_headers(kind, "x", content_type) == headers
