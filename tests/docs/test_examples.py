"""Every example in the README, the docs and the docstrings runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.document import PythonDocStringDocument
from sybil.parsers.markdown import PythonCodeBlockParser
from sybil.parsers.rest import DocTestParser

import tests.companions  # noqa: F401  # what an example imports must not warn for the first time there
from holdfast import storages

ROOT = Path(__file__).parents[2]
# Those on services need servers: test_service_pages.
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs/frameworks").glob("*.md")),
    *sorted((ROOT / "docs/moving").glob("*.md")),
]
MODULES = [path for path in sorted((ROOT / "src").rglob("*.py")) if ">>>" in path.read_text()]


@pytest.fixture(autouse=True)
def storages_as_they_were() -> Iterator[None]:
    """Leave no storage of an example behind, and nobody who signs."""
    before, signing = dict(storages.all()), storages.signed_urls
    yield
    storages._backends.clear()
    storages._backends.update(before)
    storages.signed_urls = signing


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_page(path: Path) -> None:
    """The Python blocks of a page run, one after the other."""
    run(Sybil([PythonCodeBlockParser()]), path)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_docstrings(path: Path) -> None:
    """The examples in a module's docstrings run and print what they say."""
    run(Sybil([DocTestParser()], document_types={".py": PythonDocStringDocument}), path)


def run(sybil: Sybil, path: Path) -> None:
    """Run the examples of a file."""
    for example in sybil.parse(path).examples():
        # The modules postpone their annotations; a user's script does not.
        example.document.namespace.pop("annotations", None)
        example.document.namespace.setdefault("__name__", "__main__")
        example.evaluate()
