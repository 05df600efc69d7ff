"""Policies: nothing that is set can end a header early, and the defaults are the safe ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.disposition import INLINE_TYPES
from holdfast.errors import ConfigurationError
from holdfast.serving.planner import plan
from holdfast.serving.reply import Representation, ServePolicy

FILE = Representation(10, "a.png", "image/png", "v1", 784111777)
INJECTIONS = [
    "x\r\nX-Evil: 1",
    "x\nX-Evil: 1",
    "x\rX-Evil: 1",
    "x\r\n\r\n<script>",
    "x\0",
    "x\x7f",
    "x\x0b",
    "x\x85y",
    "x\u2028y",
    "caf\xe9",
    "\u560a\u560dX-Evil: 1",
    "",
    " ",
    "\ud800",
]
FIELDS = ["disposition", "cache_control", "cross_origin_resource_policy", "content_type", "content_disposition"]


def headers_under(file=FILE, **policy):
    """Return the headers of a whole answer."""
    return dict(plan("GET", {}, file, ServePolicy(**policy)).headers)


@pytest.mark.parametrize("text", INJECTIONS)
@pytest.mark.parametrize("field", FIELDS)
def test_s12_nothing_is_injected(field, text):
    """A value that no header takes is refused when the policy is made, alone and behind a good one."""
    good = {"cache_control": "private, ", "content_type": "image/", "content_disposition": "attachment; "}
    for value in (text, good.get(field, "") + text):
        with pytest.raises(ConfigurationError, match=field):
            ServePolicy(**{field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("disposition", "Inline"),
        ("disposition", "attachment; filename=x"),
        ("disposition", None),
        ("cache_control", "private,"),
        ("cache_control", "max-age=60; private"),
        ("cache_control", 'private="'),
        ("cross_origin_resource_policy", "*"),
        ("cross_origin_resource_policy", "same-origin, cross-origin"),
        ("content_type", "png"),
        ("content_type", "image/png, text/html"),
        ("content_type", "text/html;"),
        ("content_disposition", "form-data"),
        ("content_disposition", "filename=x"),
        ("content_disposition", "attachmentx"),
        ("content_disposition", "attachment "),
        ("content_disposition", "attachment;"),
        ("content_disposition", 'attachment; filename="x" '),
        ("content_disposition", "attachment, inline"),
    ],
)
def test_a_wrong_value(field, value):
    """A word that the header does not have is told, with the ones that it has."""
    with pytest.raises(ConfigurationError, match=f"{field}=.* must be "):
        ServePolicy(**{field: value})


@pytest.mark.parametrize(
    ("field", "value", "header"),
    [
        ("cache_control", "no-store", b"cache-control"),
        ("cache_control", "public, max-age=31536000, immutable", b"cache-control"),
        ("cache_control", 'private="set-cookie" , max-age=60', b"cache-control"),
        ("cross_origin_resource_policy", "same-site", b"cross-origin-resource-policy"),
        ("cross_origin_resource_policy", "cross-origin", b"cross-origin-resource-policy"),
        ("content_type", 'text/plain; charset="utf-8"', b"content-type"),
        ("content_disposition", "attachment", b"content-disposition"),
        ("content_disposition", 'inline; filename="a.png"', b"content-disposition"),
        ("content_disposition", "attachment; filename=\"_.png\"; filename*=UTF-8''%C3%A9.png", b"content-disposition"),
    ],
)
def test_what_is_set_is_sent(field, value, header):
    """As it was written."""
    assert headers_under(**{field: value})[header] == value.encode()


@given(st.sampled_from(FIELDS), st.text())
def test_s12_any_value(field, value):
    """It is refused, or stands in exactly one header, all of whose characters print."""
    try:
        policy = ServePolicy(**{field: value})
    except ConfigurationError:
        return
    for name, text in plan("GET", {}, FILE, policy).text_headers:
        assert name.isascii()
        assert text.isascii()
        assert text.isprintable()
        assert text == text.strip()


ACTIVE = [
    "text/html",
    "TEXT/HTML",
    "text/html; charset=utf-8",
    "application/xhtml+xml",
    "image/svg+xml",
    "text/xml",
    "application/xml",
    "application/rss+xml",
    "application/pdf",
    "text/javascript",
    "application/javascript",
    "text/css",
    "text/plain",
    "application/x-shockwave-flash",
    "application/octet-stream",
    "multipart/x-mixed-replace",
    "image/pngx",
    "image/*",
    "*/*",
    "",
    "nonsense",
    "image/png\r\nX-Evil: 1",
    "image/png, text/html",
]


@pytest.mark.parametrize("content_type", ACTIVE)
def test_s12_what_could_run_is_a_download(content_type):
    """However it is asked for: by the policy, or by a whole header that says something else."""
    file = FILE._replace(content_type=content_type)
    plain = headers_under(file, disposition="inline")
    assert plain[b"content-disposition"] == b'attachment; filename="a.png"'
    assert plain[b"content-security-policy"] == b"default-src 'none'; sandbox"
    for whole in ("inline", "INLINE", "inline ; filename=x", 'inline; filename="a.png"'):
        given = headers_under(file, content_disposition=whole)
        assert given[b"content-disposition"].startswith(b"attachment")
        assert given[b"content-type"] == plain[b"content-type"] in {content_type.encode(), b"application/octet-stream"}
        assert given[b"content-type"].decode().isprintable()


@pytest.mark.parametrize("content_type", ["text/html", "image/svg+xml", "application/pdf"])
def test_s12_another_type_makes_nothing_run(content_type):
    """A policy that names a type is judged by that type, not by the file's."""
    assert headers_under(disposition="inline", content_type=content_type)[b"content-disposition"].startswith(b"att")
    both = headers_under(content_disposition="inline", content_type=content_type)
    assert both[b"content-disposition"] == b"attachment"
    assert both[b"content-type"] == content_type.encode()


@pytest.mark.parametrize("content_type", sorted(INLINE_TYPES))
def test_s12_harmless_types_are_shown_on_request(content_type):
    """A download, unless the policy says that it may be shown."""
    file = FILE._replace(content_type=content_type)
    assert headers_under(file)[b"content-disposition"].startswith(b"attachment;")
    assert headers_under(file, disposition="inline")[b"content-disposition"].startswith(b"inline;")
    assert headers_under(file, content_disposition="Inline")[b"content-disposition"] == b"inline"


@pytest.mark.parametrize("content_type", ["video/mp4", "audio/mpeg", "Video/WebM", "image/png", "text/html"])
@pytest.mark.parametrize("disposition", ["inline", "attachment"])
def test_s12_no_script_runs_in_an_answer(content_type, disposition):
    """A film that is shown may load itself, or it would not play; nothing else may load anything, and none a script."""
    file = FILE._replace(content_type=content_type)
    rules = headers_under(file, disposition=disposition)[b"content-security-policy"].decode().split("; ")
    is_played = disposition == "inline" and content_type.lower().startswith(("audio/", "video/"))
    assert rules[0] == "default-src 'none'"
    assert rules[1:] == (["media-src 'self'", "sandbox allow-same-origin"] if is_played else ["sandbox"])


def test_s12_the_other_headers():
    """No type is guessed, no other site embeds the file, in whole answers and in parts."""
    for asked, status in (({}, 200), ({"range": "bytes=0-1"}, 206)):
        reply = plan("GET", asked, FILE)
        headers = dict(reply.headers)
        assert reply.status == status
        assert headers[b"x-content-type-options"] == b"nosniff"
        assert headers[b"cross-origin-resource-policy"] == b"same-origin"
        assert headers[b"content-security-policy"] == b"default-src 'none'; sandbox"
        assert headers[b"content-disposition"] == b'attachment; filename="a.png"'


@pytest.mark.parametrize("asked", [{}, {"range": "bytes=0-1"}, {"if-none-match": '"v1"'}])
def test_s17_private_unless_said_so(asked):
    """Only the visitor's own browser keeps an answer, and asks again before it shows it."""
    assert dict(plan("GET", asked, FILE).headers)[b"cache-control"] == b"private, no-cache"
    policy = ServePolicy(cache_control="public, max-age=60")
    assert dict(plan("GET", asked, FILE, policy).headers)[b"cache-control"] == b"public, max-age=60"


@pytest.mark.parametrize("asked", [{"if-match": '"v0"'}, {"range": "bytes=10-"}])
def test_s17_a_refusal_is_not_kept(asked):
    """Nor what answers a POST: it may be another one later, whatever the policy says about the file."""
    policy = ServePolicy(cache_control="public, max-age=60")
    assert dict(plan("GET", asked, FILE, policy).headers)[b"cache-control"] == b"no-store"
    assert dict(plan("POST", {}, FILE, policy).headers)[b"cache-control"] == b"no-store"
