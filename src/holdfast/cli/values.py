"""Forms of options: durations, shares, points in time, pairs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click import Context, Parameter

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)([smhd])")
_LONGEST = 100 * 366 * 86400  # a hundred years: what goes back further than clocks is a slip
_PERCENT = 100


class Duration(click.ParamType):  # type: ignore[type-arg]  # generic only since click 8.4
    """``90s``, ``15m``, ``24h``, ``7d``."""

    name = "duration"

    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> timedelta:
        """Read the number and its unit."""
        if isinstance(value, timedelta):
            return value
        if (found := duration(value)) is None:
            self.fail(f"{value!r} is not a duration such as 90s, 15m, 24h or 7d", param, ctx)
        return found


class Moment(click.ParamType):  # type: ignore[type-arg]  # generic only since click 8.4
    """A date, a date with a time, or a duration up to now."""

    name = "date|duration"

    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> datetime | timedelta:
        """Read it; without a time zone it is UTC, like the days in keys."""
        if isinstance(value, (datetime, timedelta)):
            return value
        if (found := duration(value)) is not None:
            return found
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is neither a date such as 2026-11-01 nor a duration such as 7d", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Share(click.ParamType):  # type: ignore[type-arg]  # generic only since click 8.4
    """``5%``."""

    name = "percent"

    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> float:
        """Read the number before the sign."""
        if isinstance(value, float):
            return value
        number, sign, rest = value.partition("%")
        try:
            share = float(number) / _PERCENT
        except ValueError:
            share = -1.0
        if not sign or rest or not 0 < share <= 1:
            self.fail(f"{value!r} is not a share such as 5%", param, ctx)
        return share


class Pair(click.ParamType):  # type: ignore[type-arg]  # generic only since click 8.4
    """``name=value``."""

    name = "name=value"

    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> tuple[str, str]:
        """Read what stands before and behind the first sign."""
        if isinstance(value, tuple):
            return value
        name, sign, text = value.partition("=")
        if not name or not sign:
            self.fail(f"{value!r} is not of the form name=value", param, ctx)
        return name, text


def duration(text: str) -> timedelta | None:
    """Return a duration that is written like ``7d``; None if it is not one."""
    match = _DURATION.fullmatch(text.strip().lower())
    if match is None:
        return None
    seconds = float(match[1]) * _SECONDS[match[2]]
    return timedelta(seconds=seconds) if seconds <= _LONGEST else None
