"""The loop of every command that rewrites rows: read a page, work on its files side by side, switch the rows.

Nothing is held open while files are worked on. A row that somebody changes meanwhile is read and done again, so that
nothing is ever written over; and since a finished row no longer asks for work, a run can stop anywhere.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

from sqlalchemy.exc import DBAPIError

from holdfast import rowvalue
from holdfast.errors import HoldfastError, InvalidValueError
from holdfast.maintenance.pacing import each
from holdfast.maintenance.reports import Finding, RowName
from holdfast.maintenance.rewriting.switching import Switch, switch
from holdfast.maintenance.rewriting.walk import PAGE, Selection, Span, Walk

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

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


_Value: TypeAlias = "tuple[int, tuple[Any, ...], Any]"
"""A file column's number, a row's primary key, the JSON."""


class Refusal(Exception):  # noqa: N818  # it is an outcome, and no failure of the run
    """A file that cannot be worked on: its row stays as it is, and a finding says why.

    Args:
        kind: Kind of the finding.
        detail: What is wrong, in words.
    """

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(detail)
        self.kind, self.detail = kind, detail


class UndecidedError(Exception):
    """A file on which the database has to be asked first, see `Deciding`."""


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


@runtime_checkable
class Choosing(Protocol):
    """Ability of a rewrite: telling which files of a page are to be done where a file alone does not say it."""

    def choose(self, jobs: Sequence[Job]) -> list[Job]:
        """Return those that are to be done, of the files that are wanted. Also asked in a dry run."""


@runtime_checkable
class Deciding(Protocol):
    """Ability of a rewrite: asking the database in the middle of the work, which `work` itself cannot."""

    def decide(self, jobs: Sequence[Job]) -> None:
        """Look at jobs whose work raised `UndecidedError`, before it is tried once more."""


def rewrite(
    run: Run,
    work: Rewrite,
    selection: Selection,
    *,
    spans: Iterable[Span] | None = None,
    size: int = PAGE,
    dry_run: bool = False,
    expected: int | None = None,
) -> int:
    """Go through rows once.

    Args:
        run: The run: its report counts ``rows`` and ``files`` seen, and files done by the verb of `work`.
        work: What to do.
        selection: Which rows.
        spans: Ranges of them; all if left out.
        size: Rows of a page.
        dry_run: Only count what is to be done, as ``to_do``.
        expected: How many rows there will be, if that is known, for the progress.

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
            counts = run.report.rows.counts
            run.tell("rows", None, counts["rows"], expected, counts[f"{work.verb}_bytes"])
    return total


class _Page:
    def __init__(self, run: Run, work: Rewrite, *, dry_run: bool) -> None:
        self.run, self.work, self.dry_run = run, work, dry_run

    def go(self, pending: list[_Value]) -> int:
        counts = self.run.report.rows.counts
        total = 0
        for attempt in range(_TRIES):
            jobs = self._wanted(pending, tell=not attempt)
            if not attempt:
                counts["to_do"] += len(jobs)
            if self.dry_run or not jobs:
                return total
            outcomes = self._work(jobs)
            troubled = self._troubled(outcomes)
            done, lost = self._switch(pending, outcomes)
            total += len(done)
            counts[self.work.verb] += len(done)
            self.work.finished(done)
            self.work.undo(lost)
            again = self._really(troubled)
            counts["again"] += len(lost) + len(again)
            wanted = {(job.place, job.identity) for job in [*(job for job, _ in lost), *again]}
            if not wanted:
                return total
            pending = [(*key, value.raw) for key, value in self.run.rows.again(wanted).items()]
        for place, identity, _ in pending:
            self._find(place, identity, None, "busy", "its row was changed each time before it could be switched")
        return total

    def _wanted(self, pending: list[_Value], *, tell: bool) -> list[Job]:
        jobs = [job for value in pending for job in self._jobs(*value, tell=tell)]
        return self.work.choose(jobs) if isinstance(self.work, Choosing) else jobs

    def _work(self, jobs: list[Job]) -> list[tuple[Job, Any]]:
        """Return what became of each job: its new JSON, or an exception."""
        self.work.prepare(jobs)
        outcomes: list[Any] = each(jobs, self.work.work, self.work.work_async, self.run.concurrency)
        if isinstance(self.work, Deciding):
            open_ = [job for job, outcome in zip(jobs, outcomes, strict=True) if isinstance(outcome, UndecidedError)]
            if open_:
                self.work.decide(open_)
                decided = iter(each(open_, self.work.work, self.work.work_async, self.run.concurrency))
                outcomes = [next(decided) if isinstance(each_, UndecidedError) else each_ for each_ in outcomes]
        self.run.raise_if_down(outcomes)
        return list(zip(jobs, outcomes, strict=True))

    def _jobs(self, place: int, identity: tuple[Any, ...], raw: Any, *, tell: bool) -> list[Job]:
        found = []
        for index, item in enumerate(_items(raw, multiple=self.run.columns.places[place].type.multiple)):
            try:
                fields = rowvalue.parse(item)
            except InvalidValueError as error:
                if tell:
                    self._find(place, identity, None, "malformed", str(error))
                continue
            if self.work.wants(fields):
                found.append(Job(place, identity, index, item, fields))
        return found

    # --- what could not be done

    def _troubled(self, outcomes: list[tuple[Job, Any]]) -> list[tuple[Job, Exception]]:
        return [(job, outcome) for job, outcome in outcomes if isinstance(outcome, Exception)]

    def _really(self, troubled: list[tuple[Job, Exception]]) -> list[Job]:
        """Report what went wrong with files that their rows still hold; return the jobs of the others."""
        found = self.run.rows.again({(job.place, job.identity) for job, _ in troubled}) if troubled else {}
        again = []
        for job, error in troubled:
            value = found.get((job.place, job.identity))
            if value is None:  # the row has gone
                continue
            if job.item not in _items(value.raw, multiple=self.run.columns.places[job.place].type.multiple):
                again.append(job)
            elif isinstance(error, Refusal):
                self._find(job.place, job.identity, job.fields, error.kind, error.detail)
            elif isinstance(error, (HoldfastError, OSError)):
                self._find(job.place, job.identity, job.fields, "failed", str(error))
                self.run.report.rows.counts[f"failed: {type(error).__name__}"] += 1
            else:
                raise error
        return again

    # --- what could

    def _switch(
        self, pending: list[_Value], outcomes: list[tuple[Job, Any]]
    ) -> tuple[list[tuple[Job, dict[str, Any]]], list[tuple[Job, dict[str, Any]]]]:
        """Switch the values in which something was done; return the files that are done, and those to do again."""
        made: dict[tuple[int, tuple[Any, ...]], list[tuple[Job, dict[str, Any]]]] = {}
        for job, outcome in outcomes:
            if isinstance(outcome, Exception):
                continue
            if outcome == job.item:
                self.run.report.rows.counts["unchanged"] += 1
            else:
                made.setdefault((job.place, job.identity), []).append((job, outcome))
        switches = []
        for place, identity, raw in pending:
            if changes := made.get((place, identity)):
                switches.append(Switch(place, identity, raw, self._value(raw, changes)))
        done: list[tuple[Job, dict[str, Any]]] = []
        lost: list[tuple[Job, dict[str, Any]]] = []
        for each_, won in self._switched(switches):
            (done if won else lost).extend(made[each_.place, each_.identity])
        return done, lost

    def _switched(self, switches: list[Switch]) -> Iterator[tuple[Switch, bool]]:
        """Yield what was switched, and what was not because somebody was faster."""
        try:
            won = switch(self.run.rows, switches) if switches else []
        except DBAPIError as error:
            if len(switches) == 1:
                only = switches[0]
                self._find(only.place, only.identity, None, "failed", f"its row cannot be changed: {error.orig}")
                self.run.report.rows.counts[f"failed: {type(error).__name__}"] += 1
                return
            if error.connection_invalidated:
                raise
            for one in switches:  # a constraint or a trigger of one row does not keep the others
                yield from self._switched([one])
        else:
            yield from zip(switches, won, strict=True)

    @staticmethod
    def _value(raw: Any, changes: list[tuple[Job, dict[str, Any]]]) -> Any:
        value = json.loads(raw)
        if not isinstance(value, list):
            return changes[0][1]
        for job, item in changes:
            value[job.position] = item
        return value

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
