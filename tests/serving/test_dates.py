"""Dates of HTTP: one is written, three are read, and nothing else is a date."""

from datetime import UTC, datetime
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import parse_date as parse_leniently

from holdfast.serving.dates import format_date, parse_date

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()
SECONDS = st.integers(0, int(datetime(9999, 12, 31, tzinfo=UTC).timestamp()))
EXAMPLE = 784111777  # of RFC 9110 §5.6.7


@pytest.mark.parametrize(
    "text",
    ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"],
)
def test_the_three_forms(text):
    """The standard's own examples are one moment."""
    assert parse_date(text, NOW) == EXAMPLE


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("Friday, 21-Nov-25 12:00:00 GMT", 2025),
        ("Tuesday, 21-Nov-00 12:00:00 GMT", 2000),
        ("Thursday, 21-Nov-75 12:00:00 GMT", 2075),
        ("Saturday, 21-Nov-76 12:00:00 GMT", 2076),
        ("Monday, 21-Nov-77 12:00:00 GMT", 1977),
    ],
)
def test_two_digits_of_a_year(text, year):
    """They are a year of the last fifty or the next fifty."""
    assert datetime.fromtimestamp(parse_date(text, NOW), UTC).year == year


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "784111777",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 Nov 1994 09:49:37 +0100",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT\n",
        "Sun, 06 Nov 1994 08:49:37 GMT; length=1",
        "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nov 19940 08:49:37 GMT",
        "sun, 06 nov 1994 08:49:37 gmt",
        "Mon, 06 Nov 1994 08:49:37 GMT",
        "06 Nov 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sat, 00 Jan 2000 00:00:00 GMT",
        "Sat, 01 Jan 0000 00:00:00 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Monday, 06-Nov-94 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov 06 8:49:37 1994",
        "Sun Nov  6 08:49:37 1994 GMT",
        "1994-11-06T08:49:37Z",
        "S\u016bn, 06 Nov 1994 08:49:37 GMT",
        "Sun, \u0660\u0666 Nov 1994 08:49:37 GMT",
    ],
)
def test_no_date(text):
    """One sign off, or a day that does not exist, and it is none."""
    assert parse_date(text, NOW) is None


def test_a_leap_second():
    """The grammar has second 60, the epoch has not: it is the second before."""
    assert parse_date("Sat, 31 Dec 2016 23:59:60 GMT", NOW) == parse_date("Sat, 31 Dec 2016 23:59:59 GMT", NOW)


@given(SECONDS)
def test_a_date_is_read_back(seconds):
    """What is written is what the standard library writes, and is read as the same second by two readers."""
    text = format_date(seconds)
    assert text == formatdate(seconds, usegmt=True)
    assert parse_date(text, NOW) == seconds
    assert int(parse_leniently(text).timestamp()) == seconds


@given(st.text(max_size=40) | st.text("SunMoFriNv ,0123456789:-GMT", max_size=40))
def test_any_text(text):
    """It is a moment that werkzeug reads, too, or none."""
    seconds = parse_date(text, NOW)
    assert seconds is None or int(parse_leniently(text).timestamp()) == seconds
