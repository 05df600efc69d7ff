"""Random transactions find no lost file and no leak, on each database driver."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.orm.model.driver import Driver, opened
from tests.orm.model.operations import Transaction
from tests.orm.model.strategies import transactions

PER_RUN = 5
"""Transactions of one run, in one session."""

WANTED = int(os.environ.get("HOLDFAST_MODEL_TRANSACTIONS", "0"))
"""Transactions for each driver: random ones. Without it a few, the same each time."""

DRIVERS = ["pysqlite", "aiosqlite", "psycopg", "psycopg_async", "asyncpg"]


@pytest.fixture(params=DRIVERS)
def driver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Driver]:
    """Each database driver, over an empty database."""
    name = request.param
    if name.endswith("sqlite"):
        path = f"{tmp_path}/model.db"
        urls = f"sqlite+{name}:///{path}", f"sqlite:///{path}"
    else:
        postgres = request.getfixturevalue("postgres")
        urls = postgres.url(name), postgres.url("psycopg")
    with opened(*urls, is_async=name not in {"pysqlite", "psycopg"}) as opened_driver:
        yield opened_driver


def test_rows_and_bytes_share_one_fate(driver: Driver) -> None:
    """After each root transaction, however it ended, rows and storages hold what the model says."""
    counted = 0

    @settings(
        max_examples=-(-(WANTED or 300) // PER_RUN),
        derandomize=not WANTED,
        deadline=None,
        print_blob=True,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(transactions(), min_size=PER_RUN, max_size=PER_RUN), st.booleans())
    def run(plan: list[Transaction], expire_on_commit: bool) -> None:
        nonlocal counted
        driver.run(plan, expire_on_commit=expire_on_commit)
        counted += len(plan)

    run()
    assert counted >= WANTED
