"""What trying storages out has shown."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

Outcome: TypeAlias = Literal["ok", "failed", "lacks", "skipped"]

STEPS = ("put", "stat", "read", "range", "list", "sign", "upload", "create", "copy", "delete")
"""What is tried. ``sign`` fetches through a signed URL, ``upload`` writes through one, ``create`` writes only where
there is nothing yet."""


class Step(NamedTuple):
    """One step.

    Attributes:
        name: One of `STEPS`, or ``configuration``.
        outcome: ``ok``; ``failed``; ``lacks``, the service has no such thing; ``skipped``, it was not tried.
        detail: Why not, and what to do.
    """

    name: str
    outcome: Outcome
    detail: str = ""


@dataclass
class StorageCheck:
    """How one storage did.

    Attributes:
        storage: Its name.
        steps: What was tried.
        lacks: What the service declares not to have.
        notes: What else to know.
        seconds: How long it took.
    """

    storage: str
    steps: list[Step] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return all(step.outcome != "failed" for step in self.steps)

    def outcome(self, name: str) -> Outcome:
        """Return how a step went."""
        return next((step.outcome for step in self.steps if step.name == name), "skipped")

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON has it."""
        return {**asdict(self), "ok": self.ok, "steps": [step._asdict() for step in self.steps]}


@dataclass
class CheckReport:
    """How all storages did.

    Attributes:
        storages: Each by its name.
    """

    storages: dict[str, StorageCheck] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether nothing failed."""
        return all(each.ok for each in self.storages.values())

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON has it."""
        return {"ok": self.ok, "storages": {name: each.to_dict() for name, each in self.storages.items()}}
