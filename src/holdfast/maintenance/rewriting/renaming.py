"""Giving rows another name for the place where their files are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from holdfast.maintenance.rewriting.engine import Job


class Renaming:
    """The work of `migrate` where both names lead to one place, see `holdfast.maintenance.rewriting.engine.Rewrite`.

    Args:
        source: The old name.
        target: The new one.
    """

    verb = "moved"

    def __init__(self, source: str, target: str) -> None:
        self._source, self._target = source, target
        self.naming: Collection[str] = {source}

    def wants(self, fields: dict[str, Any]) -> bool:
        """Return whether a file has the old name."""
        return bool(fields["backend"] == self._source)

    def prepare(self, jobs: Sequence[Job]) -> None:
        """Do nothing."""

    def work(self, job: Job) -> dict[str, Any]:
        """Change the name."""
        return job.item | {"backend": self._target}

    async def work_async(self, job: Job) -> dict[str, Any]:
        """Like `work`."""
        return self.work(job)

    def finished(self, done: Sequence[tuple[Job, dict[str, Any]]]) -> None:
        """Do nothing."""

    def undo(self, lost: Sequence[tuple[Job, dict[str, Any]]]) -> None:
        """Do nothing: nothing was made."""

    def clear_strays(self) -> None:
        """Do nothing, likewise."""
