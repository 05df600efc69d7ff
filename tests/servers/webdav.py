"""A WebDAV server: WsgiDAV on Cheroot."""

import json
import secrets
import sys
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .ports import HOST, free_port, is_listening
from .shared import ServerFailedError, State, launch, start_once

PROGRAM = """
import json, sys
from cheroot import wsgi
from wsgidav.wsgidav_app import WsgiDAVApp

configuration = json.loads(sys.argv[1])
wsgi.Server((configuration["host"], configuration["port"]), WsgiDAVApp(configuration), numthreads=20).start()
"""


@dataclass(frozen=True)
class WebDAVServer:
    """Where the server listens, who may use it, and where its files lie."""

    base_url: str
    folder: str
    username: str
    password: str

    @property
    def options(self) -> dict[str, Any]:
        """The keyword arguments of `webdav4.fsspec.WebdavFileSystem`."""
        return {"base_url": self.base_url, "auth": (self.username, self.password)}


def wsgidav() -> WebDAVServer:
    """Start the server, for one name and password."""
    return WebDAVServer(**start_once("wsgidav", _start))


def _start(folder: Path) -> State:
    for package in ("wsgidav", "cheroot"):
        if find_spec(package) is None:
            raise ServerFailedError(f"{package} is not installed: pip install {package}")
    port, data = free_port(), folder / "data"
    data.mkdir()
    server = WebDAVServer(f"http://{HOST}:{port}/dav", str(data), "holdfast", secrets.token_hex(8))
    configuration = {
        "host": HOST,
        "port": port,
        "provider_mapping": {"/dav": server.folder},
        "simple_dc": {"user_mapping": {"*": {server.username: {"password": server.password}}}},
        "http_authenticator": {"accept_basic": True, "accept_digest": False, "default_to_digest": False},
        "verbose": 1,
    }
    command = [sys.executable, "-c", PROGRAM, json.dumps(configuration)]
    launch(folder, command, ready=lambda: is_listening(port))
    return asdict(server)
