"""How options are read, and numbers and texts written."""

from datetime import UTC, datetime, timedelta, timezone

import click
import pytest

from holdfast.cli.running import without_password
from holdfast.cli.values import Duration, Moment, Share
from holdfast.cli.words import count, plain, size


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("24h", timedelta(days=1)),
        ("7d", timedelta(days=7)),
        ("1.5H", timedelta(minutes=90)),
        ("0s", timedelta(0)),
    ],
)
def test_durations(text, expected):
    """A number and its unit."""
    assert Duration().convert(text, None, None) == expected
    assert Moment().convert(text, None, None) == expected


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "7 d", "1h30m", "7w", "1e5s", "99999d", "٣d\N{ESCAPE}"])
def test_what_is_no_duration(text):
    """Anything else, and what no clock could hold."""
    with pytest.raises(click.BadParameter, match="is not a duration such as 90s, 15m, 24h or 7d"):
        Duration().convert(text, None, None)


def test_moments():
    """A date is UTC; a time may have a zone."""
    convert = Moment().convert
    assert convert("2026-11-01", None, None) == datetime(2026, 11, 1, tzinfo=UTC)
    zone = timezone(timedelta(hours=2))
    assert convert("2026-11-01T12:30:00+02:00", None, None) == datetime(2026, 11, 1, 12, 30, tzinfo=zone)
    with pytest.raises(click.BadParameter, match="neither a date such as 2026-11-01 nor a duration such as 7d"):
        convert("yesterday", None, None)


@pytest.mark.parametrize(("text", "expected"), [("5%", 0.05), ("100%", 1.0), ("0.1%", 0.001)])
def test_shares(text, expected):
    """A number and the sign."""
    assert Share().convert(text, None, None) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["5", "0%", "101%", "-5%", "5%%", "%", "nan%", "x%"])
def test_what_is_no_share(text):
    """Anything else: 5 may be 5 % or 500 %."""
    with pytest.raises(click.BadParameter, match="is not a share such as 5%"):
        Share().convert(text, None, None)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (12_345_678, "12.3 MB"),
        (5 * 10**15, "5.0 PB"),
        (7 * 10**18, "7,000.0 PB"),
    ],
)
def test_sizes(number, text):
    """In units of a thousand."""
    assert size(number) == text


def test_counts():
    """One, and many."""
    assert [count(number, "entry", "entries") for number in (0, 1, 1200)] == ["0 entries", "1 entry", "1,200 entries"]


def test_plain_text():
    """What a terminal would obey is replaced; letters of all languages stay."""
    assert plain("é 漢\n\N{ESCAPE}[31m\r\N{RIGHT-TO-LEFT OVERRIDE}") == "é 漢\n\ufffd[31m\ufffd\ufffd"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x postgresql://me:s3cret@host/db y", "x postgresql://me:***@host/db y"),
        ("postgresql+psycopg://:s3cret@/db", "postgresql+psycopg://:***@/db"),
        ("'mysql://me:s3@cret:@host:3306/db?x=1'", "'mysql://me:***@host:3306/db?x=1'"),
        ("postgresql://me@host:5432/db", "postgresql://me@host:5432/db"),
        ("s3://bucket/a:b@c", "s3://bucket/a:b@c"),
    ],
)
def test_passwords_in_urls(text, expected):
    """They are taken out, and nothing else is."""
    assert without_password(text) == expected
