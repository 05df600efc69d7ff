"""Where campaigns take place: each database with each kind of storage and of outbox."""

from __future__ import annotations

import tempfile
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.crash.campaign import BrokenPromiseError, Campaign
from tests.crash.mutants import MUTANTS
from tests.crash.places import LocalPlace, Place, S3Place
from tests.crash.process import Site
from tests.crash.schema import STORAGES, make_schema
from tests.servers import s3
from tests.servers.mariadb import mariadb_server
from tests.servers.postgres import postgres_server

DATABASES = ("sqlite", "postgres", "mariadb")
DRIVERS = {"postgres": ("psycopg", "psycopg_async"), "mariadb": ("pymysql", "asyncmy")}
PLACES = ("disk", "ministack", "rclone")
OUTBOXES = ("none", "plain", "triggers")
COMBINATIONS = [f"{base}+{place}+{outbox}" for base in DATABASES for place in PLACES for outbox in OUTBOXES]


class Outcome(NamedTuple):
    """What one campaign came to: how many processes were killed where, and what was found broken."""

    kills: Counter[str]
    broken: str | None


def run(name: str, options: Namespace) -> Outcome:
    """Run one campaign."""
    with (
        MUTANTS[options.mutant](),
        tempfile.TemporaryDirectory(prefix="holdfast-crash-") as folder,
        _site(name, Path(folder)) as site,
    ):
        campaign = Campaign(site, f"{options.seed} {name}", Path(folder), options.anywhere)
        try:
            campaign.run(options.rounds)
        except BrokenPromiseError as error:
            again = f"python -m tests.crash {name} --seed {options.seed} --rounds {options.rounds}"
            again += " --anywhere" * options.anywhere
            again += f" --mutant {options.mutant}" if options.mutant != "none" else ""
            return Outcome(campaign.kills, f"{error}\nagain: {again}")
        return Outcome(campaign.kills, None)


@contextmanager
def _site(name: str, folder: Path) -> Iterator[Site]:
    base, place, outbox = name.split("+")
    server = {"disk": lambda: None, "ministack": s3.ministack, "rclone": s3.rclone}[place]()
    places: dict[str, Place] = {
        storage: LocalPlace(folder / storage) if server is None else S3Place(server.make_bucket())
        for storage in STORAGES
    }
    schema = make_schema(None if outbox == "none" else outbox)
    behind = outbox != "plain"
    if base == "sqlite":
        path = folder / "rows.db"
        yield Site(schema, f"sqlite:///{path}", f"sqlite+aiosqlite:///{path}", lambda: None, places, behind)
        return
    sync, async_ = DRIVERS[base]
    lend = postgres_server().database() if base == "postgres" else mariadb_server().database()
    with lend as database:
        yield Site(schema, database.url(sync), database.url(async_), database.end_others, places, behind)
