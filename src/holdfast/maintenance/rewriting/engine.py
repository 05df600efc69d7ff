"""The loop of every command that rewrites rows: read a page, work on its files side by side, switch the rows.

Nothing is held open while files are worked on. A row that somebody changes meanwhile is read and done again, so that
nothing is ever written over; and since a finished row no longer asks for work, a run can stop anywhere.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from holdfast import rowvalue
from holdfast.errors import InvalidValueError
from holdfast.maintenance.pacing import each
from holdfast.maintenance.reports import Finding, RowName
from holdfast.maintenance.rewriting.switching import Switch, switch
from holdfast.maintenance.rewriting.walk import PAGE, Selection, Span, Walk

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from holdfast.maintenance.run import Run

_TRIES = 5  # of a row that is always changed meanwhile


class Job(NamedTuple):
    """One file of one row.

    Attributes:
        place: Number of the file column.
        identity: The row's primary key.
        position: Where it stands in the value, from 0.
        item: Its JSON, as it is.
        fields: The same with all ten fields, checked.
    """

    place: int
    identity: tuple[Any, ...]
    position: int
    item: dict[str, Any]
    fields: dict[str, Any]


class Refusal(Exception):  # noqa: N818  # it is an outcome, and no failure of the run
    """A file that cannot be worked on: its row stays as it is, and a finding says why.

    Args:
        kind: Kind of the finding.
        detail: What is wrong, in words.
    """

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind, self.detail = kind, detail


class Rewrite(Protocol):
    """What a command does to a file. Several threads or tasks call `work` at once.

    Attributes:
        naming: Storages that a row must name to be read at all; empty for any.
        verb: What the report counts finished files as, such as ``"moved"``.
    """

    naming: Collection[str]
    verb: str

    def wants(self, fields: dict[str, Any]) -> bool:
        """Return whether a file is still to be done, from what its row says."""

    def prepare(self, jobs: Sequence[Job]) -> None:
        """Look at all jobs of a page before they begin."""

    def work(self, job: Job) -> dict[str, Any]:
        """Do it, and return the file's new JSON.

        Raises:
            Refusal: The file cannot be done.
            StorageError: A storage failed; the row stays as it is.
        """

    async def work_async(self, job: Job) -> dict[str, Any]:
        """Like `work`."""

    def finished(self, done: Sequence[tuple[Job, dict[str, Any]]]) -> None:
        """Take note of files whose rows have their new value now, committed."""

    def undo(self, lost: Sequence[tuple[Job, dict[str, Any]]]) -> None:
        """Take back what was made for rows that do not have their new value, because somebody changed them."""


def rewrite(
    run: Run,
    work: Rewrite,
    selection: Selection,
    *,
    spans: Iterable[Span] | None = None,
    size: int = PAGE,
    dry_run: bool = False,
) -> int:
    """Go through rows once.

    Args:
        run: The run: its report counts ``rows`` and ``files`` seen, and files done by the verb of `work`.
        work: What to do.
        selection: Which rows.
        spans: Ranges of them; all if left out.
        size: Rows of a page.
        dry_run: Only count what is to be done, as ``to_do``.

    Returns:
        How many files were done.
    """
    tables = {each.table.fullname: each for each in selection.tables}
    total = 0
    for span in selection.spans() if spans is None else spans:
        walk = Walk(run.rows, tables[span.table], span=span, where=selection.where, naming=work.naming, size=size)
        for page in walk.pages():
            pending = [(place, row.identity, raw) for row in page for place, raw in row.raw.items()]
            run.report.rows.counts["rows"] += len(page)
            total += _Page(run, work, dry_run=dry_run).go(pending)
            run.tell("rows", None, run.report.rows.counts["rows"])
    return total


class _Page:
    def __init__(self, run: Run, work: Rewrite, *, dry_run: bool) -> None:
        self.run, self.work, self.dry_run = run, work, dry_run

    def go(self, pending: list[tuple[int, tuple[Any, ...], Any]]) -> int:
        counts = self.run.report.rows.counts
        total = 0
        for attempt in range(_TRIES):
            jobs = [job for place, identity, raw in pending for job in self._jobs(place, identity, raw)]
            if not attempt:
                counts["to_do"] += len(jobs)
            if self.dry_run or not jobs:
                return total
            self.work.prepare(jobs)
            outcomes: list[Any] = each(jobs, self.work.work, self.work.work_async, self.run.concurrency)
            self.run.raise_if_down(outcomes)
            done, lost = self._switch(pending, list(zip(jobs, outcomes, strict=True)))
            total += len(done)
            counts[self.work.verb] += len(done)
            self.work.finished(done)
            if not lost:
                return total
            self.work.undo(lost)
            counts["again"] += len(lost)
            wanted = {(job.place, job.identity) for job, _ in lost}
            pending = [(*key, value.raw) for key, value in self.run.rows.again(wanted).items()]
        for place, identity, _ in pending:
            self._find(place, identity, None, "busy", "its row was changed each time before it could be switched")
        return total

    def _jobs(self, place: int, identity: tuple[Any, ...], raw: Any) -> list[Job]:
        found = []
        for index, item in enumerate(_items(raw, multiple=self.run.columns.places[place].type.multiple)):
            try:
                fields = rowvalue.parse(item)
            except InvalidValueError as error:
                self._find(place, identity, None, "malformed", str(error))
                continue
            if self.work.wants(fields):
                found.append(Job(place, identity, index, item, fields))
        return found

    def _switch(
        self, pending: list[tuple[int, tuple[Any, ...], Any]], outcomes: list[tuple[Job, Any]]
    ) -> tuple[list[tuple[Job, dict[str, Any]]], list[tuple[Job, dict[str, Any]]]]:
        """Switch the values in which something was done; return the files that are done, and those to do again."""
        made: dict[tuple[int, tuple[Any, ...]], list[tuple[Job, dict[str, Any]]]] = {}
        for job, outcome in outcomes:
            if isinstance(outcome, Refusal):
                self._find(job.place, job.identity, job.fields, outcome.kind, outcome.detail)
            elif isinstance(outcome, Exception):
                self._failed(job, outcome)
            else:
                made.setdefault((job.place, job.identity), []).append((job, outcome))
        switches = []
        for place, identity, raw in pending:
            if changes := made.get((place, identity)):
                switches.append(Switch(place, identity, raw, self._value(raw, changes)))
        won = switch(self.run.rows, switches)
        done: list[tuple[Job, dict[str, Any]]] = []
        lost: list[tuple[Job, dict[str, Any]]] = []
        for each_, has in zip(switches, won, strict=True):
            (done if has else lost).extend(made[each_.place, each_.identity])
        return done, lost

    @staticmethod
    def _value(raw: Any, changes: list[tuple[Job, dict[str, Any]]]) -> Any:
        value = json.loads(raw)
        if not isinstance(value, list):
            return changes[0][1]
        for job, item in changes:
            value[job.position] = item
        return value

    def _failed(self, job: Job, error: Exception) -> None:
        self._find(job.place, job.identity, job.fields, "failed", str(error))
        self.run.report.rows.counts[f"failed: {type(error).__name__}"] += 1

    def _find(
        self, place: int, identity: tuple[Any, ...], fields: dict[str, Any] | None, kind: str, detail: str
    ) -> None:
        storage, key = (fields["backend"], fields["to_filename"]) if fields else (None, None)
        row = RowName(*self.run.rows.name(place, identity))
        self.run.report.rows.add(Finding(kind, storage, key, detail, (row,)), self.run.on_finding)


def _items(raw: Any, *, multiple: bool) -> list[Any]:
    """Return the files of a value; what is no JSON is one that is malformed."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return [raw]
    if value is None:
        return []
    return value if multiple and isinstance(value, list) else [value]
