"""What `adopt` found and did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from holdfast.maintenance.reports import Report


@dataclass(slots=True)
class AdoptReport(Report):
    """What `adopt` found and did.

    Counts: ``rows`` without a file that were looked at; ``empty`` ones, whose old value stands for no file; ``adopted``
    rows that have their files now, in a dry run ``to_do``; ``copied`` objects that several rows named; ``again`` for
    rows that were changed meanwhile; and one for each kind of finding.

    Attributes:
        dry_run: Whether nothing was to be changed.
    """

    dry_run: bool = False

    @property
    def ok(self) -> bool:
        """Whether every row that was looked at has its files, or needs none; in a dry run, whether it would."""
        counts = self.counts
        return not self.errors and counts["adopted"] + counts["to_do"] + counts["empty"] == counts["rows"]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, as JSON can hold it."""
        return {"dry_run": self.dry_run} | Report.to_dict(self)
