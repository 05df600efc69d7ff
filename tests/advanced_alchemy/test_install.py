"""Holdfast in the place of advanced-alchemy, each time in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = Path("tests/advanced_alchemy/installed")
LONG = "test_storages.py"
SHORT = sorted(path.name for path in (ROOT / FOLDER).glob("test_*.py") if path.name != LONG)


@pytest.mark.s3
@pytest.mark.parametrize("names", [[LONG], SHORT], ids=["storages", "all others"])
def test_installed(names: list[str]) -> None:
    """All tests in `installed` pass there; with CI set none is left out for want of a server."""
    options = ("-q", "-p", "no:cacheprovider", "-p", "no:xdist")
    command = [sys.executable, "-m", "pytest", *options, *(str(FOLDER / name) for name in names)]
    env = os.environ | {"HOLDFAST_INSTALLED": "1"}
    answer = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=300)
    assert answer.returncode == 0, answer.stdout + answer.stderr
