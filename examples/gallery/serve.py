"""Starts the gallery: `python examples/gallery/serve.py --help`."""

from __future__ import annotations

import argparse
import json
import secrets
import sys
from pathlib import Path
from typing import Any

import uvicorn
from sqlalchemy import Connection, event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

sys.path.insert(0, str(Path(__file__).parent))
from app import create_app

FOLDER = Path("build/gallery")


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description="A small gallery of files that commit with their rows.")
    parser.add_argument("--database", help="URL of the database, async (SQLite in build/gallery if left out)")
    parser.add_argument("--storage", help="URL of the storage (a folder in build/gallery if left out)")
    parser.add_argument(
        "--options", type=json.loads, default={}, help='its options, as JSON: \'{"aws_region": "eu-central-1"}\''
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--base-url", help="address of the gallery as browsers reach it, behind a proxy")
    return parser.parse_args()


def open_database(url: str | None) -> AsyncEngine:
    """Return the engine; on SQLite, readers do not wait for the transaction that the panel holds open."""
    if url is None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        url = f"sqlite+aiosqlite:///{FOLDER}/gallery.db"
    engine = create_async_engine(url)
    if make_url(url).get_backend_name() == "sqlite":

        @event.listens_for(engine.sync_engine, "connect")
        def set_up(connection: Any, _: object) -> None:
            connection.cursor().execute("PRAGMA journal_mode=WAL")
            # Left alone, Python's driver begins no transaction before a SAVEPOINT, whose release then commits.
            connection.isolation_level = None

        @event.listens_for(engine.sync_engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN")

    return engine


def main() -> None:
    """Serve until interrupted."""
    asked = arguments()
    base_url = asked.base_url or f"http://{asked.host}:{asked.port}"
    app = create_app(
        open_database(asked.database),
        asked.storage or f"file://{FOLDER.resolve()}/files/",
        base_url=base_url,
        secret=secrets.token_urlsafe(32),
        **asked.options,
    )
    server = uvicorn.Server(uvicorn.Config(app, host=asked.host, port=asked.port, log_level="warning"))
    listening = server.config.bind_socket()
    listening.listen()
    print(f"The gallery is at {base_url}; Ctrl-C ends it.", flush=True)
    server.run(sockets=[listening])


if __name__ == "__main__":
    main()
