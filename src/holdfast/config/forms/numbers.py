"""Numbers, which come from an environment variable as text."""

from __future__ import annotations

import math
from typing import Any

from holdfast.errors import ConfigurationError

_DIGITS = 18


def whole_number(value: Any, name: str, *, least: int = 1) -> int:
    """Return a whole number.

    Raises:
        ConfigurationError: It is none, or below `least`.
    """
    text = str(value).strip() if type(value) in {int, str} else ""
    if text.isascii() and text.isdigit() and len(text) <= _DIGITS and int(text) >= least:
        return int(text)
    message = f"{name} must be a whole number from {least}, not {value!r:.40}"
    raise ConfigurationError(message)


def seconds(value: Any, name: str) -> float:
    """Return a duration in seconds.

    Raises:
        ConfigurationError: It is none, or not above 0.
    """
    try:
        found = float(value) if type(value) in {int, float, str} else math.nan
    except (ValueError, OverflowError):
        found = math.nan
    if 0 < found < math.inf:
        return found
    message = f"{name} must be seconds above 0, not {value!r:.40}"
    raise ConfigurationError(message)
