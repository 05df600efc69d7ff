"""Random transactions find no lost file and no leak, on each database driver."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.orm.model.driver import Driver, opened
from tests.orm.model.operations import Transaction
from tests.orm.model.schema import Mode
from tests.orm.model.strategies import transactions

PER_RUN = 5
"""Transactions of one run, in one session."""

WANTED = int(os.environ.get("HOLDFAST_MODEL_TRANSACTIONS", "0"))
"""Transactions for each driver and mode: random ones. Without it a few, the same each time."""

FEW = 50
"""How many that is."""

DRIVERS = {
    "sqlite": ("pysqlite", "aiosqlite"),
    "postgres": ("psycopg", "psycopg_async", "asyncpg"),
    "mariadb": ("pymysql", "asyncmy"),
}
"""By database, or its fixture; the first one is sync."""

PARAMS = [
    pytest.param((database, name), id=name, marks=() if database == "sqlite" else getattr(pytest.mark, database))
    for database, names in DRIVERS.items()
    for name in names
]


@pytest.fixture(params=Mode, ids=lambda mode: mode.value)
def mode(request: pytest.FixtureRequest) -> Mode:
    """Each way to know what is to be deleted."""
    chosen: Mode = request.param
    return chosen


@pytest.fixture(params=PARAMS)
def driver(request: pytest.FixtureRequest, tmp_path: Path, mode: Mode) -> Iterator[Driver]:
    """Each database driver, over an empty database."""
    database, name = request.param
    sync = DRIVERS[database][0]
    if database == "sqlite":
        path = f"{tmp_path}/model.db"
        urls = f"sqlite+{name}:///{path}", f"sqlite:///{path}"
    else:
        server = request.getfixturevalue(database)
        urls = server.url(name), server.url(sync)
    with opened(*urls, is_async=name != sync, mode=mode) as opened_driver:
        yield opened_driver


def test_rows_and_bytes_share_one_fate(driver: Driver, mode: Mode) -> None:
    """After each root transaction, however it ended, rows and storages hold what the model says."""
    counted = 0

    @settings(
        max_examples=-(-(WANTED or FEW) // PER_RUN),
        derandomize=not WANTED,
        deadline=None,
        print_blob=True,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(transactions(mode), min_size=PER_RUN, max_size=PER_RUN), st.booleans())
    def run(plan: list[Transaction], expire_on_commit: bool) -> None:
        nonlocal counted
        driver.run(plan, expire_on_commit=expire_on_commit)
        counted += len(plan)

    run()
    assert counted >= WANTED
