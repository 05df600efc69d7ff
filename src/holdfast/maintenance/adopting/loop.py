"""Going through the rows: what each of them is to get, what is done for it, and the page filled at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.errors import HoldfastError
from holdfast.file import FileObject
from holdfast.maintenance.adopting.filling import Filling, fill
from holdfast.maintenance.adopting.jobs import Job, Work, check_files, refusal
from holdfast.maintenance.pacing import compute, each
from holdfast.maintenance.reports import Finding, RowName
from holdfast.orm import bridge
from holdfast.registry import storages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from holdfast.maintenance.adopting.owners import Owners
    from holdfast.maintenance.adopting.places import Target
    from holdfast.maintenance.adopting.reading import OldRow, OldRows
    from holdfast.maintenance.rewriting.engine import Refusal
    from holdfast.maintenance.run import Run

    Made = list[tuple[Job, FileObject]]
    Failures = list[tuple[Job, Refusal]]

_TRIES = 5  # of a row that is always changed meanwhile


class Adoption:
    """One run.

    Args:
        run: Its storages and its report.
        target: The columns.
        mapping: Returns the files for a row's old values.
        owners: Which row gets which object.
        check: Ask the storage for each file.
        clear: Empty the old columns.
        dry_run: Only look.
    """

    def __init__(
        self,
        run: Run,
        target: Target,
        mapping: Callable[..., Any],
        owners: Owners,
        *,
        check: bool,
        clear: bool,
        dry_run: bool,
    ) -> None:
        self.run, self.target, self.mapping, self.owners = run, target, mapping, owners
        self.work = Work(check=check, dry_run=dry_run)
        self.clear, self.dry_run = clear, dry_run
        self.counts = run.report.rows.counts

    def find_owners(self, rows: OldRows) -> None:
        """Find out which row is to have each object. Rows that have it already come last, and keep it."""
        done = 0
        for page in rows.pages():
            named = [
                (file.backend_key, file.path, (row.identity, position))
                for row in page
                for position, file in enumerate(self._files(row, find=False) or [])
            ]
            compute(lambda named=named: self.owners.note(named))  # type: ignore[misc]
            done += len(page)
            self.run.tell("rows", None, done)
        with self.run.rows.pages() as pages:
            for values in pages:
                held = [(file.storage, file.key, None) for value in values for file in self.run.rows.files(value)]
                compute(lambda held=held: self.owners.note(held))  # type: ignore[misc]

    def go(self, rows: OldRows) -> None:
        """Go through the rows once."""
        for page in rows.pages():
            self.counts["rows"] += len(page)
            self._page(rows, page)
            self.run.tell("adopt", None, self.counts["rows"])

    def _page(self, rows: OldRows, page: list[OldRow]) -> None:
        for _ in range(_TRIES):
            made, failed = self._work([job for row in page for job in self._jobs(row)])
            if self.dry_run:
                self.counts["to_do"] += len(made)
                self._tell_shared(made.values())
                lost = []
            else:
                lost = self._fill(rows, [row for row in page if row.identity in made], made)
            page = self._changed(rows, lost, failed)
            if not page:
                return
            self.counts["again"] += len(page)
        for row in page:
            self._find(row, None, "busy", "the row was changed each time before it could be filled")

    def _changed(self, rows: OldRows, lost: list[OldRow], failed: dict[tuple[Any, ...], Failures]) -> list[OldRow]:
        """Return the rows to do again: those that have changed since. A failure of all others is a finding."""
        before = {row.identity: row for row in [*lost, *(found[0][0].row for found in failed.values())]}
        now = {row.identity: row for row in rows.again(list(before))}
        self.counts["rows"] -= len(before) - len(now)  # somebody gave them a file, or took the old one away
        for identity, found in failed.items():
            if identity in now and now[identity].exact == before[identity].exact:
                for job, told in found:
                    self._find(job.row, job, told.kind, told.detail)
                del now[identity]
        return list(now.values())

    # --- what a row is to get

    def _files(self, row: OldRow, *, find: bool) -> list[FileObject] | None:
        """Return the files that the old values stand for; None if that cannot be told, which is a finding."""
        try:
            found = None if all(value is None for value in row.values) else self.mapping(*row.values)
            files = [found] if isinstance(found, FileObject) else list(found or [])
            check_files(files, self.target.type)
            if find:
                self._json(files)
        except Exception as error:  # noqa: BLE001  # the mapping is the application's, and a row's failure that row's
            if find:
                name = "" if isinstance(error, HoldfastError) else f"{type(error).__name__}: "
                self._find(row, None, "malformed", f"{name}{error}")
            return None
        return files

    def _json(self, files: Sequence[FileObject]) -> Any:
        """Return the value of the column.

        Raises:
            ColumnValueError, InvalidValueError: It cannot hold such a file.
        """
        kind: Any = self.target.type
        value = files if kind.multiple else files[0] if files else None
        return kind.process_bind_param(value, None)

    def _jobs(self, row: OldRow) -> list[Job]:
        files = self._files(row, find=True)
        if files == []:
            self.counts["empty"] += 1
        jobs = []
        for position, file in enumerate(files or []):
            storage, key = str(file.backend_key), str(file.path)
            mine = self.owners.may_have(storage, key, (row.identity, position))
            jobs.append(Job(row, file, storage, key, is_shared=not mine))
        return jobs

    # --- what is done

    def _work(self, jobs: Sequence[Job]) -> tuple[dict[tuple[Any, ...], Made], dict[tuple[Any, ...], Failures]]:
        """Return the files of all rows that can have theirs, by primary key; and why the others cannot."""
        outcomes: list[Any] = each(jobs, self.work.do, self.work.do_async, self.run.concurrency)
        self.run.raise_if_down(outcomes)
        made: dict[tuple[Any, ...], Made] = {}
        failed: dict[tuple[Any, ...], Failures] = {}
        for job, outcome in zip(jobs, outcomes, strict=True):
            if isinstance(outcome, Exception):
                failed.setdefault(job.row.identity, []).append((job, refusal(outcome)))
            else:
                made.setdefault(job.row.identity, []).append((job, outcome))
        self._undo(made.pop(identity, []) for identity in failed)
        return made, failed

    def _fill(self, rows: OldRows, page: list[OldRow], made: dict[tuple[Any, ...], Made]) -> list[OldRow]:
        """Fill rows, and return those that were changed meanwhile."""
        fillings = [Filling(row, self._json([file for _, file in made[row.identity]])) for row in page]
        won = fill(self.run.rows, rows.engine, self.target, fillings, clear=self.clear)
        lost = [row for row, has in zip(page, won, strict=True) if not has]
        self._undo(made.pop(row.identity) for row in lost)
        self.counts["adopted"] += len(made)
        self.counts["copied"] += self._tell_shared(made.values())
        return lost

    def _undo(self, files: Iterable[Made]) -> None:
        """Delete copies that no row got."""
        copies: dict[str, list[str]] = {}
        for job, file in (pair for pairs in files for pair in pairs):
            if job.is_shared and not self.dry_run:
                copies.setdefault(job.storage, []).append(str(file.path))
        for name, keys in copies.items():
            storage = storages.get(name)
            bridge.do(lambda: storage.delete(keys), lambda: storage.delete_async(keys))  # noqa: B023  # called at once

    def _tell_shared(self, files: Iterable[Made]) -> int:
        shared = [job for pairs in files for job, _ in pairs if job.is_shared]
        for job in shared:
            self._find(job.row, job, "shared", "another row has it, or will: this one gets a copy")
        return len(shared)

    def _find(self, row: OldRow, job: Job | None, kind: str, detail: str) -> None:
        name = RowName(*self.run.rows.name(self.target.place, row.identity))
        storage, key = (job.storage, job.key) if job else (None, None)
        self.run.report.rows.add(Finding(kind, storage, key, detail, (name,)), self.run.on_finding)
