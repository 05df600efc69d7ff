"""Networks that cut, stall, reset and throttle: what was committed has its bytes, and a sweep finds the rest.

HOLDFAST_SOAK=50 makes it fifty rounds, each with a seed of its own.
"""

import asyncio
import os
import random
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import Session

from holdfast import storages
from holdfast.backends.obstore import ObstoreBackend
from holdfast.maintenance import sweep
from holdfast.testing.s3 import S3Bucket
from tests.faults.outages import QUICK_RETRIES
from tests.faults.workers import WORKERS, State, Worker, data
from tests.faults.world import STORAGE, Base, Document
from tests.servers import mariadb, postgres
from tests.servers.ports import HOST
from tests.servers.proxy import ChaosProxy

ROUNDS = int(os.environ.get("HOLDFAST_SOAK", "1"))
TIMEOUT = 0.7  # seconds that a client waits for an answer
LONGEST = 30.0  # seconds that any transaction may take
LOCKS = "SET innodb_lock_wait_timeout = 1"
OPTIONS = {
    # psycopg has no timeout for an answer: silence ends when the network gives the connection up.
    "psycopg": {"connect_timeout": 2, "options": "-c lock_timeout=500"},
    "asyncpg": {"timeout": TIMEOUT, "command_timeout": TIMEOUT, "server_settings": {"lock_timeout": "500"}},
    "pymysql": {"connect_timeout": TIMEOUT, "read_timeout": TIMEOUT, "write_timeout": TIMEOUT, "init_command": LOCKS},
    "asyncmy": {"connect_timeout": TIMEOUT, "read_timeout": TIMEOUT, "init_command": LOCKS},
}
"""Of each driver: when it gives up an answer or a lock."""

Database: TypeAlias = mariadb.Database | postgres.Database


def work_all(workers: list[Worker], url: str, options: Mapping[str, Any]) -> None:
    """Let all work at once, in threads."""
    engine = create_engine(url, connect_args=options, pool_timeout=5)
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(worker.work, engine) for worker in workers]:
            done.result()
    engine.dispose()


async def work_all_async(workers: list[Worker], url: str, options: Mapping[str, Any]) -> None:
    """Let all work at once, in tasks."""
    engine = create_async_engine(url, connect_args=options, pool_timeout=5)
    await asyncio.gather(*(worker.work_async(engine) for worker in workers))
    await engine.dispose()


def opened(bucket: S3Bucket) -> ObstoreBackend:
    """Open a bucket with timeouts."""
    options = {name: value for name, value in bucket.obstore.items() if name != "bucket"}
    options["client_options"] |= {"connect_timeout": "1s", "timeout": "5s", "read_timeout": f"{int(TIMEOUT * 1000)}ms"}
    return storages.register_backend(
        ObstoreBackend(STORAGE, f"s3://{bucket.name}", **options, retry_config=QUICK_RETRIES)
    )


def run(seed: str, database: Database, bucket: S3Bucket, driver: str) -> list[Worker]:
    """Let workers do transactions over bad networks; the networks are good again at the end."""
    workers = [Worker(number, random.Random(f"{seed} {number}")) for number in range(WORKERS)]
    server = urlsplit(bucket.server.endpoint)
    stall = 2 * TIMEOUT if driver == "psycopg" else None
    with (
        ChaosProxy((server.hostname, server.port), f"{seed} s3", mean=300_000, share=0.7) as to_bucket,
        ChaosProxy(database.socket, f"{seed} database", mean=10_000, share=0.7, stall=stall) as to_database,
    ):
        opened(bucket.at(to_bucket.endpoint))
        url = replace(database, host=HOST, port=to_database.port).url(driver)
        if driver.startswith("async"):
            asyncio.run(work_all_async(workers, url, OPTIONS[driver]))
        else:
            work_all(workers, url, OPTIONS[driver])
    opened(bucket)
    assert to_bucket.struck
    assert to_database.struck
    return workers


@pytest.fixture(
    params=[
        pytest.param("psycopg", marks=pytest.mark.postgres),
        pytest.param("asyncpg", marks=pytest.mark.postgres),
        pytest.param("pymysql", marks=pytest.mark.mariadb),
        pytest.param("asyncmy", marks=pytest.mark.mariadb),
    ]
)
def driver(request: pytest.FixtureRequest) -> str:
    """The driver whose connections break."""
    return request.param


@pytest.fixture
def database(request: pytest.FixtureRequest, driver: str) -> Database:
    """A database that it can reach."""
    return request.getfixturevalue("postgres" if driver in {"psycopg", "asyncpg"} else "mariadb")


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """The database, by a way that never breaks."""
    made = create_engine(database.url("psycopg" if isinstance(database, postgres.Database) else "pymysql"))
    Base.metadata.create_all(made)
    yield made
    made.dispose()
    storages._backends.pop(STORAGE, None)


def found(session: Session) -> dict[int, State]:
    """Return what the rows hold, having compared each byte."""
    states: dict[int, State] = {}
    for document in session.scalars(select(Document)):
        numbers = []
        for each in [document.file, *document.pages]:
            number = each.metadata["number"]
            assert each.get_content() == data(number)
            numbers.append(number)
        states[document.id] = numbers[0], tuple(numbers[1:])
    return states


@pytest.mark.parametrize("number", range(ROUNDS))
def test_bad_networks_lose_nothing(
    engine: Engine, database: Database, driver: str, s3_bucket: S3Bucket, number: int
) -> None:
    """Errors are clean, time is bounded, each committed row has its bytes, and a sweep leaves nothing else."""
    workers = run(f"{number}", database, s3_bucket, driver)
    assert not [error for worker in workers for error in worker.unclean]
    assert max(worker.longest for worker in workers) < LONGEST
    assert all(worker.committed for worker in workers)
    with Session(engine) as session:
        rows = found(session)
        for worker in workers:
            assert {row: rows.get(row) for row in worker.known} == worker.known
            assert all(rows.get(row) in states for row, states in worker.unknown.items())
        known = {row for worker in workers for row in (*worker.known, *worker.unknown)}
        assert rows.keys() <= known
        sweep(session, Base.metadata, grace=timedelta(0), delete=True)
        assert found(session) == rows
    assert len(s3_bucket.keys()) == sum(1 + len(state[1]) for state in rows.values() if state)
    assert s3_bucket.uploads() == 0
