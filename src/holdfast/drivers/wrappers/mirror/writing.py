"""Puts: to all replicas at once, and by the word of the first."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from holdfast.drivers.wrappers.mirror.copies import Copies, not_written
from holdfast.drivers.wrappers.mirror.taken import Answers, is_ours, is_ours_async, unanswered, unanswered_async
from holdfast.errors import AlreadyExistsError, StorageTimeoutError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.drivers.body import Body
    from holdfast.drivers.protocol import PutOptions
    from holdfast.drivers.wrappers.mirror.replica import Replica, ReplicaError
    from holdfast.objects import ObjectInfo


class Writing(NamedTuple):
    """How a mirror is written.

    Attributes:
        replicas: The storages, the one that decides first.
        require: Copies without which a put fails, the first among them.
        timeout: Seconds after which another than the first is given up if it makes no progress; None for never.
    """

    replicas: Sequence[Replica]
    require: int
    timeout: float | None

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write to all at once; succeed when the first has it, and as many as are required."""
        first, *others = self.replicas
        silent = unanswered(others, key, self.timeout) if options.if_absent else []
        copies = Copies(_without(others, silent), key, body, options, self.timeout)
        try:
            info = first.driver.put(key, body, first.options(options))
        except BaseException as error:
            ours = False
            try:
                with suppress(Exception):  # then nobody knows, and the key is taken
                    ours = _refused(first, error, options) and is_ours(first.driver, key, body, copies.tee)
            finally:
                if not ours:
                    copies.abort()
            # An earlier attempt wrote it, and its answer was lost: whoever repeats it will take it for done.
            if ours and self.misses(failures := [*_unwritten(silent, key), *copies.complete()]):
                raise failures[0] from error
            _raise_told(first, error)
        failures = [*_unwritten(silent, key), *copies.complete()]
        if self.misses(failures):
            for replica in self._within_reach(failures) if options.if_absent else ():
                with suppress(Exception):  # best effort: the error that counts is the replica's
                    replica.driver.delete([key])
            raise failures[0]
        return info

    async def put_async(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Like `put`."""
        first, *others = self.replicas
        silent = await unanswered_async(others, key, self.timeout) if options.if_absent else []
        copies = Copies(_without(others, silent), key, body, options, self.timeout)
        try:
            info = await first.driver.put_async(key, body, first.options(options))
        except BaseException as error:
            ours = False
            try:
                with suppress(Exception):
                    ours = _refused(first, error, options) and await is_ours_async(first.driver, key, body, copies.tee)
            finally:
                if not ours:
                    await copies.abort_async()
            if ours and self.misses(failures := [*_unwritten(silent, key), *await copies.complete_async()]):
                raise failures[0] from error
            _raise_told(first, error)
        failures = [*_unwritten(silent, key), *await copies.complete_async()]
        if self.misses(failures):
            for replica in self._within_reach(failures) if options.if_absent else ():
                with suppress(Exception):
                    await replica.driver.delete_async([key])
            raise failures[0]
        return info

    def misses(self, failures: Sequence[ReplicaError]) -> bool:
        """Return whether these are too many."""
        return len(self.replicas) - len(failures) < self.require

    def _within_reach(self, failures: Sequence[ReplicaError]) -> list[Replica]:
        hanging = {failure.name for failure in failures if failure.kind is StorageTimeoutError}
        return [replica for replica in self.replicas if replica.name not in hanging]


def _refused(first: Replica, error: BaseException, options: PutOptions) -> bool:
    return options.if_absent and issubclass(first.failure(error).kind, AlreadyExistsError)


def _raise_told(first: Replica, error: BaseException) -> NoReturn:
    """Raise the first replica's failure with its meaning; anything else as it is."""
    if isinstance(error, Exception):
        raise first.failure(error) from error
    raise error


def _without(replicas: Sequence[Replica], silent: Answers) -> list[Replica]:
    return [replica for replica in replicas if all(replica is not each for each, _ in silent)]


def _unwritten(silent: Answers, key: str) -> list[ReplicaError]:
    return [not_written(replica, key, error) for replica, error in silent]
