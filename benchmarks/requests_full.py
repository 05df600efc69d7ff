"""What verify, sweep, migrate and backfill ask of S3 per million files, and what S3 charges for it.

Requests are counted by a proxy in front of ministack, which knows conditional writes as Amazon does. SQLite has the
rows. Files are of a few bytes, but for one run with files of 2 MiB, which S3 copies inside; PUT is also such a copy.
What a run asks for on an empty table and empty buckets is taken off, but for the first page of a listing. Prices are
those of S3 Standard in us-east-1 in 2026.

    python benchmarks/requests_full.py [--files 1000] [--large 20]
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, StorageBackend, StoredObject, storages
from holdfast.backends.obstore import ObstoreBackend
from holdfast.drivers.local import LocalDriver
from holdfast.maintenance import backfill, migrate, sweep, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Engine

ROOT = Path(__file__).parents[1]
MIB = 1024 * 1024
MILLION = 10**6
PAGE = 1000  # keys in an answer to LIST, and in a batch of deletions
DOLLARS = {"LIST": 5.0, "PUT": 5.0, "GET": 0.4, "HEAD": 0.4, "DELETE": 0.0}  # for a million
SMALL = b"twelve bytes"


class Base(DeclarativeBase):
    """The tables."""


class Document(Base):
    """A row with a file."""

    __tablename__ = "document"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="first"))


def main() -> int:
    """Count the requests of each command, and print what a million files cost."""
    arguments = parse()
    sys.path.insert(0, str(ROOT))
    from tests.servers.proxy import CountingProxy  # noqa: PLC0415  # found by the path of this file
    from tests.servers.s3 import ministack  # noqa: PLC0415
    from tests.servers.shared import open_run  # noqa: PLC0415

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="holdfast-")))
        stack.callback(open_run())
        server = ministack()
        proxy = stack.enter_context(CountingProxy(server.endpoint))
        for name in ("first", "second"):
            bucket = server.make_bucket().at(proxy.endpoint)
            storages.register_backend(ObstoreBackend(name, bucket.url, **bucket.options))
        storages.register_backend(StorageBackend("disk", LocalDriver(folder / "disk", durable=False)))
        engine = create_engine(f"sqlite:///{folder}/rows.sqlite")
        Base.metadata.create_all(engine)

        def counted(call: Callable[[Session], Any]) -> Counter[str]:
            proxy.clear()
            with Session(engine) as session:
                report = call(session)
            if not report.ok:
                raise RuntimeError(report.to_dict())
            return kinds(f"{each.method} {each.path}" for each in proxy.requests)

        table = {}
        for name, (count, prepare, call) in commands(engine, arguments.files, arguments.large).items():
            empty(engine)
            before = counted(call)
            prepare()
            for each in storages.all().values():
                each.exists("nothing")  # at most once a minute that takes a LIST, for the bucket
            found = counted(call)
            print(json.dumps({"figure": name, "files": count, "empty": before, "requests": found}), flush=True)
            del before["LIST"]
            found.subtract(before)
            table[name] = {kind: per_million(kind, number, count) for kind, number in found.items()}
    print_table(table)
    return 0


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000, help="small files; a multiple of 1000")
    parser.add_argument("--large", type=int, default=20, help="files of 2 MiB")
    return parser.parse_args()


def commands(
    engine: Engine, small: int, large: int
) -> dict[str, tuple[int, Callable[[], None], Callable[[Session], Any]]]:
    """Return by name: how many files, what fills the storages, what is measured."""
    now = timedelta(0)

    def filled(storage: str, content: bytes = SMALL, count: int = small) -> Callable[[], None]:
        return lambda: fill(engine, storage, content, count)

    def bare() -> None:
        fill(engine, "first", SMALL, small)
        with engine.begin() as connection:
            left = "'backend', file ->> 'backend', 'filename', 'a.bin', 'to_filename', file ->> 'to_filename'"
            connection.execute(text(f"UPDATE document SET file = json_object({left})"))  # noqa: S608  # no input

    def garbage() -> None:
        fill(engine, "first", SMALL, small)
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM document"))

    def moving(source: str, target: str) -> Callable[[Session], Any]:
        return lambda session: migrate(session, Base, source=source, target=target)

    big = bytes(2 * MIB)
    return {
        "verify": (small, filled("first"), lambda session: verify(session, Base, storages=["first"], grace=now)),
        "verify --deep": (
            small,
            filled("first"),
            lambda session: verify(session, Base, storages=["first"], grace=now, deep=True),
        ),
        "sweep --delete, all is garbage": (
            small,
            garbage,
            lambda session: sweep(session, Base, storages=["first"], grace=now, delete=True, all_keys=True),
        ),
        "migrate, disk to S3": (small, filled("disk"), moving("disk", "first")),
        "migrate, S3 to disk": (small, filled("first"), moving("first", "disk")),
        "migrate, S3 to S3, up to 1 MiB": (small, filled("first"), moving("first", "second")),
        "migrate, S3 to S3, larger": (large, filled("first", big, large), moving("first", "second")),
        "backfill": (small, bare, lambda session: backfill(session, Base)),
        "backfill without checksum": (
            small,
            bare,
            lambda session: backfill(session, Base, fields=("size", "etag", "last_modified")),
        ),
    }


def empty(engine: Engine) -> None:
    """Leave no row and no object."""
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM document"))
    for storage in storages.all().values():
        storage.delete([each.key for each in storage.list()])


def fill(engine: Engine, storage: str, content: bytes, count: int) -> None:
    """Store files."""
    with Session(engine) as session:
        session.add_all(
            Document(file=FileObject(filename="a.bin", content=content, backend=storage)) for _ in range(count)
        )
        session.commit()


def kinds(requests: Iterable[str]) -> Counter[str]:
    """Return how many requests of each kind there are, by how they are charged."""
    return Counter(map(kind_of, requests))


def kind_of(request: str) -> str:
    """Return the kind of one request."""
    method, path = request.split(" ")
    if method == "GET" and re.search(r"[?&](list-type|uploads)\b", path):
        return "LIST"
    if method == "DELETE" or (method == "POST" and re.search(r"[?&]delete\b", path)):
        return "DELETE"
    return "PUT" if method == "POST" else method


def per_million(kind: str, number: int, count: int) -> int:
    """Return how many requests a million files take."""
    return round(number / (max(count, PAGE) if kind in {"LIST", "DELETE"} else count) * MILLION)


def print_table(table: dict[str, dict[str, int]]) -> None:
    """Print requests and dollars for a million files, and dollars for a billion, as Markdown."""
    print("\n| a million files | " + " | ".join(DOLLARS) + " | dollars | a billion |")
    print("|---" * (len(DOLLARS) + 3) + "|")
    for name, found in table.items():
        dollars = sum(DOLLARS[kind] * number / MILLION for kind, number in found.items())
        cells = " | ".join(f"{found[kind]:,}" if found.get(kind) else "" for kind in DOLLARS)
        print(f"| {name} | {cells} | {dollars:,.2f} | {dollars * 1000:,.0f} |")


if __name__ == "__main__":
    sys.exit(main())
