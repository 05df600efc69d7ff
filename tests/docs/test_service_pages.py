"""The pages on services: their examples reach a real server, and the messages they show are the real ones."""

import doctest
import os
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

import tests.companions  # noqa: F401  # what an example imports must not warn for the first time there
from tests.docs.environments import PAGES
from tests.docs.test_examples import ROOT, run, storages_as_they_were  # noqa: F401  # a fixture

FOLDER = ROOT / "docs" / "services"
MESSAGES = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
OTHERS = ("AWS_", "AZURE_", "GOOGLE_", "GCSFS_", "STORAGE_", "SSH_AUTH_SOCK")  # variables of whoever runs the tests


@pytest.mark.parametrize("name", PAGES)
def test_page(name: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python blocks of a page run, one after the other, in the environment that it speaks of."""
    for variable in os.environ:
        if variable.startswith(OTHERS):
            monkeypatch.delenv(variable)
    for variable, value in PAGES[name](request, tmp_path).items():
        monkeypatch.setenv(variable, value)
    monkeypatch.chdir(tmp_path)
    run(Sybil([PythonCodeBlockParser(doctest_optionflags=MESSAGES)]), FOLDER / name)


def test_every_page_runs() -> None:
    """All but the table, which has no examples."""
    assert {page.name for page in FOLDER.glob("*.md")} - {"abilities.md"} == set(PAGES)
