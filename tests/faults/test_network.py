"""Networks that cut, stall, reset and throttle: what was committed has its bytes, and a sweep finds the rest.

HOLDFAST_SOAK=50 makes it fifty rounds, each with a seed of its own.
"""

import asyncio
import os
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import Session

from holdfast import storages
from holdfast.backends.obstore import ObstoreBackend
from holdfast.maintenance import sweep
from tests.faults.outages import QUICK_RETRIES
from tests.faults.workers import WORKERS, State, Worker, data
from tests.faults.world import STORAGE, Base, Document
from tests.servers.ports import HOST
from tests.servers.postgres import Database
from tests.servers.proxy import ChaosProxy
from tests.servers.s3 import S3Bucket

ROUNDS = int(os.environ.get("HOLDFAST_SOAK", "1"))
TIMEOUT = 0.7  # seconds that a client waits for an answer
LONGEST = 30.0  # seconds that any transaction may take


def work_all(workers: list[Worker], url: str) -> None:
    """Let all work at once, in threads."""
    # psycopg has no timeout for an answer: silence ends when the network gives the connection up.
    options = {"connect_timeout": 2, "options": "-c lock_timeout=500"}
    engine = create_engine(url, connect_args=options, pool_timeout=5)
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(worker.work, engine) for worker in workers]:
            done.result()
    engine.dispose()


async def work_all_async(workers: list[Worker], url: str) -> None:
    """Let all work at once, in tasks."""
    options = {"timeout": TIMEOUT, "command_timeout": TIMEOUT, "server_settings": {"lock_timeout": "500"}}
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


def run(seed: str, postgres: Database, bucket: S3Bucket, *, is_async: bool) -> list[Worker]:
    """Let workers do transactions over bad networks; the networks are good again at the end."""
    workers = [Worker(number, random.Random(f"{seed} {number}")) for number in range(WORKERS)]
    server = urlsplit(bucket.server.endpoint)
    socket = f"{postgres.host}/.s.PGSQL.{postgres.port}"
    with (
        ChaosProxy((server.hostname, server.port), f"{seed} s3", mean=300_000, share=0.7) as to_bucket,
        ChaosProxy(
            socket, f"{seed} database", mean=10_000, share=0.7, stall=None if is_async else 2 * TIMEOUT
        ) as to_database,
    ):
        opened(bucket.at(to_bucket.endpoint))
        through = replace(postgres, host=HOST, port=to_database.port)
        if is_async:
            asyncio.run(work_all_async(workers, through.url("asyncpg")))
        else:
            work_all(workers, through.url("psycopg"))
    opened(bucket)
    assert to_bucket.struck
    assert to_database.struck
    return workers


@pytest.fixture
def engine(postgres: Database) -> Iterator[Engine]:
    """The database, by a way that never breaks."""
    made = create_engine(postgres.url("psycopg"))
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


@pytest.mark.parametrize("is_async", [False, True], ids=["psycopg", "asyncpg"])
@pytest.mark.parametrize("number", range(ROUNDS))
def test_bad_networks_lose_nothing(
    engine: Engine, postgres: Database, s3_bucket: S3Bucket, is_async: bool, number: int
) -> None:
    """Errors are clean, time is bounded, each committed row has its bytes, and a sweep leaves nothing else."""
    workers = run(f"{number}", postgres, s3_bucket, is_async=is_async)
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
