"""Answers that are not the service's: a proxy, a portal or another program answered in its place."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class ForeignAnswerError(OSError):
    """An answer that counts as a success, and is not the service's.

    Args:
        service: Its name.
        lack: What is wrong with the answer.
    """

    def __init__(self, service: str, lack: str) -> None:
        super().__init__(f"the answer is not one of {service}'s ({lack}): does something else answer at its address?")


@contextmanager
def answer_of(service: str) -> Iterator[None]:
    """Take an answer apart; what is raised in the block means that it is in another form.

    Raises:
        ForeignAnswerError: It is.
    """
    try:
        yield
    except (LookupError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise ForeignAnswerError(service, f"{type(error).__name__}: {error}") from error
