"""FTP servers: pyftpdlib, with the commands of RFC 3659 and, as many an old server, without them."""

import secrets
import sys
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .ports import HOST, free_port, is_listening
from .shared import ServerFailedError, State, launch, start_once

PROGRAM = """
import sys
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer

host, port, old_port, folder, username, password = sys.argv[1:]
FTPHandler.authorizer = DummyAuthorizer()
FTPHandler.authorizer.add_user(username, password, folder, perm="elradfmwMT")
FTPHandler.authorizer.add_user("reader", password, folder, perm="elr")
FTPHandler.auth_failed_timeout = 0

class OldHandler(FTPHandler):
    proto_cmds = {name: about for name, about in FTPHandler.proto_cmds.items() if name not in {"MLSD", "MLST"}}

FTPServer((host, int(old_port)), OldHandler)
FTPServer((host, int(port)), FTPHandler).serve_forever()
"""


@dataclass(frozen=True)
class FTPSite:
    """Where the servers listen, who may use them (`username` all, `reader` to read), and where their files lie."""

    port: str
    old_port: str
    folder: str
    username: str
    password: str

    @property
    def options(self) -> dict[str, Any]:
        """The keyword arguments of `fsspec.implementations.ftp.FTPFileSystem`."""
        return {"host": HOST, "port": int(self.port), "username": self.username, "password": self.password}


def pyftpdlib() -> FTPSite:
    """Start both servers, over one folder."""
    return FTPSite(**start_once("pyftpdlib", _start))


def _start(folder: Path) -> State:
    if find_spec("pyftpdlib") is None:
        raise ServerFailedError("pyftpdlib is not installed: pip install pyftpdlib")
    data = folder / "data"
    data.mkdir()
    site = FTPSite(str(free_port()), str(free_port()), str(data), "holdfast", secrets.token_hex(8))
    arguments = [HOST, site.port, site.old_port, site.folder, site.username, site.password]
    launch(folder, [sys.executable, "-c", PROGRAM, *arguments], ready=lambda: is_listening(int(site.port)))
    return asdict(site)
