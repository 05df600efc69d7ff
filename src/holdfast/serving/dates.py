"""Dates of HTTP (RFC 9110 §5.6.7): one form is written, three are read, and anything else is no date."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY = f"(?P<weekday>{'|'.join(day[:3] for day in _DAYS)})"
_WHOLE_DAY = f"(?P<weekday>{'|'.join(_DAYS)})"
_MONTH = f"(?P<month>{'|'.join(_MONTHS)})"
_TIME = "(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
_FORMS = tuple(
    re.compile(form)
    for form in (
        f"{_DAY}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT",  # IMF-fixdate
        f"{_WHOLE_DAY}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<year>[0-9]{{2}}) {_TIME} GMT",  # RFC 850
        f"{_DAY} {_MONTH} (?P<day>[0-9]{{2}}| [0-9]) {_TIME} (?P<year>[0-9]{{4}})",  # asctime
    )
)
_LEAP_SECOND = 60
_AHEAD = 50  # years


def format_date(seconds: int) -> str:
    """Return the IMF-fixdate of a time, given in seconds since the epoch.

    Example:
        >>> format_date(784111777)
        'Sun, 06 Nov 1994 08:49:37 GMT'
    """
    year, month, day, hour, minute, second, weekday, *_ = time.gmtime(seconds)
    date = f"{_DAYS[weekday][:3]}, {day:02} {_MONTHS[month - 1]} {year}"
    return f"{date} {hour:02}:{minute:02}:{second:02} GMT"


def parse_date(text: str, now: float) -> int | None:
    """Return the time that a header names, in seconds since the epoch, or None if it is no date of HTTP.

    Args:
        text: The header; it must be exactly one of the three forms, and the day of the week must be right.
        now: Seconds since the epoch. It tells which century a year of two digits means.

    Example:
        >>> parse_date("Sunday, 06-Nov-94 08:49:37 GMT", now=1_000_000_000)
        784111777
    """
    for form in _FORMS:
        if found := form.fullmatch(text):
            return _seconds(found, now)
    return None


def _seconds(found: re.Match[str], now: float) -> int | None:
    hour, minute, second = (int(found[name]) for name in ("hour", "minute", "second"))
    try:
        moment = datetime(
            _year(found["year"], now),
            _MONTHS.index(found["month"]) + 1,
            int(found["day"]),
            hour,
            minute,
            second - (second == _LEAP_SECOND),  # the grammar has it, the epoch does not
            tzinfo=UTC,
        )
    except ValueError:  # such as 30 February
        return None
    return int(moment.timestamp()) if _DAYS[moment.weekday()].startswith(found["weekday"]) else None


def _year(digits: str, now: float) -> int:
    if len(digits) > 2:  # noqa: PLR2004
        return int(digits)
    latest = datetime.fromtimestamp(now, UTC).year + _AHEAD
    return latest - (latest - int(digits)) % 100
