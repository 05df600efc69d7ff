"""What others do meanwhile, as data: another session, a process that dies, a sweep."""

from __future__ import annotations

from dataclasses import dataclass

from tests.orm.model.operations import Assign, DeleteRow, EditPages


@dataclass(frozen=True)
class Elsewhere:
    """Another session changes rows and commits: those that the first one has not touched in its transaction."""

    edits: tuple[Assign | EditPages | DeleteRow, ...]


@dataclass(frozen=True)
class TakeUp:
    """A process lets go of a row's cover and dies before it is deleted; then another row takes it by its name."""

    source: int
    target: int


@dataclass(frozen=True)
class Sweep:
    """A sweep deletes files that are days old and in no committed row; then the transaction ends."""
