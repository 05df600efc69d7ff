"""Regular expressions that are compiled when they are first used: all of them at once cost an import 15 ms."""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


def late_pattern(text: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return what `re.compile` does, as far as its methods go; what is wrong with it shows at the first use.

    Example:
        >>> word = late_pattern("[a-z]+")
        >>> word.findall("one, two")
        ['one', 'two']
    """
    return cast("re.Pattern[AnyStr]", _LatePattern(text, flags))


class _LatePattern:
    def __init__(self, text: Any, flags: int) -> None:
        self._arguments = (text, flags)

    def __getattr__(self, name: str) -> Any:
        """Called for what is not there yet; from then on the method is the pattern's own, and costs no more."""
        method = getattr(re.compile(*self._arguments), name)
        setattr(self, name, method)
        return method
