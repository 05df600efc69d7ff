"""`mirror`: brings the other storages of a mirror up to what the first one holds.

The storages themselves say what is to be made up for: a copy that failed is missing, of another size, or older than the
first storage's object. No journal can be lost, and a storage that is new, or was restored, is filled the same way.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from holdfast.backends.wrappers import mirror_behind
from holdfast.errors import ConfigurationError, NotFoundError, StorageError
from holdfast.maintenance import guards
from holdfast.maintenance.checkpoint import Checkpoint
from holdfast.maintenance.columns import Columns
from holdfast.maintenance.confirming import CHUNK, Candidates
from holdfast.maintenance.differences import Difference, differ, differ_async, differences
from holdfast.maintenance.listing import listing
from holdfast.maintenance.merging import Listed
from holdfast.maintenance.names import Names
from holdfast.maintenance.pacing import PAGE, each
from holdfast.maintenance.reports import Finding, MirrorReport
from holdfast.maintenance.run import Run
from holdfast.maintenance.sparing import Sparing
from holdfast.maintenance.transfer import Transfer
from holdfast.orm import bridge
from holdfast.registry import storages as registered

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Sequence

    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.orm import Session

    from holdfast.backends.base import StorageBackend
    from holdfast.backends.wrappers import MirrorBackend
    from holdfast.maintenance.reports import Progress, Section

_WORDS = {
    "missing": "the copy is missing",
    "different": "the copy is not the same",
    "lost": "the first storage has lost it",
    "extra": "no row holds it, and the first storage does not have it",
}


def mirror(
    session: Session,
    metadata: Any,
    *,
    storages: Iterable[str] | None = None,
    grace: timedelta = timedelta(hours=24),
    dry_run: bool = False,
    delete: bool = False,
    deep: bool = False,
    shared: bool = False,
    concurrency: int = 16,
    progress: Callable[[Progress], Any] | None = None,
    state: str | os.PathLike[str] | None = None,
    on_finding: Callable[[Finding], Any] | None = None,
) -> MirrorReport:
    """Copy what the other storages of a mirror lack, and give back to the first what it has lost.

    Lost is what a row holds and the first does not have. What neither a row nor the first storage has is deleted from
    the others only if `delete` is given.

    Args:
        session: Says which databases have the tables.
        metadata: All tables that hold files of these storages: a `MetaData`, a declarative base, or a list of them.
        storages: Names of mirrors; all registered ones if left out.
        grace: Extra objects that are younger are not deleted.
        dry_run: Only look.
        delete: Delete objects that Holdfast named, that no row holds and that the first storage does not have.
        deep: Compare the bytes of all objects, not only sizes and times.
        shared: Delete although other columns may name the storage, because they hold no files in it.
        concurrency: Requests to a storage under way at once.
        progress: Called with a `Progress` after each page.
        state: A file to note progress in, so that the same call goes on after an interrupt.
        on_finding: Called with each `Finding`; the report keeps the first thousand of a kind.

    Returns:
        What was found and done, for each other storage as ``"mirror/storage"``.

    Raises:
        ConfigurationError: A name is not a mirror, or none is registered.
        SweepRefusedError: Columns that it was not shown may hold files in the mirror, and `delete` is given.
    """
    columns = Columns(metadata)
    wanted = _mirrors(storages)
    report = MirrorReport(dry_run=dry_run)
    run = Run(session, columns, report, grace=grace, concurrency=concurrency, progress=progress, on_finding=on_finding)
    arguments = {"dry_run": dry_run, "delete": delete, "deep": deep, "grace": grace.total_seconds()}
    checkpoint = Checkpoint(state, {"run": "mirror", "storages": sorted(wanted), **arguments})
    if delete and not shared:
        guards.refuse_strangers(run.rows, {name for found in wanted.values() for name in Names(found)} | wanted.keys())
    if delete and not dry_run:
        guards.refuse_prepared(run.rows.engines)
    if not dry_run:  # what waits there is no loss of the first storage
        for outbox in columns.outboxes:
            outbox.drain(session)
    checkpoint.restore(report)
    for name, found in wanted.items():
        for other in found.storages[1:]:
            _Mirroring(run, checkpoint, name, found, other, delete=delete, deep=deep).go()
    checkpoint.remove()
    return report


async def mirror_async(
    session: AsyncSession,
    metadata: Any,
    *,
    storages: Iterable[str] | None = None,
    grace: timedelta = timedelta(hours=24),
    dry_run: bool = False,
    delete: bool = False,
    deep: bool = False,
    shared: bool = False,
    concurrency: int = 16,
    progress: Callable[[Progress], Any] | None = None,
    state: str | os.PathLike[str] | None = None,
    on_finding: Callable[[Finding], Any] | None = None,
) -> MirrorReport:
    """Like `mirror`."""
    return await session.run_sync(
        mirror,
        metadata,
        storages=storages,
        grace=grace,
        dry_run=dry_run,
        delete=delete,
        deep=deep,
        shared=shared,
        concurrency=concurrency,
        progress=progress,
        state=state,
        on_finding=on_finding,
    )


def _mirrors(names: Iterable[str] | None) -> dict[str, MirrorBackend]:
    """Return each mirror once, by the name that is its own, else by the first that leads to it."""
    wanted = registered.all() if names is None else {name: registered.get(name) for name in names}
    behind = {name: mirror_behind(storage) for name, storage in sorted(wanted.items())}
    if names is not None and (others := sorted(name for name, found in behind.items() if found is None)):
        message = f"storage {others[0]!r} is no mirror"
        raise ConfigurationError(message)
    mirrors: dict[tuple[int, ...], tuple[str, MirrorBackend]] = {}
    for name, found in behind.items():
        if found is not None:
            parts = tuple(map(id, found.storages))  # two mirrors of the same storages are one
            if parts not in mirrors or wanted[name] is found:
                mirrors[parts] = name, found
    if not mirrors:
        message = 'no mirror is registered: register_backend(MirrorBackend("safe", [first, second]))'
        raise ConfigurationError(message)
    return dict(sorted(mirrors.values()))


class _Mirroring:
    """One other storage."""

    def __init__(
        self,
        run: Run,
        checkpoint: Checkpoint,
        name: str,
        mirror: MirrorBackend,
        other: StorageBackend,
        *,
        delete: bool,
        deep: bool,
    ) -> None:
        self.run, self.checkpoint, self.mirror = run, checkpoint, mirror
        self.first, self.other = mirror.storages[0], other
        self.delete, self.deep = delete, deep
        self.dry_run = run.report.dry_run  # type: ignore[attr-defined]
        self.name = f"{name}/{other.key}"
        self.sparing = Sparing(run.too_young)
        self.extras: list[Listed] = []

    @property
    def section(self) -> Section:
        """Counts and findings."""
        return self.run.report.section(self.name)

    def go(self) -> None:
        """Walk both listings side by side."""
        if self.checkpoint.is_done(self.name):
            return
        after = self.checkpoint.after(self.name)
        if after is not None:
            self.run.report.notes.append(f"{self.name} goes on after {after!r}, from an earlier run")
        try:
            self._walk(after)
        except StorageError as error:
            self.run.failed(self.name, error)
        else:
            self.checkpoint.save(self.name, self.section, done=True)

    def _walk(self, after: str | None) -> None:
        with listing(self.first, after) as theirs, listing(self.other, after) as ours:
            pairs = differences((info for page in theirs for info in page), (info for page in ours for info in page))
            page: list[Difference] = []
            for found in pairs:
                page.append(found)
                if len(page) == PAGE:
                    self._settle(page)
                    page = []
            self._settle(page)
        self._settle_extras()

    def _settle(self, page: Sequence[Difference]) -> None:
        section = self.section
        section.counts["objects"] += sum(each.kind != "extra" for each in page)
        self.extras += [Listed(each.key, each.size, each.last_modified) for each in page if each.kind == "extra"]
        copies = [each.key for each in page if each.kind == "missing"]
        changed = [each.key for each in page if each.kind == "different"]
        if self.deep:
            changed += self._compared([each.key for each in page if each.kind == "same"])
        self._transfer("missing", copies, self.first, self.other)
        self._transfer("different", changed, self.first, self.other)
        if len(self.extras) >= CHUNK:
            self._settle_extras()
        if page:
            self.run.tell("compare", self.name, section.counts["objects"])
            # Extras are settled at the end: a run that is resumed must find those before it again.
            if not self.extras:
                self.checkpoint.save(self.name, section, after=page[-1].key)

    def _compared(self, keys: list[str]) -> list[str]:
        first, other = self.first, self.other
        outcomes: list[Any] = each(
            keys,
            lambda key: differ(first.stream(key), other.stream(key)),
            lambda key: differ_async(first.stream_async(key), other.stream_async(key)),
            self.run.concurrency,
        )
        self.run.raise_if_down(outcomes)
        found = []
        for key, outcome in zip(keys, outcomes, strict=True):
            if isinstance(outcome, Exception) and not isinstance(outcome, NotFoundError):
                self.run.failed(self.name, outcome)
            elif outcome is True:
                found.append(key)
        return found

    def _transfer(self, kind: str, keys: list[str], source: StorageBackend, target: StorageBackend) -> None:
        for key in keys:
            self.section.add(Finding(kind, self.name, key, _WORDS[kind]), self.run.on_finding)
        if self.dry_run or not keys:
            return
        transfer = Transfer(source, target)
        outcomes: list[Any] = each(keys, transfer.copy, transfer.copy_async, self.run.concurrency)
        self.run.raise_if_down(outcomes)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                self.run.failed(self.name, outcome)
                self.section.counts["failed"] += 1
            elif outcome is not None:  # else it was deleted meanwhile
                self.section.counts["copied"] += 1
                self.section.counts["copied_bytes"] += outcome

    # --- what the first storage does not have

    def _settle_extras(self) -> None:
        extras, self.extras = self._really_gone(self.extras), []
        if not extras:
            return
        unheld = {found.key: found for found in Candidates(self.run, self.mirror, extras, self.name).confirm()}
        lost = [found.key for found in extras if found.key not in unheld]
        self._transfer("lost", lost, self.other, self.first)
        dead = []
        for found in unheld.values():
            self.section.add(Finding("extra", self.name, found.key, _WORDS["extra"]), self.run.on_finding)
            if self.sparing.reason(found.key, found.last_modified) is None:
                dead.append(found.key)
        if not self.delete or self.dry_run:
            return
        for start in range(0, len(dead), PAGE):
            keys = dead[start : start + PAGE]
            bridge.do(lambda keys=keys: self.other.delete(keys), lambda keys=keys: self.other.delete_async(keys))  # type: ignore[misc]
            self.section.counts["deleted"] += len(keys)

    def _really_gone(self, extras: list[Listed]) -> list[Listed]:
        """Return those that the first storage does not have; others appeared while it was listed."""
        first = self.first
        outcomes: list[Any] = each(
            extras,
            lambda found: first.exists(found.key),
            lambda found: first.exists_async(found.key),
            self.run.concurrency,
        )
        self.run.raise_if_down(outcomes)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                self.run.failed(self.name, outcome)
        return [found for found, outcome in zip(extras, outcomes, strict=True) if outcome is False]
