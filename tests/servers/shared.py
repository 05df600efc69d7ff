"""One test run, its folder, and the servers that all its processes share.

The process that was started by hand (xdist's controller, or pytest itself) makes the
folder, names it in the environment, where xdist's workers find it, and holds a lock on
it until it ends. The first process that needs a server starts it, with the server's own
folder locked; the others wait for that lock and read what the first one wrote down.
"""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from signal import SIGTERM, Signals
from typing import TypeVar

import pytest

VARIABLE = "HOLDFAST_TEST_RUN"
DEADLINE = 60.0  # seconds; a start takes about one, on a busy machine several
GUARD = Path(__file__).with_name("guard.py")

State = dict[str, str]
Server = TypeVar("Server")


class ServerFailedError(Exception):
    """A server did not start; the message says why and shows the end of its log."""


def open_run() -> Callable[[], None]:
    """Make the folder of this test run and return what ends the run."""
    # Not pytest's own temporary folder: a Unix socket's path is limited to about a
    # hundred bytes, and a server that is started as root must be able to reach it
    # after it has become another user.
    folder = Path(tempfile.mkdtemp(prefix="holdfast-", dir="/tmp"))
    folder.chmod(0o711)
    lock = os.open(folder, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    outer = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(folder)

    def close() -> None:
        """Release the lock, whereupon the guards stop their servers."""
        for server in folder.iterdir():
            if not (server / "log").exists():  # it never came to have a guard
                shutil.rmtree(server)
        os.close(lock)
        if outer is None:
            del os.environ[VARIABLE]
        else:  # a test that runs pytest
            os.environ[VARIABLE] = outer
        with contextlib.suppress(OSError):  # not empty: the last guard removes it
            folder.rmdir()

    return close


def start_once(name: str, start: Callable[[Path], State]) -> State:
    """Return what `start(folder)` returned in whichever process called this first."""
    if VARIABLE not in os.environ:  # pytest was started beside this folder's conftest
        open_run()
    folder = Path(os.environ[VARIABLE]) / name
    folder.mkdir(exist_ok=True)
    state = folder / "state.json"
    with _locked(folder):
        if not state.exists():
            try:
                answer = start(folder)
            except ServerFailedError as error:  # once is enough: don't try per worker
                answer = {"error": str(error)}
            state.write_text(json.dumps(answer))
    found: State = json.loads(state.read_text())
    if "error" in found:
        raise ServerFailedError(found["error"])
    return found


def start_or_skip(start: Callable[[], Server]) -> Server:
    """Start a server; where that fails, CI fails and a user's machine skips."""
    try:
        return start()
    except ServerFailedError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


def launch(
    folder: Path,
    command: Sequence[str],
    *,
    ready: Callable[[], bool],
    env: Mapping[str, str] | None = None,
    stop: Signals = SIGTERM,
    user: int | None = None,
) -> None:
    """Start a server under a guard and return as soon as it is ready.

    `stop` is the signal that ends it, `user` the one to become (for root only).
    """
    log = folder / "log"
    order = {
        "run": str(folder.parent),
        "folder": str(folder),
        "command": list(command),
        "stop": int(stop),
        "user": user,
    }
    with log.open("wb") as output:
        subprocess.run(
            [sys.executable, "-S", str(GUARD), json.dumps(order)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Nothing of the caller's: an AWS_ACCESS_KEY_ID would become ministack's
            # root, a PGPORT PostgreSQL's port.
            env={"PATH": os.environ["PATH"], "TMPDIR": str(folder), **(env or {})},
            check=True,
        )
    deadline = time.monotonic() + DEADLINE
    while not ready():
        ended = (folder / "exited").exists()
        if ended or time.monotonic() > deadline:
            what = "ended" if ended else f"was not ready in {DEADLINE:g} s"
            tail = log.read_text(errors="replace")[-4000:]
            raise ServerFailedError(f"{folder.name} {what}: {' '.join(command)}\n{tail}")
        time.sleep(0.01)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
