"""Suspicions are looked into before they are reported: the world goes on while a run compares.

The object is asked first and the row after it. A row that still holds a key which had no object a moment ago has lost
it: uploads come before the commit, deletions after it, and keys are not used twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.errors import ChecksumMismatchError, NotFoundError, StorageError
from holdfast.maintenance.pacing import each
from holdfast.maintenance.reports import Finding, RowName
from holdfast.maintenance.run import born

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from holdfast.backends.base import StorageBackend
    from holdfast.maintenance.merging import Match, Reference
    from holdfast.maintenance.run import Run
    from holdfast.maintenance.values import Held
    from holdfast.objects import ObjectInfo


class Holding(NamedTuple):
    """A row that holds a key right now.

    Attributes:
        name: Its place.
        file: What it knows of the file.
    """

    name: RowName
    file: Held


def is_suspicious(match: Match, too_young: float) -> bool:
    """Return whether the object and its rows do not agree, so that they have to be asked again."""
    if match.listed is None or match.held > 1:
        return True
    if not match.references:
        return not is_recent(match, too_young)
    return match.references[0].size not in {None, match.listed.size}


def is_recent(match: Match, too_young: float) -> bool:
    """Return whether an object is so young that its row may not be committed yet; without a time nobody knows."""
    at = None if match.listed is None else born(match.key, match.listed.last_modified)
    return at is None or at > too_young


def investigate(run: Run, storage: StorageBackend, suspects: Sequence[Match]) -> Iterator[Finding]:
    """Ask again, and yield what is still wrong."""
    outcomes: list[Any] = each(
        suspects, lambda match: storage.stat(match.key), lambda match: storage.stat_async(match.key), run.concurrency
    )
    run.raise_if_down(outcomes)
    held = holdings(run, storage.key, [reference for match in suspects for reference in match.references])
    for match, outcome in zip(suspects, outcomes, strict=True):
        rows = held.get(match.key, [])
        if isinstance(outcome, NotFoundError):
            if rows:
                yield _found("missing", storage, match.key, "there is no such object", rows)
        elif isinstance(outcome, Exception):
            if not isinstance(outcome, StorageError):
                raise outcome
            yield _found("unreadable", storage, match.key, str(outcome), rows)
        else:
            yield from _compared(storage, match, outcome, rows, run.too_young)


def holdings(run: Run, storage: str, references: Sequence[Reference]) -> dict[str, list[Holding]]:
    """Return which of some rows still hold what they held, by key."""
    wanted = {(reference.place, reference.identity): reference.key for reference in references}
    keys = set(wanted.values())
    found: dict[str, list[Holding]] = {}
    for (place, identity), value in run.rows.again(wanted).items():
        name = RowName(*run.rows.name(place, identity))
        # A row's list may hold the same file twice, and it may hold several of the keys that are asked for.
        files = {file.key: file for file in run.rows.files(value) if file.storage == storage and file.key in keys}
        for file in files.values():
            found.setdefault(str(file.key), []).append(Holding(name, file))
    return found


def hash_all(run: Run, storage: StorageBackend, matches: Sequence[Match]) -> Iterator[Finding]:
    """Read objects in full and compare their checksums."""
    jobs = [(match.key, str(match.references[0].checksum)) for match in matches]
    outcomes = _hashed(run, storage, jobs)
    failed = [match for match, outcome in zip(matches, outcomes, strict=True) if outcome is not None]
    run.raise_if_down(outcomes)
    # The file may have been replaced or deleted meanwhile: only what the rows say now counts.
    held = holdings(run, storage.key, [reference for match in failed for reference in match.references])
    again = [(match.key, rows[0].file.checksum) for match in failed if (rows := held.get(match.key))]
    jobs = [(key, checksum) for key, checksum in again if checksum is not None]
    for (key, _), outcome in zip(jobs, _hashed(run, storage, jobs), strict=True):
        if outcome is not None:
            yield _found(_kind(outcome), storage, key, str(outcome), held[key])


def _hashed(run: Run, storage: StorageBackend, jobs: Sequence[tuple[str, str]]) -> list[Exception | None]:
    return each(jobs, lambda job: storage.verify(*job), lambda job: storage.verify_async(*job), run.concurrency)


def _kind(error: Exception) -> str:
    if isinstance(error, NotFoundError):
        return "missing"
    return "corrupt" if isinstance(error, ChecksumMismatchError) else "unreadable"


def _compared(
    storage: StorageBackend, match: Match, info: ObjectInfo, rows: list[Holding], too_young: float
) -> Iterator[Finding]:
    wrong = [row for row in rows if row.file.size not in {None, info.size}]
    if wrong:
        size = wrong[0].file.size or 0
        kind = "truncated" if info.size < size else "corrupt"
        yield _found(kind, storage, match.key, f"it has {info.size} bytes, the row says {size}", wrong)
    if len(rows) > 1:
        yield _found("shared", storage, match.key, f"{match.held} files of rows lie there", rows)
    if not match.references and (born(match.key, info.last_modified) or too_young + 1) <= too_young:
        yield _found("unreferenced", storage, match.key, f"no row holds its {info.size} bytes", [])


def _found(kind: str, storage: StorageBackend, key: str, detail: str, rows: Sequence[Holding]) -> Finding:
    return Finding(kind, storage.key, key, detail, tuple(row.name for row in rows))
