"""A process that dies between COMMIT and whatever comes after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from holdfast.orm import settlement


@contextmanager
def dying() -> Iterator[None]:
    """Let nothing be done after a COMMIT."""
    settle = settlement.settle

    def die(*_: Any) -> None:
        """Do nothing any more."""

    settlement.settle = die
    try:
        yield
    finally:
        settlement.settle = settle
