"""Rounds on one database and its storages: a process is killed, and what it leaves is compared with its journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from signal import SIGKILL
from typing import Any

from sqlalchemy import NullPool, create_engine

from tests.crash.content import Contents
from tests.crash.journal import Journal, Rows
from tests.crash.kill import ANYWHERE, CLEANUP, DRAIN, SWEEP, TRANSACTION, UNCOMMITTED, Killer
from tests.crash.process import Process, Site, fork, prepared
from tests.crash.schema import files, values
from tests.crash.transactions import Transactions

_ARRIVALS = {"before put": 8, "in put": 12, "in multipart": 6, "after put": 8, CLEANUP: 8, SWEEP: 80}
"""How often a point is passed at most before it is the end; 5 times for the others."""

_RECOVERIES = 0.2  # of the rounds
_SECONDS = 0.25  # that a process lives at most which is killed from outside


class BrokenPromiseError(AssertionError):
    """A file was lost, or something was left lying after the recovery.

    Attributes:
        kind: ``rows``, ``lost``, ``bytes``, ``shared``, ``undrained``, ``unswept``, ``unfinished`` or ``failed``.
    """

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind = kind


@dataclass
class Campaign:
    """Many rounds, one after the other, so that damage adds up.

    Args:
        site: The database and its storages, all empty.
        seed: Where all choices come from.
        folder: For journals and logs.
        anywhere: Whether processes are also killed from outside at any moment, which no seed repeats.

    Attributes:
        kills: How many processes were killed at each point.
    """

    site: Site
    seed: str
    folder: Path
    anywhere: bool = False
    kills: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)
        self._engine = prepared(create_engine(self.site.url, poolclass=NullPool))
        self._state: Path | None = self.folder / "state"
        self._journal = Journal(self.folder / "journal")
        self._rows: Rows = {}
        self._has_outbox = self.site.schema.outbox is not None
        self._ever_held: set[tuple[str, str]] = set()
        self._round = 0
        self.site.schema.metadata.create_all(self._engine)

    def run(self, rounds: int) -> None:
        """Kill as many processes, each point in its turn.

        Raises:
            BrokenPromiseError: Something is lost, or left.
        """
        points = self._points()
        for self._round in range(1, rounds + 1):
            point = next(points)
            self._kill(point)
            if self._random.random() < _RECOVERIES or self._round == rounds:
                self._recover()

    def _points(self) -> Iterator[str]:
        points = [*TRANSACTION, CLEANUP, SWEEP, *(DRAIN if self._has_outbox else ()), *([ANYWHERE] * self.anywhere)]
        while True:
            self._random.shuffle(points)
            yield from points

    def _kill(self, point: str) -> None:
        """Run processes until one is killed at a point."""
        task = "transact"
        if point == SWEEP or (point == ANYWHERE and self._random.random() < 0.2):
            task = "sweep"
        elif self._has_outbox and point in {*DRAIN, ANYWHERE} and self._random.random() < 0.4:
            task = "drain"
        most = _ARRIVALS.get(point, 5)
        for count in (self._random.randint(1, most), self._random.randint(1, 2), 1):
            if self._process(point, count, task):
                self.kills[point] += 1
                return
            if task == "sweep":
                self._process("after put", 1, "transact")  # so that it finds something
            else:
                task = "transact"  # there was nothing to drain
        if point != ANYWHERE:
            raise BrokenPromiseError("failed", f"{self._doing}: nothing arrived there")

    def _process(self, point: str | None, count: int, task: str) -> bool:
        """Run one process, compare what it left, and return whether it was killed."""
        self._journal.clear()
        is_async, seed = self._random.random() < 0.5, self._random.getrandbits(64)
        seconds = self._random.uniform(0, _SECONDS) if point == ANYWHERE else None
        self._doing = f"round {self._round}: {task}, {'async' if is_async else 'sync'}, killed at {point!r} no. {count}"

        def work() -> None:
            killer = Killer(point, count, outbox=self._has_outbox)
            process = Process(self.site, killer, is_async=is_async, state=self._state)
            if task != "transact":
                process.run(getattr(process, task))
                return
            random = Random(seed)
            contents = Contents(random, killer, large=point == "in multipart")
            transactions = Transactions(self.site.schema, random, contents, self._rows, behind=self.site.behind)
            process.run(lambda session: transactions.until_killed(session, self._journal))

        errors = self.folder / "errors"
        status = fork(work, errors, seconds)
        killed = status == -SIGKILL and point is not None
        self._compare(None if status and (point == ANYWHERE or not killed) else point not in UNCOMMITTED)
        if status and not killed:
            raise BrokenPromiseError("failed", f"{self._doing}: exit status {status}\n{errors.read_text()}")
        return killed

    def _compare(self, is_sent: bool | None) -> None:
        """Compare rows and objects with the journal; `is_sent` is whether the last COMMIT was, None if unknown."""
        intents = self._journal.read()
        states = [self._rows, *(intent.rows for intent in intents)]
        possible = states[-1:]
        if intents and not intents[-1].done:
            possible = {True: states[-1:], False: states[-2:-1], None: states[-2:]}[is_sent]
        self._rows = self._found(possible)
        self._ever_held |= {
            key for intent in intents if intent.done or intent.rows == self._rows for key in intent.held
        }

    def _found(self, possible: list[Rows]) -> Rows:
        self.site.end_others()  # the server may still be at a dead client's COMMIT
        with self._engine.connect() as connection:
            found = values(self.site.schema, connection.execute)
        rows = {label: _digests(row) for label, row in found.items()}
        if rows not in possible:
            raise BrokenPromiseError("rows", f"{self._doing}: found {rows}, expected {possible}")
        stored = self._stored()
        owners = Counter[tuple[str, str]]()
        for label, row in found.items():
            for file in files(row):
                key = file["backend"], file["to_filename"]
                owners[key] += 1
                if key not in stored:
                    raise BrokenPromiseError("lost", f"{self._doing}: row {label} holds {key}, which is gone")
                if f"sha256:{stored[key]}" != file["checksum"]:
                    raise BrokenPromiseError("bytes", f"{self._doing}: row {label} holds {key} with other bytes")
        if shared := [key for key, count in owners.items() if count > 1]:
            raise BrokenPromiseError("shared", f"{self._doing}: several rows hold {shared}")
        self._held = set(owners)
        return rows

    def _stored(self) -> dict[tuple[str, str], str]:
        return {
            (name, key): digest for name, place in self.site.places.items() for key, digest in place.objects().items()
        }

    def _recover(self) -> None:
        """Drain and sweep; then nothing must be left but what rows hold."""
        if self._has_outbox:
            self._process(None, 0, "drain")
            if left := (self._ever_held - self._held) & self._stored().keys():
                raise BrokenPromiseError("undrained", f"{self._doing}: {sorted(left)} were dropped and are still there")
        self._process(None, 0, "sweep")  # goes on where others were killed, and what came since is not all its business
        self._state = None
        self._process(None, 0, "sweep")
        self._state = self.folder / "state"
        if left := self._stored().keys() - self._held:
            raise BrokenPromiseError("unswept", f"{self._doing}: {sorted(left)} belong to no row")
        if unfinished := [each for place in self.site.places.values() for each in place.unfinished()]:
            raise BrokenPromiseError("unfinished", f"{self._doing}: {unfinished}")
        self._process(None, 0, "verify")


def _digests(row: dict[str, Any]) -> dict[str, Any]:
    def digest(file: dict[str, Any] | None) -> str | None:
        return file["checksum"].removeprefix("sha256:") if file is not None else None

    pages = [digest(file) for file in row["pages"] or []]
    return {"cover": digest(row["cover"]), "scan": digest(row["scan"]), "pages": pages, "folder": row["folder"]}
