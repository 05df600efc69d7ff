"""Copies inside a service: which drivers lead to the same one, and what its errors mean for them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from holdfast import errors
from holdfast.drivers.optional import Refusal
from holdfast.drivers.places import Placed

if TYPE_CHECKING:
    from holdfast.drivers.protocol import Driver

ELSEWHERE = Refusal("the object is in another service", lasting=True)

_PASSING = (errors.ThrottledError, errors.UnavailableError, errors.StorageTimeoutError)


class Beside(NamedTuple):
    """Where the objects of another driver are, in the service of this one.

    Attributes:
        bucket: The bucket, or the container.
        folder: The folder in it, with a slash at its end; empty for all of it.
    """

    bucket: str
    folder: str


def beside(driver: Placed, origin: Driver) -> Beside | None:
    """Return where the objects of `origin` are if they are in the same service as those of `driver`.

    That the credentials reach both is not said by that.
    """
    if not isinstance(origin, Placed):
        return None
    with suppress(Exception):  # options that cannot work fail where they are used
        here, there = driver.place(), origin.place()
        match here.anchor, there.anchor:
            case (str(kind), str(service), str()), (str(other_kind), str(other_service), str(bucket)):
                if (kind, service) == (other_kind, other_service):
                    return Beside(bucket, there.folder)
    return None


def refused(error: BaseException, meaning: type[errors.StorageError] | None) -> Refusal | None:
    """Return why a service does not make a copy; None if an error is no such answer, or another one may come soon.

    Args:
        error: What a request raised.
        meaning: What the driver takes it for.
    """
    if meaning is None or issubclass(meaning, (*_PASSING, errors.AlreadyExistsError)):
        return None
    return Refusal(str(error), lasting=meaning is not errors.NotFoundError)
