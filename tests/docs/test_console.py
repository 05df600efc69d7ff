"""The shell sessions in the documentation run, and print what they say."""

import fnmatch
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.test_examples import PAGES

FILE = re.compile(r'```\w+ title="([^"]+)"\n(.*?)```', re.DOTALL)
CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)
WITH_CONSOLE = [page for page in PAGES if CONSOLE.search(page.read_text())]


@pytest.mark.parametrize("page", WITH_CONSOLE, ids=lambda page: page.name)
def test_console(page: Path, tmp_path: Path) -> None:
    """Each command, in a folder with the files that the page shows; … stands for anything."""
    text = page.read_text()
    for name, content in FILE.findall(text):
        (tmp_path / name).write_text(content)
    programs = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": "."}
    for command, expected in steps("".join(CONSOLE.findall(text))):
        done = subprocess.run(
            command.replace("holdfast", f"{sys.executable} -m holdfast.cli", 1),
            shell=True,
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,  # in the order of a terminal
            text=True,
            check=False,
        )
        printed = done.stdout
        pattern = expected.replace("[", "[[]").replace("…", "*").strip() or "*"
        assert "Traceback" not in printed, printed
        assert fnmatch.fnmatchcase(printed.strip(), pattern), f"{command} printed:\n{printed}"


def steps(text: str) -> list[tuple[str, str]]:
    """Return the commands of a session, each with what it is to print."""
    parts = re.split(r"^\$ (.*)\n", text, flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def test_there_are_some() -> None:
    """The pages with shell sessions are found, and their commands."""
    names = {page.name for page in WITH_CONSOLE}
    assert names >= {"configuration.md", "operations.md", "wrappers.md", "other-libraries.md"}
    assert steps("$ a b\nx\n…\n$ c\n") == [("a b", "x\n…\n"), ("c", "")]
