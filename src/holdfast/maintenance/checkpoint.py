"""A small JSON file from which an interrupted run goes on."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.errors import ConfigurationError
from holdfast.maintenance.reports import Section

if TYPE_CHECKING:
    import os

    from holdfast.maintenance.reports import Report

_SECONDS = 1.0  # between two writes


class Checkpoint:
    """For each storage: the last key that is done, and what was found up to there.

    Args:
        path: The file; None keeps nothing.
        run: What the run is to do, so that another one does not go on from here.

    Raises:
        ConfigurationError: The file belongs to another run, or has no folder.
    """

    def __init__(self, path: str | os.PathLike[str] | None, run: dict[str, Any]) -> None:
        self._path = None if path is None else Path(path)
        self._run = run
        self._storages: dict[str, dict[str, Any]] = {}
        self._written = 0.0
        if self._path is not None and not self._path.parent.is_dir():
            message = f"state={str(path)!r} cannot be written: there is no folder {self._path.parent}"
            raise ConfigurationError(message)
        if self._path is not None and self._path.exists():
            self._storages = self._load(self._path)

    def after(self, storage: str) -> str | None:
        """Return the last key of a storage that is done."""
        key: str | None = self._storages.get(storage, {}).get("after")
        return key

    def is_done(self, storage: str) -> bool:
        """Return whether a storage was finished before."""
        return bool(self._storages.get(storage, {}).get("done"))

    def restore(self, report: Report) -> None:
        """Put what was found before into a report."""
        report.storages |= {name: Section.from_dict(each["section"]) for name, each in self._storages.items()}

    def save(self, storage: str, section: Section, *, after: str | None = None, done: bool = False) -> None:
        """Note how far a storage is; written at most once a second."""
        if self._path is None or (not done and time.monotonic() < self._written + _SECONDS):
            return
        self._storages[storage] = {"after": after, "done": done, "section": section.to_dict()}
        data = json.dumps({"run": self._run, "storages": self._storages})
        beside = self._path.with_name(self._path.name + ".new")
        beside.write_text(data, encoding="utf-8")
        beside.replace(self._path)  # whole or not at all
        self._written = time.monotonic()

    def remove(self) -> None:
        """Forget it: the run has come to its end."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _load(self, path: Path) -> dict[str, dict[str, Any]]:
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if data["run"] == self._run:
                storages: dict[str, dict[str, Any]] = data["storages"]
                return storages
        except (ValueError, KeyError, TypeError) as error:
            message = f"{path} is not the state of an interrupted run: give another path, or remove it"
            raise ConfigurationError(message) from error
        message = f"{path} belongs to a run with other arguments: repeat them, or remove the file to start anew"
        raise ConfigurationError(message)
