"""The end of a run that gave files new keys: what no row holds any more goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.backends.wrappers.places import overlaps
from holdfast.errors import ConfigurationError, StorageError
from holdfast.maintenance import guards
from holdfast.maintenance.confirming import CHUNK, Candidates
from holdfast.maintenance.merging import Listed
from holdfast.maintenance.names import Names
from holdfast.maintenance.pacing import PAGE
from holdfast.orm import bridge
from holdfast.registry import storages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.backends.base import StorageBackend
    from holdfast.maintenance.rewriting.journal import Journal
    from holdfast.maintenance.run import Run


def refuse_other_names(storage: StorageBackend) -> None:
    """Refuse to delete from a storage that is registered once more in a way that does not show in rows.

    Raises:
        ConfigurationError: There is another name for the place; the message says which.
    """
    names = set(Names(storage))
    for name, other in storages.all().items():
        if name not in names and overlaps(storage, other):
            message = (
                f"storages {storage.key!r} and {name!r} are the same place, or one lies in the other: rows of {name!r} "
                f"may hold the old objects. Register one of them as a PrefixBackend of the other, or give keep=True"
            )
            raise ConfigurationError(message)


def clear(run: Run, storage: StorageBackend, journal: Journal, *, keep: bool) -> None:
    """Delete old objects, and copies that no row took, after a last look at all rows.

    Args:
        run: The run.
        storage: The storage.
        journal: What got which new key.
        keep: Leave the old objects, and remember them.
    """
    for entries in journal.entries(CHUNK // 2):
        if not keep:
            guards.refuse_prepared(run.rows.engines)  # one that came since may have taken any of these
        keys = [entry.new for entry in entries if not entry.switched]
        keys += [] if keep else [entry.old for entry in entries]
        left = {each.key for each in Candidates(run, storage, [Listed(key, 0, None) for key in keys]).confirm()}
        taken = [entry for entry in entries if entry.switched or entry.new not in left]
        unused = [entry for entry in entries if not entry.switched and entry.new in left]
        dead = [] if keep else list(dict.fromkeys(entry.old for entry in taken if entry.old in left))
        if not _delete(run, storage, [entry.new for entry in unused] + dead):
            continue  # what is written down is tried again
        run.report.rows.counts["deleted"] += len(dead)
        journal.forget(unused if keep else entries)
        if keep:
            journal.mark(taken)
    journal.remove_if_done()


def _delete(run: Run, storage: StorageBackend, keys: Sequence[str]) -> bool:
    """Delete objects, and say whether that could be done."""
    for start in range(0, len(keys), PAGE):
        page = list(keys[start : start + PAGE])
        try:
            bridge.do(lambda page=page: storage.delete(page), lambda page=page: storage.delete_async(page))  # type: ignore[misc]
        except StorageError as error:
            run.failed(storage.key, error)
            return False
        run.tell("delete", storage.key, start + len(page), len(keys))
    return True
