"""Migrations of such an application, made by advanced-alchemy's own commands."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

ROOT = Path(__file__).parents[3]
PROGRAM = "tests.advanced_alchemy.applications.migrate"


@pytest.mark.parametrize("driver", ["pysqlite", pytest.param("psycopg", marks=pytest.mark.postgres)])
def test_a_migration(request: pytest.FixtureRequest, tmp_path: Path, driver: str) -> None:
    """It names the library's type as ever, is applied, and leaves no drift."""
    if driver == "pysqlite":
        url = f"sqlite:///{tmp_path}/application.db"
    else:
        url = request.getfixturevalue("postgres").url(driver)
    command = [sys.executable, "-m", PROGRAM, str(tmp_path), url]
    ended = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "No new upgrade operations detected" in ended.stdout + ended.stderr
    (script,) = (tmp_path / "migrations" / "versions").glob("*_first.py")
    text = script.read_text()
    assert "sa.Column('pages', sa.StoredObject(backend='documents', multiple=True), nullable=True)" in text
    assert "from advanced_alchemy.types import" in text
    assert "holdfast" not in text
    assert len([path for path in (tmp_path / "files").rglob("*") if path.is_file()]) == 1
    engine = create_engine(url)
    kinds = {column["name"]: str(column["type"]) for column in inspect(engine).get_columns("documents")}
    assert kinds["file"] == kinds["pages"] == ("JSON" if driver == "pysqlite" else "JSONB")
    engine.dispose()
