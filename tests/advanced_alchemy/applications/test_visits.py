"""Applications of the documents, with advanced-alchemy's own imports, run on Holdfast by one added line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
PROGRAM = "tests.advanced_alchemy.applications.visit"

CASES = [
    ("litestar", "async", "client", "aiosqlite"),
    ("litestar", "sync", "client", "pysqlite"),
    ("litestar", "async", "server", "asyncpg"),
    ("fastapi", "async", "client", "aiosqlite"),
    ("fastapi", "sync", "client", "pysqlite"),
    ("fastapi", "async", "server", "asyncpg"),
    ("starlette", "async", "client", "aiosqlite"),
    ("starlette", "async", "server", "aiosqlite"),
    ("flask", "sync", "client", "pysqlite"),
    ("flask", "sync", "server", "psycopg"),
]


def visit(request: pytest.FixtureRequest, folder: Path, driver: str, **arguments: Any) -> dict[str, Any]:
    """Visit an application in a process of its own."""
    if driver.endswith("sqlite"):
        database = f"sqlite+{driver}:///{folder}/application.db"
    else:
        database = request.getfixturevalue("postgres").url(driver)
    given = {"folder": str(folder), "database": database, **arguments}
    command = [sys.executable, "-m", PROGRAM, json.dumps(given)]
    ended = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    steps: dict[str, Any] = json.loads((folder / "steps.json").read_text())
    return steps


def _case(framework: str, world: str, how: str, driver: str) -> Any:
    marks = () if driver.endswith("sqlite") else (pytest.mark.postgres,)
    case = {"framework": framework, "world": world, "how": how, "driver": driver}
    return pytest.param(case, marks=marks, id=f"{framework}-{world}-{how}")


@pytest.mark.parametrize("case", [_case(*case) for case in CASES])
def test_an_application(request: pytest.FixtureRequest, tmp_path: Path, case: dict[str, str]) -> None:
    """Upload, download, replacement, refusal and deletion: each object is stored once and deleted once."""
    steps = visit(request, tmp_path, **case)
    seen = {name: (step["status"], step["stored"], step["put"], step["delete"]) for name, step in steps.items()}
    assert seen["upload"] == (201, ["hello"], 1, 0)
    assert json.loads(steps["upload"]["text"])["size"] == 5
    assert seen["download"] == (200, ["hello"], 0, 0)
    assert (steps["download"]["text"], steps["download"]["type"]) == ("hello", "text/plain")
    assert seen["replace"] == (200, ["newer"], 1, 1)
    assert (steps["download again"]["text"], steps["download again"]["type"]) == ("newer", "text/csv")
    assert seen["fail"] == (404, ["newer"], 1, 1)
    others = ["hello", "hello", "p"] if "model" in steps else []
    assert seen["delete"] == (204, others, 0, 1)
    assert seen["gone"][0] >= 400
    if "model" in steps:
        assert seen["model"] == (201, ["hello", "newer", "p"], 2, 0)
        assert json.loads(steps["model"]["text"]).keys() == {"id", "title", "created_at"}
        titles = {document["title"] for document in json.loads(steps["list"]["text"])}
        assert titles == {"hello.txt"}
        answered = json.loads(steps["answered"]["text"])
        assert (answered["title"], answered["file"]["filename"], answered["file"]["size"]) == (
            "hello.txt",
            "hello.txt",
            5,
        )
