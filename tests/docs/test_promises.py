"""Each sentence of "What Holdfast promises" names a test, and each test that it names exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "promises.md").read_text()
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


@pytest.mark.parametrize("path", sorted({path for path, _ in TEST.findall(PAGE)}))
def test_the_tests_exist(path: str) -> None:
    """A test that was renamed is renamed on the page."""
    tree = ast.parse((ROOT / path).read_text())
    defined = {node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}
    assert {name for found, name in TEST.findall(PAGE) if found == path} <= defined


def test_every_sentence_has_one() -> None:
    """A promise without a test is a hope."""
    rows = re.findall(r"^\| (?!---|Promise)(.*?) \| (.*?) \|$", PAGE, re.MULTILINE)
    assert len(rows) > 30
    assert [promise for promise, tests in rows if not TEST.search(tests)] == []
