"""The two storages of a move, and looking into both while objects go from one to the other."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

from holdfast.drivers.wrappers.mirror.replica import Replica, ReplicaError
from holdfast.errors import BucketNotFoundError, InvalidKeyError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from holdfast.drivers.protocol import AsyncDriver

T = TypeVar("T")


class Pair:
    """Two storages, of which the first has what it is asked for sooner or later.

    Args:
        new: Where objects are written to.
        old: Where they come from.
        told: Called each time that the old one had to answer.

    Attributes:
        new: As given.
        old: As given.
        answers: How often the old one had to answer.
    """

    def __init__(self, new: Replica, old: Replica, told: Callable[[], None] | None = None) -> None:
        self.new, self.old = new, old
        self.answers = 0
        self._told, self._lock = told, threading.Lock()

    @property
    def order(self) -> tuple[Replica, Replica, Replica]:
        """Whom to ask: the new one again at the end, for an object that went there between the two questions."""
        return (self.new, self.old, self.new)

    def found(self, call: Callable[[AsyncDriver], T]) -> T:
        """Return the answer of the one that has an object.

        Raises:
            ReplicaError: Neither has it, or one failed.
        """
        for replica in self.order:
            try:
                answer = call(replica.driver)
            except Exception as error:  # noqa: BLE001  # its meaning counts
                missing = self.missing(replica, error)
            else:
                self.count(replica)
                return answer
        raise missing

    async def found_async(self, call: Callable[[AsyncDriver], Awaitable[T]]) -> T:
        """Like `found`."""
        for replica in self.order:
            try:
                answer = await call(replica.driver)
            except Exception as error:  # noqa: BLE001  # its meaning counts
                missing = self.missing(replica, error)
            else:
                self.count(replica)
                return answer
        raise missing

    def missing(self, replica: Replica, error: Exception) -> ReplicaError:
        """Return the failure of a storage that does not have an object.

        Raises:
            ReplicaError: It is another failure, so that nobody knows.
            Exception: It is no failure of the storage.
        """
        if isinstance(error, InvalidKeyError) and replica is self.old:  # no object of its can have such a key
            return ReplicaError(replica.name, NotFoundError, error)
        failure = replica.failure(error)
        # A new bucket that is not there is told when the old storage does not have the object either.
        gone = failure.is_missing and not (replica is self.old and issubclass(failure.kind, BucketNotFoundError))
        if not gone:
            raise failure from error
        return failure

    def count(self, replica: Replica) -> None:
        """Count an answer if it is the old one's."""
        if replica is not self.old:
            return
        with self._lock:
            self.answers += 1
        if self._told is not None:
            self._told()
