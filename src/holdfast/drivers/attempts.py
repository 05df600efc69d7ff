"""How often requests were sent again: told by drivers that can know it, to whoever counts."""

from __future__ import annotations

from contextvars import ContextVar


class Attempts:
    """A count for one operation, which all its threads and tasks share."""

    __slots__ = ("again",)

    def __init__(self) -> None:
        self.again = 0


counted: ContextVar[Attempts | None] = ContextVar("holdfast_attempts", default=None)
"""Where the operation under way counts. Threads of `holdfast.drivers.threads` and tasks inherit it."""


def repeated(times: int = 1) -> None:
    """Count requests that are sent again, outside of any operation to no effect."""
    attempts = counted.get()
    if attempts is not None:
        attempts.again += times
