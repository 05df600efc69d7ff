"""What a verify and a sweep have in common: their storages, their clock, how they tell how far they are."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from holdfast.errors import (
    ChecksumMismatchError,
    ConfigurationError,
    InvalidKeyError,
    NotFoundError,
    StorageError,
)
from holdfast.keys import find_id, id_time, validate_key
from holdfast.maintenance.reports import Progress
from holdfast.maintenance.rows import Rows
from holdfast.registry import storages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy.orm import Session

    from holdfast.backends.base import StorageBackend
    from holdfast.maintenance.columns import Columns
    from holdfast.maintenance.reports import Finding, Report
    from holdfast.maintenance.scopes import Scope

_DOWN = 100
"""Requests that must all fail before a storage is given up."""


class Run:
    """One run.

    Args:
        session: Says which database has which table.
        columns: The file columns.
        report: Takes what is found.
        grace: Age below which an object may belong to a transaction that is still open.
        concurrency: Requests to a storage under way at once.
        progress: Called with a `Progress` after each page.
        on_finding: Called with each `Finding`.
        scope: The part of the work that this run does; all of it if left out.
        started: When the work began, in seconds since the epoch; now if left out.
    """

    def __init__(
        self,
        session: Session,
        columns: Columns,
        report: Report,
        *,
        grace: timedelta,
        concurrency: int,
        progress: Callable[[Progress], Any] | None,
        on_finding: Callable[[Finding], Any] | None,
        scope: Scope | None = None,
        started: float | None = None,
    ) -> None:
        if grace < timedelta(0):
            message = f"grace={grace} must not be negative"
            raise ConfigurationError(message)
        if concurrency < 1:
            message = f"concurrency={concurrency} must be at least 1"
            raise ConfigurationError(message)
        self.columns, self.report = columns, report
        self.rows = Rows(session, columns, scope)
        self.scope = scope
        self.started = time.time() if started is None else started
        self.too_young = self.started - grace.total_seconds()
        self.concurrency = concurrency
        self.on_finding = on_finding
        self._progress = progress

    def tell(self, phase: str, storage: str | None, done: int, total: int | None = None, size: int = 0) -> None:
        """Report progress."""
        if self._progress is not None:
            self._progress(Progress(phase, storage, done, total, size))

    def failed(self, storage: str, error: Exception) -> None:
        """Note that a storage could not be looked at, or not to its end."""
        self.report.errors.setdefault(storage, str(error))

    def raise_if_down(self, outcomes: Iterable[Any]) -> None:
        """Give a storage up in which nothing works."""
        raise_if_down(outcomes)


def raise_if_down(outcomes: Iterable[Any]) -> None:
    """Give a storage up in which nothing works, instead of asking for each of a million objects."""
    failures = list(outcomes)
    if len(failures) >= _DOWN and all(map(_is_down, failures)):
        raise failures[0]


def chosen(names: Iterable[str] | str | None, columns: Columns) -> dict[str, StorageBackend]:
    """Return the storages to look at by name, sorted.

    Raises:
        UnknownStorageError: One is not registered.
    """
    if names is None:
        names = columns.declared()
    wanted = [names] if isinstance(names, str) else names
    return {name: storages.get(name) for name in sorted(set(wanted))}


def moment(since: datetime | timedelta | None, now: float) -> float | None:
    """Return a point in time in seconds since the epoch.

    Raises:
        ConfigurationError: It has no time zone, or lies in the future.
    """
    if since is None:
        return None
    if isinstance(since, datetime) and since.tzinfo is None:
        message = f"since={since!r} needs a time zone: datetime(…, tzinfo=UTC)"
        raise ConfigurationError(message)
    at = since.timestamp() if isinstance(since, datetime) else now - since.total_seconds()
    if at > now:
        message = f"since={since!r} lies in the future"
        raise ConfigurationError(message)
    return at


def day_folder(at: float) -> str:
    """Return the folder in which the default scheme puts keys of a time; all later keys are greater."""
    return f"{datetime.fromtimestamp(at, UTC):%Y/%m/%d}"


def born(key: str, last_modified: float | None) -> float | None:
    """Return when an object was made, in seconds since the epoch: the later of what the storage and the key say."""
    identifier = find_id(key)
    times = [] if identifier is None else [id_time(identifier)]
    return max(times if last_modified is None else [*times, last_modified], default=None)


def is_foreign(key: str) -> bool:
    """Return whether no row can hold a key: others put names with empty segments or a slash at the end into buckets."""
    try:
        validate_key(key)
    except InvalidKeyError:
        return True
    return False


def _is_down(outcome: Any) -> bool:
    return isinstance(outcome, StorageError) and not isinstance(outcome, (NotFoundError, ChecksumMismatchError))
