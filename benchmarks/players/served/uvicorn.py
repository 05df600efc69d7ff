"""Serve a module's application by uvicorn: `python -m benchmarks.players.served.uvicorn MODULE FOLDER SOCKET`."""

from __future__ import annotations

import importlib
import socket
import sys
from pathlib import Path

import uvicorn


def main() -> None:
    """Be the server."""
    module, folder, descriptor = sys.argv[1:]
    application = importlib.import_module(f"benchmarks.players.served.{module}").application(Path(folder))
    config = uvicorn.Config(
        application, loop="uvloop", http="httptools", lifespan="off", access_log=False, log_level="error"
    )
    uvicorn.Server(config).run([socket.socket(fileno=int(descriptor))])


if __name__ == "__main__":
    main()
