"""Numbers and names as people read them."""

from __future__ import annotations

import math

_UNITS = ("kB", "MB", "GB", "TB", "PB")
_STEP = 1000


def plain(text: object) -> str:
    """Return a text without what a terminal would obey: a key may hold escape sequences (CWE-150)."""
    return "".join(sign if sign.isprintable() or sign == "\n" else "\N{REPLACEMENT CHARACTER}" for sign in str(text))


def count(number: int, one: str, many: str | None = None) -> str:
    """Return ``1 file``, ``1,200 files``."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def size(number: float) -> str:
    """Return ``512 bytes``, ``12.3 MB``."""
    if number < _STEP:
        return count(int(number), "byte")
    power = min(int(math.log(number, _STEP)), len(_UNITS))
    return f"{number / _STEP**power:,.1f} {_UNITS[power - 1]}"
