"""`settle`: moves the objects of a `GradualBackend` from its old storage to the new one, without touching a row.

Rows name the storage by the name that it keeps, and each object keeps its key. So the two listings say all that has to
be known, and no database is asked: what was copied is there, what was not moved is still in the old storage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.util import concurrency as greenlets

from holdfast.backends.wrappers import GradualBackend, gradual_behind, overlaps, same_place
from holdfast.errors import ConfigurationError, StorageError, SweepRefusedError
from holdfast.maintenance.checkpoint import Checkpoint
from holdfast.maintenance.crossing import Crossing
from holdfast.maintenance.ferry import DONE, Ferry
from holdfast.maintenance.reports import SettleReport
from holdfast.registry import storages

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from holdfast.backends.base import StorageBackend
    from holdfast.maintenance.reports import Finding, Progress

PATIENCE = 10.0
"""Seconds for which copies of another run are left alone."""


def settle(
    storage: StorageBackend | str,
    *,
    keep: bool = False,
    dry_run: bool = False,
    deep: bool = False,
    replaced: bool = False,
    shared: bool = False,
    concurrency: int = 16,
    progress: Callable[[Progress], Any] | None = None,
    on_finding: Callable[[Finding], Any] | None = None,
    state: str | os.PathLike[str] | None = None,
) -> SettleReport:
    """Copy what is in the old storage of a move to the new one, check it, and delete it from the old one.

    Everybody who uses the storage has to use it as a `GradualBackend` by now. It can be interrupted anywhere and
    started again, and run twice at once.

    Args:
        storage: A `GradualBackend`, one that stands on it, or its name.
        keep: Delete nothing from the old storage, so that signed URLs that lead there go on working.
        dry_run: Only look.
        deep: Read each copy back and compare its bytes. What lay in the new storage before is always compared so.
        replaced: Delete from the old storage also what the new one has a later object for.
        shared: Go on although another registered storage leads to the old one: no row names that.
        concurrency: Objects under way at once.
        progress: Called with a `Progress` after each page.
        on_finding: Called with each `Finding`; the report keeps the first thousand of a kind.
        state: A file to note progress in, so that the same call goes on after an interrupt. Only with `keep` that saves
            much: else what was done is not listed again.

    Raises:
        ConfigurationError: It is no storage that moves, or nothing can be deleted from the old one.
        SweepRefusedError: Rows may name the old storage by another name, and what they hold would be gone.
    """
    if concurrency < 1:
        message = f"concurrency={concurrency} must be at least 1"
        raise ConfigurationError(message)
    found = _moving(storage)
    if not (keep or dry_run):
        _check_deletes(found)
        if not shared:
            _refuse_others(found)
    report = SettleReport(dry_run=dry_run, keep=keep)
    arguments = {"keep": keep, "dry_run": dry_run, "deep": deep, "replaced": replaced}
    checkpoint = Checkpoint(state, {"run": "settle", "storages": [found.key], **arguments})
    checkpoint.restore(report)
    ferry = Ferry(found, report, checkpoint, Crossing(found, PATIENCE, deep=deep))
    ferry.concurrency, ferry.progress, ferry.on_finding = concurrency, progress, on_finding
    ferry.done = DONE | ({"replaced"} if replaced else set())
    try:
        ferry.go()
    except StorageError as error:
        report.errors.setdefault(found.key, str(error))
    else:
        checkpoint.remove()
    return report


async def settle_async(
    storage: StorageBackend | str,
    *,
    keep: bool = False,
    dry_run: bool = False,
    deep: bool = False,
    replaced: bool = False,
    shared: bool = False,
    concurrency: int = 16,
    progress: Callable[[Progress], Any] | None = None,
    on_finding: Callable[[Finding], Any] | None = None,
    state: str | os.PathLike[str] | None = None,
) -> SettleReport:
    """Like `settle`."""
    return await greenlets.greenlet_spawn(
        settle,
        storage,
        keep=keep,
        dry_run=dry_run,
        deep=deep,
        replaced=replaced,
        shared=shared,
        concurrency=concurrency,
        progress=progress,
        on_finding=on_finding,
        state=state,
    )


def _moving(storage: StorageBackend | str) -> GradualBackend:
    named = storages.get(storage) if isinstance(storage, str) else storage
    found = gradual_behind(named)
    if found is None:
        message = f"storage {named.key!r} does not move: only the objects of a GradualBackend can settle"
        raise ConfigurationError(message)
    return found


def _check_deletes(storage: GradualBackend) -> None:
    if not storage.old.abilities.writable:
        message = f"nothing can be deleted from storage {storage.old.key!r}, which is only read: settle with keep=True"
        raise ConfigurationError(message)


def _refuse_others(storage: GradualBackend) -> None:
    for name, other in sorted(storages.all().items()):
        through = gradual_behind(other)
        if through is not None and all(map(same_place, through.storages, storage.storages)):
            continue
        if overlaps(other, storage.old):
            message = (
                f"storage {name!r} leads to the old storage of {storage.key!r} as well, and the files of rows that "
                f"name it would be gone: migrate these and unregister it; or settle with shared=True, if there are none"
            )
            raise SweepRefusedError(message)
