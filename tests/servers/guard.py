"""Run a server for as long as the test run lives: `guard.py '{"run": …, "folder": …}'`.

The test run holds an exclusive lock on its folder. The kernel drops that lock however
the run ends, kill -9 included, and only then does the guard get a lock of its own: no
process ids to watch, nothing that a crashing test run has to remember to do. The guard
belongs to no test process, because an xdist worker may end long before the others.

It is a script with nothing but the standard library, so that it starts in 30 ms.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

PATIENCE = 5.0  # seconds that a server has to stop by itself
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(run: str, folder: str, command: list[str], stop: int, user: int | None) -> None:
    """Start the server, and stop it and remove its folder when the run is over."""
    watched = os.open(run, os.O_RDONLY)
    if os.fork():
        os._exit(0)  # whoever asked has nothing to wait for and no child to reap
    os.setsid()  # Ctrl-C in the terminal is for the test run, not for its servers

    def die_with_guard() -> None:
        # The last resort, for a guard that is killed. It has to come after the change
        # of user, which clears it; Popen calls this function after that change.
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, stop)

    server = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        cwd=folder,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
        preexec_fn=die_with_guard,  # noqa: PLW1509 - the only thread there is yet
    )

    over = threading.Event()

    def stop_when_run_is_over() -> None:
        # Shared: all guards of the run get it at once.
        fcntl.flock(watched, fcntl.LOCK_SH)
        over.set()
        server.send_signal(stop)
        try:
            server.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # not empty: another guard is still at it
            Path(run).rmdir()
        os._exit(0)

    threading.Thread(target=stop_when_run_is_over, daemon=True).start()
    status = server.wait()
    if not over.is_set():  # the folder is kept for its log until the run is over
        Path(folder, "exited").write_text(str(status))
    signal.pause()


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
