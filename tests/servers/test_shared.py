"""Servers are started once, and stop when the run does, however it ends."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers.ports import is_listening
from tests.servers.shared import ServerFailedError, launch, start_once, start_or_skip

ROOT = Path(__file__).parents[2]

# A run of its own with two servers, which says what it has and then waits.
RUN = """
import os, sys, time
from tests.servers.ports import *
from tests.servers.shared import *

def start(folder):
    port = free_port()
    command = [sys.executable, "-m", "http.server", "--bind", HOST, str(port)]
    launch(folder, command, ready=lambda: is_listening(port))
    return {"port": str(port)}

close = open_run()
ports = [start_once(name, start)["port"] for name in ("one", "two", "one")]
print(os.environ[VARIABLE], *ports, flush=True)
sys.stdin.read()
close()
"""


def until(done: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until `done()` is true."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("kill", [False, True], ids=["ends", "is killed"])
def test_servers_stop_when_the_run(*, kill: bool) -> None:
    """A run that ends and one that is killed leave neither a server nor a folder."""
    with subprocess.Popen(
        [sys.executable, "-c", RUN], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout
        folder, one, two, again = run.stdout.readline().split()
        assert one == again
        assert one != two
        assert is_listening(int(one))
        assert is_listening(int(two))
        if kill:
            run.kill()
    until(lambda: not Path(folder).exists())
    assert not is_listening(int(one))
    assert not is_listening(int(two))


def test_a_failure_shows_the_log_and_is_not_repeated() -> None:
    """What a server said before it ended is in the message, for every process."""
    starts = []

    def start(folder: Path) -> dict[str, str]:
        starts.append(folder)
        launch(folder, [sys.executable, "-c", "exit('no such disk')"], ready=lambda: False)
        return {}

    for _ in range(2):
        with pytest.raises(ServerFailedError, match="no such disk"):
            start_once("broken", start)
    assert len(starts) == 1


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_a_missing_server_fails_in_ci_only(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    """A user's machine skips, with the reason; CI must not pass by skipping."""

    def start() -> None:
        raise ServerFailedError("not installed")

    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="not installed"):
        start_or_skip(start)
