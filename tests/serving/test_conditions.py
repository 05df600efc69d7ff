"""Conditional requests: which header decides, and what it decides (RFC 9110 §13)."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import is_resource_modified

from holdfast.serving.conditions import is_unchanged, unmet
from holdfast.serving.dates import format_date, parse_date
from holdfast.serving.planner import REQUEST_HEADERS, plan
from holdfast.serving.reply import Representation

MODIFIED = 784111777
NOW = MODIFIED + 10_000_000
SAME = "Sun, 06 Nov 1994 08:49:37 GMT"
EARLIER = "Sun, 06 Nov 1994 08:49:36 GMT"
LATER = "Sun, 06 Nov 1994 08:49:38 GMT"
FILE = Representation(1000, "a.txt", "text/plain", '"v1"', MODIFIED + 0.9)
WEAK = FILE._replace(etag='W/"v1"')
DATED = FILE._replace(etag=None)
TAGGED = FILE._replace(last_modified=None)
BARE = Representation(1000, "a.txt", "text/plain")

ONE_CONDITION = [
    # If-Match, §13.1.1: the strong comparison
    (FILE, {"if-match": '"v1"'}, 200),
    (FILE, {"if-match": '"v0", "v1"'}, 200),
    (FILE, {"if-match": "*"}, 200),
    (FILE, {"if-match": '"v0"'}, 412),
    (FILE, {"if-match": 'W/"v1"'}, 412),
    (FILE, {"if-match": "v1"}, 412),
    (FILE, {"if-match": ""}, 412),
    (WEAK, {"if-match": 'W/"v1"'}, 412),
    (WEAK, {"if-match": '"v1"'}, 412),
    (DATED, {"if-match": '"v1"'}, 412),
    (BARE, {"if-match": "*"}, 200),
    # If-Unmodified-Since, §13.1.4
    (FILE, {"if-unmodified-since": SAME}, 200),
    (FILE, {"if-unmodified-since": LATER}, 200),
    (FILE, {"if-unmodified-since": EARLIER}, 412),
    (FILE, {"if-unmodified-since": "yesterday"}, 200),
    (TAGGED, {"if-unmodified-since": EARLIER}, 200),
    # If-None-Match, §13.1.2: the weak comparison
    (FILE, {"if-none-match": '"v1"'}, 304),
    (FILE, {"if-none-match": 'W/"v1"'}, 304),
    (FILE, {"if-none-match": '"v0", W/"v1"'}, 304),
    (FILE, {"if-none-match": "*"}, 304),
    (FILE, {"if-none-match": '"v0"'}, 200),
    (FILE, {"if-none-match": "v1"}, 200),
    (FILE, {"if-none-match": ""}, 200),
    (WEAK, {"if-none-match": '"v1"'}, 304),
    (DATED, {"if-none-match": '"v1"'}, 200),
    (BARE, {"if-none-match": "*"}, 304),
    # If-Modified-Since, §13.1.3
    (FILE, {"if-modified-since": SAME}, 304),
    (FILE, {"if-modified-since": "Sunday, 06-Nov-94 08:49:37 GMT"}, 304),
    (FILE, {"if-modified-since": "Sun Nov  6 08:49:37 1994"}, 304),
    (FILE, {"if-modified-since": LATER}, 304),
    (FILE, {"if-modified-since": EARLIER}, 200),
    (FILE, {"if-modified-since": SAME + "; length=1000"}, 200),
    (FILE, {"if-modified-since": f"{SAME}, {SAME}"}, 200),
    (TAGGED, {"if-modified-since": SAME}, 200),
    (BARE, {"if-modified-since": SAME}, 200),
]
SEVERAL_CONDITIONS = [  # §13.2.2
    ({"if-match": '"v1"', "if-unmodified-since": EARLIER}, 200),
    ({"if-match": '"v0"', "if-unmodified-since": SAME}, 412),
    ({"if-none-match": '"v0"', "if-modified-since": SAME}, 200),
    ({"if-none-match": "nonsense", "if-modified-since": SAME}, 200),
    ({"if-none-match": '"v1"', "if-modified-since": EARLIER}, 304),
    ({"if-match": '"v0"', "if-none-match": '"v1"'}, 412),
    ({"if-match": '"v1"', "if-none-match": '"v1"'}, 304),
    ({"if-match": '"v1"', "if-modified-since": SAME}, 304),
    ({"if-unmodified-since": EARLIER, "if-none-match": '"v1"'}, 412),
    ({"if-unmodified-since": SAME, "if-none-match": '"v1"'}, 304),
    ({"if-unmodified-since": SAME, "if-modified-since": SAME}, 304),
]
PARTS = [  # If-Range, §13.1.5
    (FILE, '"v1"', 206),
    (FILE, SAME, 206),
    (FILE, "Sunday, 06-Nov-94 08:49:37 GMT", 206),
    (DATED, SAME, 206),
    (FILE, '"v0"', 200),
    (FILE, 'W/"v1"', 200),
    (WEAK, 'W/"v1"', 200),
    (WEAK, '"v1"', 200),
    (FILE, "v1", 200),
    (FILE, "*", 200),
    (FILE, "", 200),
    (FILE, '"v1", "v2"', 200),
    (FILE, LATER, 200),
    (FILE, EARLIER, 200),
    (FILE, "Sunday", 200),
    (TAGGED, SAME, 200),
    (BARE, '"v1"', 200),
    (BARE, '"None"', 200),
]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(("file", "headers", "status"), ONE_CONDITION)
def test_one_condition(method, file, headers, status):
    """A header that is no list of tags, or no date, or about what the file lacks, never hides the file."""
    assert plan(method, headers, file, now=NOW).status == status


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(("headers", "status"), SEVERAL_CONDITIONS)
def test_the_order_of_conditions(method, headers, status):
    """Those that must hold come first, and where a tag is given no date is looked at."""
    assert plan(method, headers, FILE, now=NOW).status == status


@pytest.mark.parametrize(("file", "validator", "status"), PARTS)
def test_s15_if_range(file, validator, status):
    """A part is sent only to who has the rest of the same bytes: a strong tag, or the exact date; else all."""
    reply = plan("GET", {"range": "bytes=100-199", "if-range": validator}, file, now=NOW)
    assert (reply.status, reply.start, reply.end) == ((206, 100, 200) if status == 206 else (200, 0, 1000))


def test_s15_a_file_that_was_changed_this_second():
    """Its date does not tell its versions apart before the second is over; its tag does."""
    asked = {"range": "bytes=100-199", "if-range": SAME}
    for now in (MODIFIED + 0.9, MODIFIED + 0.95):
        assert plan("GET", asked, FILE, now=now).status == 200
        assert plan("GET", {"if-modified-since": SAME}, FILE, now=now).status == 200
    assert plan("GET", asked, FILE, now=MODIFIED + 1).status == 206
    assert plan("GET", {"if-modified-since": SAME}, FILE, now=MODIFIED + 1).status == 304
    assert plan("GET", asked | {"if-range": '"v1"'}, FILE, now=MODIFIED + 0.95).status == 206


def test_conditions_come_before_ranges():
    """A part of what the client has, or no longer wants, is not sent; and If-Range is nothing without a range."""
    part = {"range": "bytes=100-199"}
    assert plan("GET", part | {"if-none-match": '"v1"'}, FILE, now=NOW).status == 304
    assert plan("GET", part | {"if-match": '"v0"'}, FILE, now=NOW).status == 412
    assert plan("GET", part | {"if-match": '"v1"'}, FILE, now=NOW).status == 206
    assert plan("GET", {"range": "bytes=5000-", "if-range": '"v0"'}, FILE, now=NOW).status == 200
    assert plan("GET", {"range": "bytes=5000-", "if-range": '"v1"'}, FILE, now=NOW).status == 416
    assert plan("GET", {"if-range": '"v0"'}, FILE, now=NOW).status == 200


def environ(headers):
    """Return what a WSGI application is given for a GET with these headers."""
    return {"REQUEST_METHOD": "GET"} | {f"HTTP_{k.upper().replace('-', '_')}": v for k, v in headers.items()}


def dated(seconds):
    """Return the time as werkzeug wants it."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


TAGS = st.sampled_from(['"v1"', 'W/"v1"', '"v2"', '"v0", "v1"', "*", '"v0", W/"v1"'])
DATES = st.integers(MODIFIED - 3, MODIFIED + 3).map(format_date)
JUNK = st.sampled_from(["", "0", "yesterday", SAME[:-4], SAME.lower(), SAME + "x"])
REQUESTS = st.fixed_dictionaries(
    {}, optional={"if-none-match": TAGS, "if-modified-since": DATES | JUNK}
) | st.fixed_dictionaries({"if-match": TAGS.filter(lambda tags: tags != "*")}, optional={"if-modified-since": JUNK})


@given(REQUESTS, st.sampled_from([FILE, TAGGED, DATED, BARE]))
def test_as_werkzeug_decides(headers, file):
    """An independent reader finds the same requests conditional, where it follows the standard.

    It differs in five things. It takes a date from a text that only resembles one (such a header must be ignored,
    §13.1.3). It looks at the date beside If-None-Match where the file has no tag (it must not, §13.1.3). It takes a
    file without a tag for one that no condition is about, and an asterisk in If-Match for a tag (``*`` is about any
    file, §13.1.1-2). And it has one answer for what is 304 and 412 here, and no If-Unmodified-Since at all.
    """
    date = headers.get("if-modified-since")
    if date is not None and parse_date(date, NOW) is None:
        headers = {name: value for name, value in headers.items() if name != "if-modified-since"}
    if file.etag is None and headers.keys() & {"if-match", "if-none-match"}:
        return
    modified = None if file.last_modified is None else int(file.last_modified)
    theirs = is_resource_modified(environ(headers), file.etag, last_modified=dated(modified))
    assert (unmet(headers, file.etag, modified, NOW) is None) is theirs


@given(st.sampled_from(['"v1"', '"v2"', 'W/"v1"', 'W/"v2"']) | DATES, st.sampled_from([FILE, TAGGED, DATED]))
def test_s15_if_range_as_werkzeug_decides(validator, file):
    """An independent reader sends a part in the same cases.

    It differs in two things: it compares weak tags as if they were strong, and takes a later date for the same one.
    """
    modified = None if file.last_modified is None else int(file.last_modified)
    asked = environ({"range": "bytes=0-", "if-range": validator})
    theirs = not is_resource_modified(asked, file.etag, last_modified=dated(modified), ignore_if_range=False)
    ours = is_unchanged(validator, file.etag, modified, NOW)
    is_laxer = validator.startswith("W/") or (parse_date(validator, NOW) or 0) > MODIFIED
    assert ours is (theirs and not is_laxer)


HEADERS = st.dictionaries(
    st.sampled_from(sorted(REQUEST_HEADERS)),
    st.text() | TAGS | DATES | JUNK | st.sampled_from(["bytes=0-9", "bytes=-0", "bytes=5000-", "bytes=5-4"]),
)


@given(
    st.sampled_from(["GET", "HEAD", "POST", "get", ""]) | st.text(),
    HEADERS,
    st.sampled_from([FILE, WEAK, DATED, TAGGED, BARE]),
)
def test_any_request(method, headers, file):
    """It has one of five answers, and none sends more or other bytes than it says."""
    reply = plan(method, headers, file, now=NOW)
    assert reply.status in ({200, 206, 304, 412, 416} if method in {"GET", "HEAD"} else {200})
    assert 0 <= reply.start <= reply.end <= file.size
    sent = {200: file.size, 206: reply.end - reply.start}.get(reply.status, 0)
    assert reply.end - reply.start == (0 if method == "HEAD" else sent)
    assert dict(reply.headers).get(b"content-length") == (None if reply.status == 304 else b"%d" % sent)
    assert len(dict(reply.headers)) == len(reply.headers)
