"""What is answered: status, headers, and which bytes."""

from email.message import Message

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import parse_options_header

from holdfast.disposition import offered_name
from holdfast.serving.planner import REQUEST_HEADERS, plan
from holdfast.serving.reply import Reply, Representation, ServePolicy

NOW = 800_000_000
FILE = Representation(1000, "Report 1.pdf", "application/pdf", "v1", 784111777.9)
WHOLE = {
    "content-length": "1000",
    "content-type": "application/pdf",
    "content-disposition": 'attachment; filename="Report 1.pdf"',
    "etag": '"v1"',
    "last-modified": "Sun, 06 Nov 1994 08:49:37 GMT",
    "cache-control": "private, no-cache",
    "accept-ranges": "bytes",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
}
MADE = {name: WHOLE[name] for name in WHOLE.keys() - {"etag", "last-modified", "accept-ranges"}}
MADE["cache-control"] = "no-store"
REFUSED = {"content-length": "0", "cache-control": "no-store", "x-content-type-options": "nosniff"}
NOT_MODIFIED = {"etag": '"v1"', "cache-control": "private, no-cache"}


@pytest.mark.parametrize(
    ("method", "asked", "status", "headers", "span"),
    [
        ("GET", {}, 200, WHOLE, (0, 1000)),
        ("HEAD", {}, 200, WHOLE, (0, 0)),
        (
            "GET",
            {"range": "bytes=100-299"},
            206,
            WHOLE | {"content-length": "200", "content-range": "bytes 100-299/1000"},
            (100, 300),
        ),
        ("HEAD", {"range": "bytes=100-299"}, 200, WHOLE, (0, 0)),
        ("GET", {"range": "bytes=1000-"}, 416, REFUSED | {"content-range": "bytes */1000"}, (0, 0)),
        ("HEAD", {"range": "bytes=1000-"}, 200, WHOLE, (0, 0)),
        ("GET", {"range": "bytes=0-1,5-6"}, 200, WHOLE, (0, 1000)),
        ("GET", {"if-none-match": '"v1"'}, 304, NOT_MODIFIED, (0, 0)),
        ("HEAD", {"if-none-match": '"v1"'}, 304, NOT_MODIFIED, (0, 0)),
        ("GET", {"if-match": '"v2"'}, 412, REFUSED, (0, 0)),
        ("POST", {}, 200, MADE, (0, 1000)),
        ("POST", {"range": "bytes=100-299"}, 200, MADE, (0, 1000)),
        ("PUT", {"if-match": '"v2"'}, 200, MADE, (0, 1000)),
        ("QUERY", {"if-none-match": '"v1"'}, 200, MADE, (0, 1000)),
        ("get", {"if-modified-since": "Sun, 06 Nov 1994 08:49:37 GMT"}, 200, MADE, (0, 1000)),
    ],
)
def test_an_answer(method, asked, status, headers, span):
    """Exactly these headers go with it, each of them once, and these bytes."""
    reply = plan(method, asked, FILE, now=NOW)
    assert reply.status == status
    assert dict(reply.text_headers) == headers
    assert len(reply.headers) == len(headers)
    assert (reply.start, reply.end) == span


def test_an_empty_file():
    """It has no parts."""
    empty = FILE._replace(size=0)
    for asked in ({}, {"range": "bytes=0-"}, {"range": "bytes=-5"}, {"range": "bytes=5-9"}):
        reply = plan("GET", asked, empty, now=NOW)
        assert (reply.status, reply.start, reply.end) == (200, 0, 0)
        assert dict(reply.text_headers) == WHOLE | {"content-length": "0"}


def test_a_file_of_many_terabytes():
    """Its numbers are written out."""
    reply = plan("GET", {"range": f"bytes={2**62}-"}, FILE._replace(size=2**63 - 1), now=NOW)
    assert dict(reply.text_headers)["content-range"] == f"bytes {2**62}-{2**63 - 2}/{2**63 - 1}"


def test_not_modified_without_a_tag():
    """The date is what a cached copy is kept by."""
    reply = plan("GET", {"if-modified-since": WHOLE["last-modified"]}, FILE._replace(etag=None), now=NOW)
    assert reply.status == 304
    assert dict(reply.text_headers) == {k: WHOLE[k] for k in ("last-modified", "cache-control")}


@pytest.mark.parametrize("time", [None, NOW + 0.1, 1e300, float("inf"), float("nan"), float("-inf"), -1.0])
def test_a_date_that_nothing_can_have(time):
    """One in the future, or none at all, is left out, and no condition is about it."""
    file = FILE._replace(last_modified=time)
    reply = plan("GET", {"if-modified-since": WHOLE["last-modified"]}, file, now=NOW)
    assert dict(reply.text_headers) == {name: value for name, value in WHOLE.items() if name != "last-modified"}
    assert plan("GET", {"if-unmodified-since": WHOLE["last-modified"]}, file, now=NOW).status == 200
    asked = {"range": "bytes=0-1", "if-range": WHOLE["last-modified"]}
    assert plan("GET", asked, file, now=NOW).status == 200


def test_a_date_that_has_come():
    """It is told as soon as its second is over, in which the file could change again and keep its date."""
    file = FILE._replace(last_modified=NOW + 10.0)
    for moment, is_told in [(0, False), (10, False), (10.99, False), (11, True), (9, False)]:
        assert (b"last-modified" in dict(plan("GET", {}, file, now=NOW + moment).headers)) is is_told


def test_the_clock():
    """Left alone, the present is the one of the machine."""
    assert b"last-modified" in dict(plan("GET", {}, FILE).headers)
    assert b"last-modified" not in dict(plan("GET", {}, FILE._replace(last_modified=1e11)).headers)


def test_what_was_prepared_is_not_mixed_up():
    """Answers to the same request differ as soon as anything of the file or the policy does."""
    files = [FILE, *(FILE._replace(**{name: value}) for name, value in CHANGES.items())]
    policies = [ServePolicy(), ServePolicy(cache_control="no-store"), ServePolicy(content_type="image/png")]
    replies = {plan("GET", {}, file, policy, now=NOW) for file in files for policy in policies for _ in range(2)}
    assert len(replies) == len(files) * len(policies) - 1  # the policy's type stands for the file's


CHANGES = {"size": 1001, "filename": "b.pdf", "content_type": "text/plain", "etag": "v2", "last_modified": 784111778.0}
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
    "\ud800",
    "",
    "..",
]
NAMES = st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=()), max_size=300)


def read_back(reply: Reply) -> dict[str, str]:
    """Return the headers of an answer as a reader finds them on the wire, where each line is one header."""
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in reply.headers).split(b"\r\n")
    assert lines.pop() == b""
    assert len(lines) == len(reply.headers)
    assert not any(set(line) & set(b"\r\n\0") for line in lines)
    return dict(line.decode("ascii").split(": ", 1) for line in lines)


@given(NAMES, st.sampled_from(["attachment", "inline"]), st.sampled_from(["image/png", "text/html"]))
def test_s13_the_name_is_read_back(filename, wished, content_type):
    """Whatever a file is called, two readers find one header, and the one that knows RFC 8187 the cleaned name."""
    representation = Representation(1, filename, content_type)
    header = read_back(plan("GET", {}, representation, ServePolicy(wished)))["content-disposition"]
    kind, options = parse_options_header(header)
    assert kind == (wished if content_type == "image/png" else "attachment")
    assert options == {"filename": offered_name(filename)}
    message = Message()
    message["Content-Disposition"] = header
    assert message.get_content_disposition() == kind


@given(
    st.builds(
        Representation,
        st.integers(0, 2**63 - 1),
        st.text(st.characters(exclude_categories=()), max_size=30),
        st.text(st.characters(exclude_categories=()), max_size=30) | st.sampled_from(["image/png", "text/html; a=b"]),
        st.none() | st.text(st.characters(exclude_categories=()), max_size=30),
        st.none() | st.floats() | st.integers(),
    ),
    st.dictionaries(st.sampled_from(sorted(REQUEST_HEADERS)), st.text()),
)
def test_any_file(representation, asked):
    """Whatever a row says of it, every answer is well formed."""
    headers = read_back(plan("GET", asked, representation, now=NOW))
    assert all(value.isprintable() and value == value.strip() and value for value in headers.values())
