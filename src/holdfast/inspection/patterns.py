"""What a list of accepted media types admits: ``image/png``, ``image/*``, ``*/*``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from holdfast.inspection.agreement import is_special_case
from holdfast.inspection.media_types import NAME, UNKNOWN, may_run, normal

if TYPE_CHECKING:
    from collections.abc import Iterable

_PATTERN = re.compile(rf"{NAME}/(?:\*|{NAME})|\*/\*")


def is_pattern(text: str) -> bool:
    """Return whether a text in lower case is a media type, all types of a kind, or ``*/*``."""
    return _PATTERN.fullmatch(text) is not None


def admits(patterns: Iterable[str], kind: str, *, is_shown: bool = True) -> bool:
    """Return whether one of the patterns admits a type.

    A wildcard of one kind admits nothing that a browser may run, nor what is only said to be of that kind: such types
    have to be named, or ``*/*``.

    Args:
        patterns: The patterns.
        kind: The type.
        is_shown: Whether the bytes of the file show that it is of this kind.

    Example:
        >>> admits(["image/*"], "image/png"), admits(["image/*"], "image/svg+xml"), admits(["image/jpg"], "image/jpeg")
        (True, False, True)
    """
    wildcard = f"{kind.partition('/')[0]}/*"
    may_be_any = is_shown and not may_run(kind)
    return any(each in {kind, "*/*"} or (each == wildcard and may_be_any) for each in map(_canonical, patterns))


def admits_some(patterns: Iterable[str], kind: str) -> bool:
    """Return whether one of the patterns admits a special case of a type."""
    return any("*" not in each and is_special_case(_canonical(each), kind) for each in patterns)


def _canonical(pattern: str) -> str:
    return pattern if "*" in pattern else normal(pattern) or UNKNOWN
