"""What advanced-alchemy's own tests run with instead of its conftest: Holdfast in its place, and servers of ours.

A plugin of a pytest that runs in a process of its own, where the name `tests` is the other library's.
"""

import json
import os
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from advanced_alchemy.config.common import GenericSQLAlchemyConfig
from sqlalchemy import Engine, NullPool, create_engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from holdfast.contrib import advanced_alchemy

advanced_alchemy.install()

URLS = json.loads(os.environ["HOLDFAST_ALCHEMY_DATABASE"])
S3 = json.loads(os.environ["HOLDFAST_ALCHEMY_S3"])
OUTCOMES = Path(os.environ["HOLDFAST_ALCHEMY_OUTCOMES"])
# After site-packages: the tests are to meet the library that is installed.
sys.path.append(os.environ["HOLDFAST_ALCHEMY_SOURCES"])


class RustfsService:
    """An S3 server, as the plugin that their tests use describes one."""

    endpoint, access_key, secret_key, secure = S3["endpoint"], S3["access_key"], S3["secret_key"], False


def stand_in(name: str, **names: Any) -> None:
    """Let a package that their tests import, and that starts containers, be this file."""
    module = types.ModuleType(name)
    vars(module).update(names)
    sys.modules[name] = module


stand_in("pytest_asyncio", fixture=pytest.fixture)
for package in ("pytest_databases", "pytest_databases.docker"):
    stand_in(package)
stand_in("pytest_databases.docker.rustfs", RustfsService=RustfsService)


@pytest.fixture(scope="session")
def rustfs_service() -> RustfsService:
    """The S3 server."""
    return RustfsService()


@pytest.fixture(scope="session")
def rustfs_default_bucket_name() -> str:
    """A bucket that is there."""
    return S3["bucket"]


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests on asyncio only."""
    return "asyncio"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """The database, as sync code has it."""
    engine = create_engine(URLS["sync"].format(folder=tmp_path), poolclass=NullPool)
    yield engine
    engine.dispose()


@pytest.fixture
def async_engine(tmp_path: Path) -> AsyncEngine:
    """The database, as async code has it."""
    return create_async_engine(URLS["async"].format(folder=tmp_path), poolclass=NullPool)


@pytest.fixture(autouse=True)
def _async_engine(request: pytest.FixtureRequest) -> None:
    # Their fixture looks for the name among those that are there already.
    if "async_db_engine" in request.fixturenames:
        request.getfixturevalue("async_engine")


@pytest.fixture(autouse=True)
def _fresh_names() -> Iterator[None]:
    # What their configurations count.
    yield
    for name in ("SESSION_SCOPE", "ENGINE_APP_STATE", "SESSIONMAKER_APP_STATE"):
        setattr(GenericSQLAlchemyConfig, f"_{name}_KEY_REGISTRY", set())


def pytest_configure(config: pytest.Config) -> None:
    """Know their marks."""
    for name in ("integration", "unit", "asyncio", "xdist_group", "flaky"):
        config.addinivalue_line("markers", f"{name}: theirs")


outcomes: dict[str, str] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note how each test ended; one that failed in any of its phases has failed."""
    if report.when == "call" or report.outcome != "passed":
        outcome = "failed" if outcomes.get(report.nodeid) == "failed" else report.outcome
        outcomes[report.nodeid] = outcome


def pytest_sessionfinish() -> None:
    """Write it down for whoever has started this."""
    OUTCOMES.write_text(json.dumps(outcomes), encoding="utf-8")
