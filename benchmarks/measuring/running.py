"""Run a race: a process for each player, rounds in turn, each round in another order."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.measuring.race import Entry, Race

ROOT = Path(__file__).parents[2]
SECONDS = 20.0
ENOUGH = 2
Rounds = dict[str, list[dict[str, float]]]


class PlayerFailedError(Exception):
    """A player ended in mid-race; its own words are above."""


@contextmanager
def open_folder() -> Iterator[Path]:
    """Lend a folder for all races of a run, on the disk of the checkout."""
    (ROOT / "build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="races-", dir=ROOT / "build") as folder:
        yield Path(folder)


def run(race: Race, folder: Path, rounds: int, only: str = "") -> Rounds:
    """Return what each player's rounds measured, without the first one, which starts threads and connections.

    A race that is not long ends after its seconds, if it has two rounds that count. A first round that takes longer
    than that counts, too: starting weighs little in it.
    """
    found: Rounds = {}
    counted = 0
    folder = folder / race.name
    folder.mkdir()
    with ExitStack() as stack:
        servers = open_servers(race.servers, stack)
        entries = [entry for entry in race.entries if only in entry.name]
        children = {
            entry.name: stack.enter_context(Child(entry, folder / str(number), servers(), race.amount))
            for number, entry in enumerate(entries)
        }
        until = time.monotonic() + (math.inf if race.is_long else SECONDS)
        for number in range(rounds + 1):
            if counted >= ENOUGH and time.monotonic() > until:
                break
            played = {name: children[name].play() for name in turned(list(children), number)}
            if number or time.monotonic() > until:
                counted += 1
                for name, figures in played.items():
                    found.setdefault(name, []).append(figures)
    return {entry.name: found[entry.name] for entry in entries}


def turned(names: list[str], number: int) -> Iterator[str]:
    """Begin each round with another player, so that none always follows the same one."""
    start = number % len(names)
    yield from names[start:] + names[:start]


class Child:
    """A process that plays."""

    def __init__(self, entry: Entry, folder: Path, servers: Mapping[str, Any], amount: int) -> None:
        folder.mkdir()
        job = {"player": entry.player, "folder": str(folder), "servers": servers}
        job["options"] = {"amount": amount, **entry.options}
        self.name = entry.name
        command = [sys.executable, "-m", "benchmarks.measuring.child", json.dumps(job)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        self.rounds, self.answers = cast("IO[str]", self.process.stdin), cast("IO[str]", self.process.stdout)

    def play(self) -> dict[str, float]:
        """Return the figures of one more round."""
        try:
            self.rounds.write("\n")
            self.rounds.flush()
        except BrokenPipeError:
            raise PlayerFailedError(self.name) from None
        line = self.answers.readline()
        if not line:
            raise PlayerFailedError(self.name)
        figures: dict[str, float] = json.loads(line)
        return figures

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.rounds.close()
        try:
            self.process.wait(60)
        finally:
            self.process.kill()
            self.answers.close()


def open_servers(names: tuple[str, ...], stack: ExitStack) -> Any:
    """Start servers, and return what gives each player a bucket or a database of its own."""
    if not names:
        return dict
    sys.path.insert(0, os.fspath(ROOT))
    from tests.servers import shared  # noqa: PLC0415  # found by the line above

    stack.callback(shared.open_run())
    return lambda: {name: server(name, stack) for name in names}


def server(name: str, stack: ExitStack) -> dict[str, str]:
    """Return where a player finds a server."""
    from tests.servers import postgres, s3  # noqa: PLC0415

    if name == "postgres":
        database = stack.enter_context(postgres.postgres_server().database())
        return {"sync": database.url("psycopg"), "async": database.url("asyncpg")}
    if name == "listing":
        return {"endpoint": own_server("listing_server"), "access_key": "any", "secret_key": "any", "region": "any"}
    bucket = {"rclone": s3.rclone, "distant": s3.rclone, "ministack": s3.ministack}[name]().make_bucket()
    where = bucket.server
    if name == "distant":
        where = where.at(own_server("distance", where.endpoint.rpartition(":")[2]))
    return {
        "bucket": bucket.name,
        "endpoint": where.endpoint,
        "access_key": where.access_key,
        "secret_key": where.secret_key,
        "region": where.region,
    }


def own_server(script: str, *arguments: str) -> str:
    """Start a server of this folder, once, and return its endpoint."""
    from tests.servers import ports, shared  # noqa: PLC0415

    def start(folder: Path) -> dict[str, str]:
        port = ports.free_port()
        command = [sys.executable, str(Path(__file__).with_name(f"{script}.py")), str(port), *arguments]
        shared.launch(folder, command, ready=lambda: ports.is_listening(port))
        return {"endpoint": f"http://{ports.HOST}:{port}"}

    return shared.start_once(script, start)["endpoint"]
