"""One run of `verify`: the storages are listed, the rows read, and both compared."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import TYPE_CHECKING, Any

from holdfast.checksums import hash_factory
from holdfast.errors import ConfigurationError, MissingExtraError, StorageError
from holdfast.maintenance import suspicion
from holdfast.maintenance.listing import listing
from holdfast.maintenance.merging import matches
from holdfast.maintenance.pacing import PAGE, compute, pages
from holdfast.maintenance.reports import Finding, RowName
from holdfast.maintenance.run import is_foreign
from holdfast.maintenance.spool import RUN, SortedSpool
from holdfast.registry import storages as registry

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from holdfast.backends.base import StorageBackend
    from holdfast.maintenance.checkpoint import Checkpoint
    from holdfast.maintenance.merging import Match
    from holdfast.maintenance.rows import Value
    from holdfast.maintenance.run import Run
    from holdfast.maintenance.values import Held


class Verification:
    """One run: list, read the rows, compare."""

    def __init__(
        self,
        run: Run,
        checkpoint: Checkpoint,
        stack: ExitStack,
        wanted: dict[str, StorageBackend],
        *,
        share: float,
        seed: int,
        more: bool,
    ) -> None:
        self.run, self.checkpoint, self.stack = run, checkpoint, stack
        self.wanted, self.more = wanted, more
        self.share, self.seed = share, seed
        self.listed: dict[str, SortedSpool] = {}
        self.held: dict[str, SortedSpool] = {}
        self.wrong = self._spool()
        checkpoint.restore(run.report)

    def go(self) -> None:
        """Objects are listed before the rows are read: whatever a row of that moment holds had been stored before."""
        for name in self.wanted:
            self._guarded(name, self._list)
        self._read()
        self._look_at_values()
        for name in sorted(self.held.keys() - self.wanted.keys()):  # a value names it, and no column does
            self._guarded(name, self._list)
        for name in self.listed:
            self._guarded(name, self._compare)

    def _guarded(self, name: str, step: Callable[[str], None]) -> None:
        if self.checkpoint.is_done(name) or name in self.run.report.errors:
            return
        try:
            step(name)
        except StorageError as error:
            self.run.failed(name, error)

    def _spool(self) -> SortedSpool:
        return self.stack.enter_context(SortedSpool(max(PAGE, RUN // (2 * len(self.wanted) + 1))))

    def _list(self, name: str) -> None:
        spool, done = self._spool(), 0
        scope = self.run.scope
        after, until = (self.checkpoint.after(name), None) if scope is None else (scope.after, scope.until)
        with listing(registry.get(name), after, until) as found:
            for page in found:
                compute(partial(spool.extend, [(each.key, each.size, each.last_modified) for each in page]))
                done += len(page)
                self.run.tell("list", name, done)
        self.listed[name] = spool

    # --- rows

    def _read(self) -> None:
        done = 0
        with self.run.rows.pages() as found:
            for page in found:
                compute(partial(self._take, page))
                done += len(page)
                self.run.tell("rows", None, done)

    def _take(self, page: list[Value]) -> None:
        counts = self.run.report.rows.counts
        counts["rows"] += sum(map(self.run.rows.counts, page))
        found: dict[str, list[tuple[Any, ...]]] = {}
        for value in page:
            files = self.run.rows.mine(value)
            counts["held"] += len(files)
            if any(map(self._is_wrong, files)):
                self.wrong.extend([("", value.place, value.identity)])
            for file in files:
                if not self._is_wrong(file) and self._is_wanted(file):
                    record = (file.key, value.place, value.identity, file.size, file.checksum)
                    found.setdefault(str(file.storage), []).append(record)
        for name, records in found.items():
            if name not in self.held:
                self.held[name] = self._spool()
            after = self.checkpoint.after(name)
            self.held[name].extend(records if after is None else (each for each in records if each[0] > after))

    def _is_wanted(self, file: Held) -> bool:
        return self.more or file.storage in self.wanted

    def _is_wrong(self, file: Held) -> bool:
        return file.problem is not None or (self.more and file.storage not in registry)

    def _look_at_values(self) -> None:
        for page in pages(iter(self.wrong)):
            for (place, identity), value in self.run.rows.again((record[1], record[2]) for record in page).items():
                row = RowName(*self.run.rows.name(place, identity))
                for file in self.run.rows.mine(value):
                    if self._is_wrong(file):
                        kind = "unregistered" if file.problem is None else "malformed"
                        detail = file.problem or f"no storage is registered under {file.storage!r}"
                        finding = Finding(kind, file.storage, file.key, detail, (row,))
                        self.run.report.rows.add(finding, self.run.on_finding)

    # --- comparing

    def _compare(self, name: str) -> None:
        storage, section, done = registry.get(name), self.run.report.section(name), 0
        with self.held.pop(name, None) or self._spool() as held, self.listed[name] as listed:
            for page in pages(matches(iter(listed), iter(held)), self._page()):
                suspects, hashing = compute(partial(self._sorted_out, name, page))
                findings = [*suspicion.investigate(self.run, storage, suspects)]
                findings += suspicion.hash_all(self.run, storage, hashing)
                for finding in findings:
                    section.add(finding, self.run.on_finding)
                section.counts["hashed"] += len(hashing)
                section.counts["hashed_bytes"] += sum(match.listed.size for match in hashing if match.listed)
                done += len(page)
                self.checkpoint.save(name, section, after=page[-1].key)
                self.run.tell("compare", name, done)
        self.checkpoint.save(name, section, done=True)

    def _page(self) -> int:
        # A file may be large: what was read is noted after a few of them.
        return min(PAGE, 2 * self.run.concurrency) if self.share else PAGE

    def _sorted_out(self, name: str, page: list[Match]) -> tuple[list[Match], list[Match]]:
        """Count a page's matches, and return those that seem wrong and those to read in full."""
        counts = self.run.report.section(name).counts
        suspects: list[Match] = []
        hashing: list[Match] = []
        for match in page:
            counts["objects"] += match.listed is not None
            counts["files"] += match.held
            if not match.references and name not in self.wanted:
                continue  # no column names the storage: what lies there may be anybody's
            if not match.references and is_foreign(match.key):
                counts["foreign"] += 1
                continue
            if suspicion.is_suspicious(match, self.run.too_young):
                suspects.append(match)
            elif not match.references:
                counts["recent"] += 1
            if match.references and match.listed is not None:
                sampled = self._is_sampled(match.key)
                if sampled and _can_hash(match) and match.references[0].size in {None, match.listed.size}:
                    hashing.append(match)
                counts["unknown"] += not _can_hash(match) if sampled else match.references[0].size is None
        return suspects, hashing

    def _is_sampled(self, key: str) -> bool:
        if self.share in {0.0, 1.0}:
            return self.share == 1.0
        digest = hashlib.blake2b(key.encode(), digest_size=8, salt=self.seed.to_bytes(8, "big", signed=True)).digest()
        return int.from_bytes(digest, "big") < self.share * 2**64


def _can_hash(match: Match) -> bool:
    """Return whether the row knows a checksum of a kind that can be computed here."""
    algorithm, colon, _ = (match.references[0].checksum or "").partition(":")
    try:
        return bool(colon) and hash_factory(algorithm) is not None
    except MissingExtraError:
        raise
    except ConfigurationError:
        return False
