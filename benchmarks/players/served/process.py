"""A web server in a process of its own, and what it costs."""

from __future__ import annotations

import atexit
import shutil
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from benchmarks.measuring.child import reset_peak, resident

if TYPE_CHECKING:
    from pathlib import Path

HOST = "127.0.0.1"
DEADLINE = 30.0
# One process and no user to change to, so that it runs for root and for everybody.
NGINX = """
daemon off; master_process off; worker_processes 1; pid {own}/pid; error_log stderr error;
events {{ worker_connections 64; }}
http {{
  client_body_temp_path {own}/body; proxy_temp_path {own}/proxy; fastcgi_temp_path {own}/fastcgi;
  uwsgi_temp_path {own}/uwsgi; scgi_temp_path {own}/scgi;
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; default_type image/png;
  server {{ listen {host}:{port}; root {folder}; }}
}}
"""


class ServerProcess:
    """Uvicorn with a module of this package, or nginx.

    Attributes:
        port: Where it listens.
    """

    def __init__(self, name: str, folder: Path, own: Path) -> None:
        with socket.create_server((HOST, 0)) as listening:
            self.port: int = listening.getsockname()[1]
            number = listening.fileno()
            command = [sys.executable, "-m", "benchmarks.players.served.uvicorn", name, str(folder), str(number)]
            if name != "nginx":
                self._process = subprocess.Popen(command, pass_fds=[number])
        if name == "nginx":  # it opens its port by itself
            self._process = subprocess.Popen(self._nginx(folder, own))
            self._wait()
        atexit.register(self.stop)

    def _nginx(self, folder: Path, own: Path) -> list[str]:
        config = own / "nginx.conf"
        config.write_text(NGINX.format(own=own, host=HOST, port=self.port, folder=folder))
        return [program("nginx", "apt-get install nginx-light"), "-p", str(own), "-c", str(config), "-e", "stderr"]

    def _wait(self) -> None:
        until = time.monotonic() + DEADLINE
        while self._process.poll() is None and time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex((HOST, self.port)) == 0:
                    return
        raise TimeoutError("nginx does not listen")

    def spent(self) -> float:
        """Return the seconds of the processor that it has used, to the microsecond: clock_getcpuclockid(3)."""
        return time.clock_gettime((~self._process.pid << 3) | 2)

    def reset_peak(self) -> None:
        """Start the peak of its memory anew."""
        reset_peak(self._process.pid)

    def resident(self, figure: str) -> int:
        """Return a figure of its memory in bytes."""
        return resident(figure, self._process.pid)

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(DEADLINE)


def program(name: str, how: str) -> str:
    """Return where a program is; the Python environment does not bring it."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        message = f"{name} is missing: {how}"
        raise FileNotFoundError(message)
    return found
