"""Parts of one upload: several under way at once, and none still under way when the upload is given up."""

from __future__ import annotations

from collections import deque
from concurrent.futures import wait
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

T = TypeVar("T")
R = TypeVar("R")


def in_flight(begin: Callable[[int, T], Future[R]], parts: Iterable[T], limit: int) -> list[R]:
    """Send parts and return their answers in order.

    Args:
        begin: Starts to send a part, given its number (the first is 1) and the part itself.
        parts: The parts, taken from here no faster than they are sent.
        limit: How many may be under way at once.
    """
    under_way: deque[Future[R]] = deque()
    answers: list[R] = []
    try:
        for number, part in enumerate(parts, 1):
            under_way.append(begin(number, part))
            if len(under_way) == limit:
                answers.append(under_way.popleft().result())
        answers += [future.result() for future in under_way]
    except BaseException:
        wait(under_way)  # a part that arrives after the upload was aborted would stay for ever
        raise
    return answers
