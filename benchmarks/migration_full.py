"""A migration from a disk to S3 that is killed twice while rows change: how fast it is, and that all arrives.

PostgreSQL has the rows. At a third and at two thirds of the files the migrating process is killed; all along, other
rows are given new files and deleted. At the end every file is read and compared.

    python benchmarks/migration_full.py [--small 100000] [--large 20] [--mib 128] [--server rclone|ministack]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, StorageBackend, StoredObject, storages
from holdfast.backends.obstore import ObstoreBackend
from holdfast.drivers.local import LocalDriver
from holdfast.maintenance import migrate, sweep, verify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.maintenance import MigrateReport, Progress

ROOT = Path(__file__).parents[1]
MIB = 1024 * 1024
PORTION = 2000
KILLS = 2
CHANGED = 50


class Base(DeclarativeBase):
    """The tables."""


class Document(Base):
    """A row with a file."""

    __tablename__ = "document"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="disk"))


def main() -> int:
    """Fill, migrate with interruptions, verify; return 1 if anything is not as it should be."""
    arguments = parse()
    if arguments.work:
        return work(json.loads(arguments.work))
    sys.path.insert(0, str(ROOT))
    from tests.servers import postgres, s3  # noqa: PLC0415  # the migrating process needs only their addresses
    from tests.servers.shared import open_run  # noqa: PLC0415

    close = open_run()
    try:
        with tempfile.TemporaryDirectory() as folder, postgres.postgres_server().database() as database:
            bucket = getattr(s3, arguments.server)().make_bucket()
            site = {"url": database.url("psycopg"), "folder": folder, "s3": [bucket.url, bucket.options]}
            return measure(site, arguments)
    finally:
        close()


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", type=int, default=100_000)
    parser.add_argument("--large", type=int, default=20)
    parser.add_argument("--mib", type=int, default=128)
    parser.add_argument("--server", default="rclone", choices=["rclone", "ministack"])
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--work", help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(site: dict[str, Any], arguments: argparse.Namespace) -> int:
    """Do it all, and print figures."""
    engine = register(site)
    Base.metadata.create_all(engine)
    chance = random.Random(6)  # noqa: S311  # the same files each time
    expected = fill(engine, contents(chance, arguments))
    show("filled", files=len(expected))
    begun = time.monotonic()
    kills, reports = 0, []
    for part in range(KILLS + 1):
        # Both of rows that have moved and of rows that have not.
        changes = change(engine, expected, chance)
        limit = len(expected) * (part + 1) // (KILLS + 1) if part < KILLS else None
        reports.append(run(site | {"concurrency": arguments.concurrency}, limit, changes))
        kills += reports[-1] is None
    seconds = time.monotonic() - begun
    report = reports[-1]
    show(
        "migrated", kills=kills, seconds=round(seconds, 1), files_per_second=round(len(expected) / seconds), last=report
    )
    return check(engine, expected)


def register(site: dict[str, Any]) -> Any:
    """Register both storages, and return the database."""
    storages.register_backend(StorageBackend("disk", LocalDriver(Path(site["folder"]) / "disk", durable=False)))
    url, options = site["s3"]
    storages.register_backend(ObstoreBackend("cloud", url, **options))
    return create_engine(site["url"])


def contents(chance: random.Random, arguments: argparse.Namespace) -> Iterator[bytes]:
    """Yield what the files hold; the large ones lie among the small ones."""
    every = max(arguments.small // max(arguments.large, 1), 1)
    large = arguments.large
    for number in range(arguments.small):
        if number % every == every // 2 and large:
            large -= 1
            yield chance.randbytes(MIB) * arguments.mib + b"%d" % number
        yield chance.randbytes(chance.randrange(1024, 16 * 1024))


def fill(engine: Any, made: Iterator[bytes]) -> dict[int, str]:
    """Store them, and return the checksum of each by the number of its row."""
    expected: dict[int, str] = {}
    portion: list[bytes] = []

    def store() -> None:
        with Session(engine) as session:
            rows = [Document(file=FileObject(filename="a.bin", content=content)) for content in portion]
            session.add_all(rows)
            session.flush()
            expected.update((row.id, checksum(content)) for row, content in zip(rows, portion, strict=True))
            session.commit()
        portion.clear()

    for content in made:
        portion.append(content)
        if len(portion) == PORTION or len(content) > MIB:
            store()
    store()
    return expected


def change(engine: Any, expected: dict[int, str], chance: random.Random) -> Iterator[None]:
    """Give rows new files and delete others, one at each step."""
    for number in chance.sample(sorted(expected), min(CHANGED, len(expected) // 10)):
        with Session(engine) as session:
            row = session.get_one(Document, number)
            if number % 2:
                session.delete(row)
                del expected[number]
            else:
                content = chance.randbytes(5000)
                row.file = FileObject(filename="new.bin", content=content)
                expected[number] = checksum(content)
            session.commit()
        yield


def run(site: dict[str, Any], limit: int | None, changes: Iterator[None]) -> Any:
    """Migrate in a process of its own until so many rows have moved; return its report, None if it was killed."""
    command = [sys.executable, __file__, "--work", json.dumps(site)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # noqa: S101  # it is a pipe
        for line in process.stdout:
            step = json.loads(line)
            next(changes, None)
            if "report" in step:
                for _ in changes:
                    pass
                process.wait()
                return step["report"]
            if limit is not None and step["moved"] >= limit:
                os.kill(process.pid, signal.SIGKILL)
    for _ in changes:
        pass
    return None


def work(site: dict[str, Any]) -> int:
    """Migrate, and tell on stdout how far it is."""
    engine = register(site)
    counting = select(func.count()).where(Document.file["backend"].as_string() == "cloud")
    before = 0
    with Session(engine) as session:
        before = session.scalar(counting) or 0
        session.rollback()

        def told(step: Progress) -> None:
            if step.phase == "rows":
                print(json.dumps({"moved": before + step.done}), flush=True)

        report: MigrateReport = migrate(
            session, Base, source="disk", target="cloud", concurrency=site["concurrency"], progress=told
        )
    print(json.dumps({"report": report.to_dict()["counts"] | {"ok": report.ok, "seconds": report.seconds}}), flush=True)
    return 0


def check(engine: Any, expected: dict[int, str]) -> int:
    """Read everything in the new storage; return 1 if something is wrong."""
    # Rows that were given another file after they had moved, by a process that was killed then.
    with Session(engine) as session:
        report = migrate(session, Base, source="disk", target="cloud")
        show("again", ok=report.ok, counts=dict(report.counts))
        begun = time.monotonic()
        verified = verify(session, Base, deep=True, grace=timedelta(0))
        show("verified", ok=verified.ok, seconds=round(time.monotonic() - begun, 1), counts=dict(verified.counts))
        swept = sweep(session, Base, storages=["disk", "cloud"], grace=timedelta(0), delete=True)
        show("swept", counts=dict(swept.counts))
        query = select(Document.id, Document.file).execution_options(yield_per=PORTION)
        # The bytes have the checksums of the rows, as was seen above.
        wrong = sum(file.checksum != expected.pop(number) for number, file in session.execute(query))
    left = len(list(storages.get("disk").list()))
    show("checked", wrong=wrong, lost=len(expected), left_on_disk=left)
    return int(bool(wrong or expected or left or not verified.ok))


def checksum(content: bytes) -> str:
    """Return a checksum as rows hold it."""
    return f"sha256:{sha256(content).hexdigest()}"


def show(what: str, **figures: Any) -> None:
    """Print figures."""
    print(json.dumps({what: figures}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
