"""Handing shards out to an executor, a few at a time, and taking what comes back."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from holdfast.errors import ConfigurationError
from holdfast.maintenance.sharding import opening
from holdfast.maintenance.sharding.distributed import recognized
from holdfast.maintenance.sharding.finished import Finished
from holdfast.maintenance.sharding.tasks import Failure, do, do_pickled, pickled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy.orm import Session

    from holdfast.maintenance.columns import Columns
    from holdfast.maintenance.reports import Report
    from holdfast.maintenance.sharding.opening import Application
    from holdfast.maintenance.sharding.tasks import Job

R = TypeVar("R")

OBJECTS = 50_000
"""Objects of a shard that lists them."""

ROWS = 10_000
"""Rows of a shard that rewrites them."""

_TRIES = 3
_HOPELESS = 20  # shards in a row of which none could be done
_NAMED = 100  # shards that failed, by name
_PATIENCE = 30.0  # seconds without any news, after which a cluster is asked for
_WAITING = 1000  # shards that wait in an executor that does not say how many it does at once


class Sharding(NamedTuple):
    """How work is shared out.

    Attributes:
        executor: Does the shards.
        application: Opens the application where a shard is done.
        size: Objects, or rows, of a shard.
    """

    executor: Executor
    application: Application
    size: int

    @classmethod
    def of(
        cls,
        session: Session,
        columns: Columns,
        executor: Executor,
        application: Application | None,
        size: int | None,
        *,
        usual: int = OBJECTS,
    ) -> Sharding:
        """Check what the caller gave; `usual` is the size of shards if none was given.

        Raises:
            ConfigurationError: The executor's workers could not open the application, or the size is none.
        """
        if size is not None and size < 1:
            message = f"shard_size={size} must be at least 1"
            raise ConfigurationError(message)
        if application is None and not isinstance(executor, ThreadPoolExecutor):
            message = (
                "workers in other processes need application=: a function in one of your modules that registers the "
                "storages and returns an engine, or a factory of sessions, and the metadata"
            )
            raise ConfigurationError(message)
        if application is None:
            application = opening.same_database(session, list(columns.metadata))
        return cls(recognized(executor), application, usual if size is None else size)


def refuse_state(state: Any) -> None:
    """Refuse to note progress in a file.

    Raises:
        ConfigurationError: A file is given.
    """
    if state is not None:
        message = "state= goes without executor=: work in shards keeps no account of how far it is"
        raise ConfigurationError(message)


class Crew:
    """Does jobs and keeps account.

    Args:
        sharding: Who does them, and how.
        report: Takes what went wrong.
        tell: Called with the number of shards that are done, and of all if that is known.
    """

    def __init__(self, sharding: Sharding, report: Report, tell: Callable[[int, int | None], Any]) -> None:
        self._executor, self._application = sharding.executor, sharding.application
        self._report, self._tell = report, tell
        at_once = getattr(sharding.executor, "_max_workers", None)
        self._window = 2 * at_once if at_once else _WAITING
        self._again: deque[tuple[Job[Any], int]] = deque()
        self._repeated = self._failures = self._in_a_row = self._done = self._told = 0
        self._reason = ""

    def run(self, jobs: Iterable[Job[R]], take: Callable[[R], Any], total: int | None = None) -> bool:
        """Do jobs in any order; return whether all were done.

        Args:
            jobs: The jobs; they are asked for as they are needed.
            take: Called with each result, here.
            total: How many there will be, roughly.
        """
        source = iter(jobs)
        waiting: dict[Future[Any], tuple[Job[R], int]] = {}
        finished = Finished(_PATIENCE)
        before = self._failures
        self._done = self._told = self._in_a_row = 0
        try:
            while True:
                while len(waiting) < self._window and (following := self._following(source)) is not None:
                    waiting[finished.expect(self._submit(*following))] = following
                if not waiting:
                    return self._failures == before
                for future in finished.wait() or self._nothing_yet():
                    if (job := waiting.pop(future, None)) is not None:
                        self._settle(future, *job, take)
                self._tell_again(total)
        except _GoneError as gone:
            self._report.errors["workers"] = f"{gone}. What is done is done: start again, and it goes on"
            return False
        finally:
            for future in waiting:
                future.cancel()
            self._note()

    def _nothing_yet(self) -> list[Future[Any]]:
        reachable = getattr(self._executor, "is_reachable", None)
        if reachable is not None and not reachable():
            message = "nobody answers any more who could do the work"
            raise _GoneError(message)
        return []

    def _tell_again(self, total: int | None) -> None:
        if self._done > self._told:
            self._told = self._done
            self._tell(self._done, None if total is None else max(total, self._done))

    def _following(self, source: Iterator[Job[R]]) -> tuple[Job[R], int] | None:
        if self._again:
            return self._again.popleft()
        job = next(source, None)
        return None if job is None else (job, 1)

    def _submit(self, job: Job[R], _attempt: int) -> Future[Any]:
        if isinstance(self._executor, ThreadPoolExecutor):
            task: tuple[Any, ...] = (do, self._application, job)
        else:
            task = (do_pickled, pickled(self._application, job))
        try:
            return self._executor.submit(*task)
        except Exception as error:
            message = f"the executor takes no more work: {(str(error) or type(error).__name__).rstrip('.')}"
            raise _GoneError(message) from error

    def _settle(self, future: Future[Any], job: Job[R], attempt: int, take: Callable[[R], Any]) -> None:
        if future.cancelled():
            result: Any = Failure("it was cancelled")
        elif (error := future.exception()) is not None:  # a worker that died, a result that cannot be sent
            result = Failure(str(error) or type(error).__name__)
        else:
            result = future.result()
        if not isinstance(result, Failure):
            self._done += 1
            self._in_a_row = 0
            take(result)
            return
        self._reason = self._reason or result.message
        if attempt < _TRIES:
            self._repeated += 1
            self._again.append((job, attempt + 1))
            return
        self._done += 1
        self._failures += 1
        self._in_a_row += 1
        if self._failures <= _NAMED:
            self._report.errors[str(job)] = result.message
        if self._in_a_row == _HOPELESS:
            message = f"the last {_HOPELESS} shards all failed: {result.message}"
            raise _GoneError(message)

    def _note(self) -> None:
        if self._repeated:
            self._report.notes.append(f"{self._repeated} tries of shards failed and were repeated: {self._reason}")
        if self._failures > _NAMED:
            self._report.notes.append(f"{self._failures} shards failed, of which {_NAMED} are named")
        self._repeated, self._reason = 0, ""


class _GoneError(Exception):
    """Nobody is there to do the rest."""
