"""What a run found: counts of everything, and the first findings of each kind in full."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = 1000
"""Findings of one kind that a report keeps for each storage; all of them are counted."""

BROKEN = ("missing", "truncated", "corrupt", "unreadable", "malformed", "unregistered")
"""Kinds of findings that `verify` calls not well: a row's file is not there as the row says."""

WARNINGS = ("shared", "unreferenced")
"""Kinds of findings that endanger no file: two places hold one key, an object that no row holds."""


class Progress(NamedTuple):
    """How far a run is, as given to ``progress=``.

    Attributes:
        phase: ``"list"``, ``"rows"``, ``"compare"``, ``"confirm"`` or ``"delete"``.
        storage: The storage, or None while rows are read.
        done: What is done in this phase: objects, rows or keys.
        total: How many there will be, if that is known.
        size: Bytes that were copied so far, if any are.
    """

    phase: str
    storage: str | None
    done: int
    total: int | None = None
    size: int = 0


class RowName(NamedTuple):
    """The place of a file in the database.

    Attributes:
        table: The table.
        column: The column.
        key: The row's primary key, as text.
    """

    table: str
    column: str
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a run found.

    Attributes:
        kind: One of `BROKEN` or `WARNINGS`; in a sweep ``"unreferenced"`` or ``"partial"`` (an unfinished upload).
        storage: The storage, if it is known.
        key: The key, if it is known.
        detail: What is wrong, in words.
        rows: Where in the database it is held, the first hundred places.
    """

    kind: str
    storage: str | None
    key: str | None
    detail: str
    rows: tuple[RowName, ...] = ()


@dataclass(slots=True)
class Section:
    """Counts and findings of one storage, or of the rows.

    Attributes:
        counts: How many there were of what.
        findings: The first `LIMIT` findings of each kind.
    """

    counts: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)

    def add(self, finding: Finding, told: Callable[[Finding], Any] | None) -> None:
        """Count a finding, keep it if there is room, and tell."""
        self.counts[finding.kind] += 1
        if self.counts[finding.kind] <= LIMIT:
            self.findings.append(finding)
        if told is not None:
            told(finding)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {"counts": dict(self.counts), "findings": [_plain(finding) for finding in self.findings]}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Section:
        """Restore a section from plain data."""
        findings = [
            Finding(**each | {"rows": tuple(RowName(row[0], row[1], tuple(row[2])) for row in each["rows"])})
            for each in data["findings"]
        ]
        return cls(Counter(data["counts"]), findings)


@dataclass(slots=True)
class Report:
    """What a run found.

    Attributes:
        rows: What was read of the database: counts of ``rows`` (values of file columns) and files ``held``, and what is
            wrong with values themselves.
        storages: What was found in each storage.
        errors: What could not be looked at or done, by storage, in words.
        notes: What else to know.
    """

    rows: Section = field(default_factory=Section)
    storages: dict[str, Section] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def counts(self) -> Counter[str]:
        """Return the counts of all storages and of the rows together."""
        return sum((section.counts for section in self.storages.values()), self.rows.counts.copy())

    @property
    def findings(self) -> list[Finding]:
        """Return the findings that were kept."""
        return [*self.rows.findings, *(each for section in self.storages.values() for each in section.findings)]

    @property
    def ok(self) -> bool:
        """Whether all was looked at and done."""
        return not self.errors

    def section(self, storage: str) -> Section:
        """Return the section of a storage."""
        return self.storages.setdefault(storage, Section())

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, as JSON can hold it."""
        return {
            "ok": self.ok,
            "counts": dict(self.counts),
            "rows": self.rows.to_dict(),
            "storages": {name: section.to_dict() for name, section in self.storages.items()},
            "errors": dict(self.errors),
            "notes": list(self.notes),
        }


@dataclass(slots=True)
class VerifyReport(Report):
    """What `verify` found.

    Counts of a storage: ``objects`` listed, ``files`` that rows hold, ``hashed`` and ``hashed_bytes``, ``unknown``
    (files of which the row knows no size or, deep, no checksum), ``recent`` (unreferenced objects within the grace
    period), ``foreign`` (keys that no row can hold), and one for each kind of finding.
    """

    @property
    def ok(self) -> bool:
        """Whether everything could be looked at and every row's file is there as the row says."""
        counts = self.counts
        return not self.errors and not any(counts[kind] for kind in BROKEN)


@dataclass(slots=True)
class SweepReport(Report):
    """What `sweep` found and did.

    Counts of a storage: ``objects`` listed; of these ``recent``, ``foreign`` (keys that Holdfast did not make),
    ``undated`` and ``earlier`` (than `since`) stay; ``unreferenced`` with ``unreferenced_bytes`` are what no row
    holds, ``elsewhere`` those that a row holds under another storage's name; ``deleted``, ``deleted_bytes``, ``gone``
    (somebody else deleted them), ``failed``; ``partial`` unfinished uploads.

    Attributes:
        delete: Whether it was allowed to delete.
        drained: Files that the outbox had waiting, deleted now.
    """

    delete: bool = False
    drained: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, as JSON can hold it."""
        return {"delete": self.delete, "drained": self.drained} | Report.to_dict(self)


@dataclass(slots=True)
class MirrorReport(Report):
    """What `mirror` found and did.

    Counts of ``"mirror/storage"``: ``objects`` of the first storage; ``missing`` and ``different`` copies; objects that
    the first storage had ``lost``; ``extra`` ones that no row holds; ``copied`` with ``copied_bytes``, ``deleted``,
    ``failed``.

    Attributes:
        dry_run: Whether nothing was to be changed.
    """

    dry_run: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, as JSON can hold it."""
        return {"dry_run": self.dry_run} | Report.to_dict(self)


@dataclass(slots=True)
class RewriteReport(Report):
    """What a command did that goes through rows and changes what they say of their files.

    Counts of the rows: ``rows`` read, ``to_do`` (files that asked for work), ``again`` (files whose row was changed
    meanwhile), ``unchanged`` (files that turned out to be as wanted), and one for each kind of finding.

    Attributes:
        dry_run: Whether nothing was to be changed.
        seconds: How long it took.
    """

    dry_run: bool = False
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether every file could be done."""
        return not self.errors and not self.findings

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, as JSON can hold it."""
        return {"dry_run": self.dry_run, "seconds": self.seconds} | Report.to_dict(self)


@dataclass(slots=True)
class BackfillReport(RewriteReport):
    """What `backfill` did.

    Counts of the rows besides: files ``filled``, of these ``filled: size``, ``filled: etag`` and so on, and
    ``read_bytes``.
    """


@dataclass(slots=True)
class RekeyReport(RewriteReport):
    """What `rekey` did.

    Counts of the rows besides: files ``rekeyed`` with ``rekeyed_bytes``, of these ``adopted`` (copied by an earlier
    run), and old objects ``deleted``.
    """


@dataclass(slots=True)
class AlterReport(RewriteReport):
    """What `alter` did.

    Counts of the rows besides: files ``altered``, and of these ``objects`` that were changed in the storage.
    """


@dataclass(slots=True)
class MigrateReport(RewriteReport):
    """What `migrate` did.

    Counts: ``rows`` that name the old storage, files ``to_do`` in them; ``moved`` with ``moved_bytes``, some of them
    ``adopted`` (the copy lay there already) or ``renamed`` (the key was another object's); ``again`` (the row was
    changed meanwhile); ``failed``, and by kind of error ``failed: …``; ``missing``, ``corrupt``, ``malformed``,
    ``busy`` (changed each time). Of old objects: ``deleted`` with ``deleted_bytes``, ``kept`` (rows hold them),
    ``needed`` (the new storage does not have the copies that rows hold) and ``left`` (no row holds them, and none is
    known to hold a copy: they are for the sweep).

    Attributes:
        moved: Of one share of a migration: which files, for the step that deletes old objects.
    """

    moved: list[Any] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, as JSON can hold it."""
        rate = self.counts["moved"] / self.seconds if self.seconds else 0.0
        return {"files_per_second": round(rate, 1)} | RewriteReport.to_dict(self)


@dataclass(slots=True)
class CopyReport(RewriteReport):
    """What `copy_environment` did.

    Counts of the rows besides: ``there`` (rows that the other database has), ``inserted``, files ``copied`` with
    ``copied_bytes``, of these ``adopted`` (copied by an earlier run).
    """


@dataclass(slots=True)
class SettleReport(Report):
    """What `settle` did.

    Counts: ``objects`` that the old storage listed, with ``bytes``; ``copied`` with ``copied_bytes``; ``there`` (the
    new storage had them already), ``deleted`` from the old storage; ``gone`` (somebody deleted them meanwhile),
    ``failed``, ``foreign`` (keys that no row can hold, which stay), with `dry_run` ``missing`` (to be copied); and one
    for each kind of finding: ``different``, ``replaced``, ``unclear``, ``busy``.

    Attributes:
        dry_run: Whether nothing was to be changed.
        keep: Whether nothing was to be deleted from the old storage.
    """

    dry_run: bool = False
    keep: bool = False

    @property
    def ok(self) -> bool:
        """Whether all could be done, and no object is in doubt."""
        counts = self.counts
        return not (self.errors or counts["failed"] or counts["different"] or counts["busy"])

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, as JSON can hold it."""
        return {"dry_run": self.dry_run, "keep": self.keep} | Report.to_dict(self)


def _plain(finding: Finding) -> dict[str, Any]:
    plain = asdict(finding)
    plain["rows"] = [[row.table, row.column, list(row.key)] for row in finding.rows]
    return plain
