"""Ranges: which bytes are asked for, and that nobody can ask for more work than one answer."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.http import parse_range_header

from holdfast.serving.planner import plan
from holdfast.serving.ranges import UNSATISFIABLE, asked_span
from holdfast.serving.reply import Representation

SIZE = 1000
NUMBERS = st.integers(0, 2 * SIZE) | st.sampled_from([2**63, 2**64, 10**30])
MAYBE = st.none() | NUMBERS
PIECES = st.sampled_from(
    ["bytes", "=", "-", ",", " ", "\t", "0", "5", "999", "1000", "lines", "²", "٣", "\n", "+", "x"]
)
HEADERS = (
    st.builds(
        lambda first, last: f"bytes={'' if first is None else first}-{'' if last is None else last}", MAYBE, MAYBE
    )
    | st.lists(PIECES, max_size=12).map("".join)
    | st.lists(PIECES, max_size=12).map(lambda pieces: "bytes=" + "".join(pieces))
    | st.text(max_size=30)
)

SPANS = [
    ("bytes=0-499", (0, 500)),
    ("bytes=500-999", (500, 1000)),
    ("bytes=0-0", (0, 1)),
    ("bytes=999-999", (999, 1000)),
    ("bytes=0-", (0, 1000)),
    ("bytes=500-", (500, 1000)),
    ("bytes=-500", (500, 1000)),
    ("bytes=-1", (999, 1000)),
    ("bytes=-1000", (0, 1000)),
    ("bytes=-5000", (0, 1000)),
    ("bytes=0-5000", (0, 1000)),
    ("bytes=000-0009", (0, 10)),
    ("Bytes=0-9", (0, 10)),
    (f"bytes=0-{2**64}", (0, 1000)),
    (f"bytes=-{2**64}", (0, 1000)),
]
UNSATISFIED = ["bytes=1000-", "bytes=1000-1000", "bytes=5000-6000", f"bytes={2**64}-", "bytes=-0", "bytes=-00"]
IGNORED = [
    "",
    "bytes",
    "bytes=",
    "bytes=-",
    "bytes=--5",
    "bytes=5",
    "bytes=5-4",
    "bytes=0x0-0x9",
    "bytes=+0-9",
    "bytes=0-9 ",
    "bytes= 0-9",
    "bytes =0-9",
    "bytes=0 - 9",
    "bytes=0-9\n",
    "bytes=a-b",
    "bytes=1_0-2_0",
    "bytes=1.0-2.0",
    "bytes=1e1-",
    "bytes=\u0661-\u0669",
    "bytes=\uff11-\uff19",
    "bytes=\xb2-\xb3",
    "byte\u017f=0-9",
    "lines=0-9",
    "none",
    "bytes:0-9",
    "0-9",
    "bytes=0-9,20-29",
    "bytes=0-9, bytes=20-29",
    "bytes=0-0," * 2,
    "\x00",
]


@pytest.mark.parametrize(("header", "span"), SPANS)
def test_s15_a_span(header, span):
    """One range, from the start, from the end or open, is cut to the file."""
    assert asked_span(header, SIZE) == span


@pytest.mark.parametrize("header", UNSATISFIED)
def test_s15_no_byte_of_the_file(header):
    """A range after the end, and the last zero bytes, are ranges that cannot be had."""
    assert asked_span(header, SIZE) is UNSATISFIABLE


@pytest.mark.parametrize("header", IGNORED)
def test_s15_ignored(header):
    """What is no single range of bytes, to the letter, is as if it had not been sent."""
    assert asked_span(header, SIZE) is None


@pytest.mark.parametrize("header", [header for header, _ in SPANS] + UNSATISFIED + IGNORED)
def test_s15_an_empty_file_has_no_ranges(header):
    """The whole of it is the only answer: a 206 cannot name zero bytes, and who asks from the first byte gets all."""
    assert asked_span(header, 0) is None


@pytest.mark.parametrize(
    "header",
    [
        "bytes=" + "0-0," * 100_000,
        "bytes=" + "0-," * 100_000,
        "bytes=" + "-" * 100_000,
        "bytes=" + "9" * 100_000 + "-",
        "bytes=0-" + "9" * 100_000,
        "bytes=-" + "9" * 100_000,
        "bytes=" + " " * 100_000 + "0-9",
    ],
    ids=lambda header: header[:12],
)
def test_s15_a_long_header_is_not_read(header):
    """More than 256 characters are never parsed, so no length of header costs anything."""
    assert asked_span(header, SIZE) is None


def test_s15_the_longest_number_that_is_read():
    """As many digits as fit are a number like any other."""
    digits = "9" * (256 - len("bytes=0-"))
    assert asked_span(f"bytes=0-{digits}", SIZE) == (0, SIZE)
    assert asked_span(f"bytes=0-{digits}9", SIZE) is None


@given(HEADERS, st.integers(0, 2 * SIZE))
@example("bytes=-0", SIZE)
@example("bytes=0-0,", SIZE)
@example("bytes=0-,", SIZE)
@example("bytes= 0-1 ", SIZE)
@example("bytes=-5", 0)
@example("bytes=0-0", 0)
def test_s15_as_werkzeug_reads_it(header, size):
    """An independent reader takes the same bytes out of every header that is read here.

    It differs where the header may be ignored: it takes white space that the grammar does not have, and reads ranges of
    an empty file. It has no word for a range that cannot be had, nor for ``-0``, which it takes for no range; and none
    for the last bytes of a file that has fewer, which are the whole file (§14.1.2).
    """
    ours = asked_span(header, size)
    read = parse_range_header(header)
    theirs = None if read is None else read.range_for_length(size)
    if ours is None:
        assert theirs is None or not size or set(header) & set(" \t")
    elif ours is UNSATISFIABLE:
        assert theirs is None
    else:
        assert theirs == (None if header[6] == "-" and int(header[7:]) > size else ours)


@given(st.integers(1, 2 * SIZE), st.data())
def test_s15_every_part_that_there_is(size, data):
    """However a part is asked for, it is that part."""
    start = data.draw(st.integers(0, size - 1))
    end = data.draw(st.integers(start + 1, size))
    assert asked_span(f"bytes={start}-{end - 1}", size) == (start, end)
    assert asked_span(f"bytes={start}-", size) == (start, size)
    assert asked_span(f"bytes=-{size - start}", size) == (start, size)


@given(HEADERS, st.integers(0, 2 * SIZE))
def test_s15_the_bytes_are_as_many_as_the_length_says(header, size):
    """Whatever is asked, length, range and the bytes that are sent agree."""
    reply = plan("GET", {"range": header}, Representation(size, "a.bin", "application/octet-stream"))
    headers = dict(reply.headers)
    assert reply.status in {200, 206, 416}
    assert int(headers[b"content-length"]) == reply.end - reply.start
    assert 0 <= reply.start <= reply.end <= size
    if reply.status == 206:
        assert headers[b"content-range"] == b"bytes %d-%d/%d" % (reply.start, reply.end - 1, size)
        assert reply.start < reply.end
    elif reply.status == 416:
        assert headers[b"content-range"] == b"bytes */%d" % size
        assert reply.start == reply.end == 0
    else:
        assert b"content-range" not in headers
        assert (reply.start, reply.end) == (0, size)
