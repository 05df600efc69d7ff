"""advanced-alchemy's own tests of files, with Holdfast in its place."""

import json
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from holdfast.testing.s3 import S3Bucket
from tests.advanced_alchemy.own_tests.differences import DIFFERENCES, INTEGRATION

HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / f".venv/advanced-alchemy/sources/advanced_alchemy-{version('advanced-alchemy')}"
INTEGRATION_TESTS = "tests/integration/test_file_object.py"
EXTENSIONS = "tests/unit/test_extensions"
# All that have to do with files, but for Sanic's, which is not among the frameworks here.
TESTS = (
    f"{EXTENSIONS}/test_litestar/test_init_plugin/test_common.py",
    f"{EXTENSIONS}/test_litestar/test_init_plugin/test_asyncio_listeners.py",
    f"{EXTENSIONS}/test_litestar/test_init_plugin/test_sync_listeners.py",
    f"{EXTENSIONS}/test_fastapi/test_listeners.py",
    f"{EXTENSIONS}/test_flask_listeners.py",
    f"{EXTENSIONS}/test_starlette_listeners.py",
    "tests/unit/test_config/test_async_config.py",
    "tests/unit/test_config/test_sync_config.py",
    "tests/unit/test_base.py",
    "tests/unit/test_file_object.py",
    INTEGRATION_TESTS,
)


@pytest.fixture
def sources() -> Path:
    """Where the library's tests are."""
    if not SOURCES.exists():
        told = f"{SOURCES} is missing: make test downloads it"
        pytest.fail(told) if os.environ.get("CI") else pytest.skip(told)
    return SOURCES


def run(sources: Path, folder: Path, urls: dict[str, str], bucket: S3Bucket, tests: tuple[str, ...]) -> dict[str, str]:
    """Run tests of the library in a process where Holdfast is installed in its place, and return how each ended."""
    server, outcomes = bucket.server, folder / "outcomes.json"
    place: dict[str, Any] = {
        "endpoint": server.endpoint.removeprefix("http://"),
        "access_key": server.access_key,
        "secret_key": server.secret_key,
        "bucket": bucket.name,
    }
    environment = {
        "PYTHONPATH": str(HERE / "own_tests"),
        "HOLDFAST_ALCHEMY_DATABASE": json.dumps(urls),
        "HOLDFAST_ALCHEMY_S3": json.dumps(place),
        "HOLDFAST_ALCHEMY_SOURCES": str(sources),
        "HOLDFAST_ALCHEMY_OUTCOMES": str(outcomes),
    }
    options = ("-q", "-W", "ignore", "-c", os.devnull, "--rootdir", str(sources), "--noconftest")
    plugins = ("-p", "installed_plugin", "-p", "no:cacheprovider", "-p", "no:xdist", "-o", "anyio_mode=auto")
    command = [sys.executable, "-m", "pytest", *options, *plugins, "--import-mode=importlib", *tests]
    answer = subprocess.run(
        command, cwd=sources, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert outcomes.exists(), answer.stdout + answer.stderr
    # An anyio backend is a part of the name.
    found = json.loads(outcomes.read_text(encoding="utf-8"))
    return {name.removesuffix("[asyncio]"): outcome for name, outcome in found.items()}


def compare(found: dict[str, str], differences: set[str]) -> None:
    """Let exactly the tests that are listed fail, and none be left out."""
    assert {name for name, outcome in found.items() if outcome == "failed"} == differences
    assert {name: outcome for name, outcome in found.items() if outcome not in {"passed", "failed"}} == {}


@pytest.mark.s3
def test_their_tests(sources: Path, tmp_path: Path, s3_bucket: S3Bucket) -> None:
    """All of them on SQLite."""
    urls = {"sync": "sqlite:///{folder}/test.db", "async": "sqlite+aiosqlite:///{folder}/test.db"}
    found = run(sources, tmp_path, urls, s3_bucket, TESTS)
    compare(found, set(DIFFERENCES))
    assert len(found) > 200


@pytest.mark.s3
@pytest.mark.postgres
def test_their_tests_on_postgresql(sources: Path, tmp_path: Path, s3_bucket: S3Bucket, postgres: Any) -> None:
    """Those with a database on another one."""
    urls = {"sync": postgres.url("psycopg"), "async": postgres.url("asyncpg")}
    found = run(sources, tmp_path, urls, s3_bucket, (INTEGRATION_TESTS,))
    compare(found, {name for name in DIFFERENCES if name.startswith(INTEGRATION)})
