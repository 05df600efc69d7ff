"""What an executor is handed: a job, and how to open the application for it."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from holdfast.errors import ConfigurationError
from holdfast.maintenance.sharding import opening

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from holdfast.maintenance.sharding.opening import Application

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Job(Protocol[R_co]):
    """What is done with one shard: plain data that can be pickled, and does no harm if it is done twice."""

    def __call__(self, session: Session, metadata: Any) -> R_co:
        """Do it; in the greenlet of an AsyncSession if the database is an async one."""

    def __str__(self) -> str:
        """Name the shard for a report."""


class Failure(NamedTuple):
    """What a worker says of a shard that it could not do: the error itself may not be picklable."""

    message: str


def do(application: Application, job: Job[R]) -> R | Failure:
    """Do one job, in a worker."""
    try:
        result: R = opening.work(application, job)
    except Exception as error:  # noqa: BLE001  # whatever it is, the run decides
        return Failure(f"{type(error).__name__}: {error}")
    return result


def do_pickled(data: bytes) -> Any:
    """Like `do`, in another process."""
    try:
        application, job = pickle.loads(data)  # noqa: S301  # whoever can hand out tasks can run code anyway
    except Exception as error:  # noqa: BLE001  # a module that the worker lacks, as a rule
        return Failure(f"the worker cannot load its task: {type(error).__name__}: {error}")
    return do(application, job)


def pickled(application: Application, job: Job[Any]) -> bytes:
    """Return what `do_pickled` takes.

    Raises:
        ConfigurationError: It cannot be sent.
    """
    try:
        return pickle.dumps((application, job))
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        message = (
            f"application=, and conditions, must be picklable for workers in other processes: a function in a module, "
            f"not {application!r:.80} ({error})"
        )
        raise ConfigurationError(message) from error
