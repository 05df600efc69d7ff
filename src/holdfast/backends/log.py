"""Log records of what happens in storages."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from holdfast import errors
from holdfast.backends.texts import summary

if TYPE_CHECKING:
    from holdfast.backends.observing import Observation

logger = logging.getLogger("holdfast.storage")

_ANSWERS = (errors.NotFoundError, errors.AlreadyExistsError, errors.PreconditionFailedError)


def write(observation: Observation) -> None:
    """Write one record: DEBUG for success, WARNING for trouble and for retries, INFO for what is neither."""
    level = _level(observation)
    if not logger.isEnabledFor(level):
        return
    logger.log(level, "%s", text(observation), extra=fields(observation))


def failed_observer(observer: Any, error: Exception) -> None:
    """Report an observer that raises."""
    error.__context__ = None  # what the operation itself is failing with, as the other library told it
    name = type(observer).__qualname__
    logger.error("the observer %s raised; the operation itself goes on", name, exc_info=error)


def fields(observation: Observation) -> dict[str, Any]:
    """Return the record's extra attributes. `logging` refuses names of its own, such as ``filename``."""
    error = observation.error
    return {
        "holdfast_operation": observation.operation,
        "holdfast_storage": observation.storage,
        "holdfast_key": observation.key,
        "holdfast_outcome": observation.outcome,
        "holdfast_seconds": observation.seconds,
        "holdfast_bytes": observation.bytes_read + observation.bytes_written,
        "holdfast_objects": observation.objects,
        "holdfast_retries": observation.retries,
        "holdfast_failures": len(observation.failures),
        "holdfast_error": None if error is None else type(error).__name__,
    }


def _level(observation: Observation) -> int:
    error = observation.error
    if observation.outcome == "cancelled":
        return logging.INFO
    if isinstance(error, _ANSWERS) and not isinstance(error, errors.BucketNotFoundError):
        return logging.INFO  # the storage is well, and the caller hears of it
    return logging.WARNING if error is not None or observation.retries else logging.DEBUG


def text(observation: Observation) -> str:
    """Return one line that says what was done and how it ended; it holds no secret."""
    what = f"{observation.operation} of {observation.key!r}" if observation.key else observation.operation
    what = f"{what} in storage {observation.storage!r}"
    if observation.failures:
        return f"{what}: {len(observation.failures)} of {observation.objects} failed, such as: {observation.error}"
    if observation.outcome == "cancelled":
        return f"{what} was cancelled after {observation.seconds:.3f} s"
    if observation.error is not None:
        error = observation.error
        # The text of another library, or of the content's own source, may hold anything.
        return str(error) if isinstance(error, errors.HoldfastError) else f"{what} failed: {summary(error)}"
    moved = observation.bytes_read + observation.bytes_written
    parts = [f"{moved} bytes in " if moved else "", f"{observation.seconds:.3f} s"]
    again = f", with {observation.retries} retries" if observation.retries else ""
    return f"{what}: {''.join(parts)}{again}"
