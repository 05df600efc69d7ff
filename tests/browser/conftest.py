"""The gallery as its users start it, and Chromium to look at it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright

from tests.browser import samples
from tests.servers.ports import free_port

ROOT = Path(__file__).parents[2]
FLAGS = [
    "--no-sandbox",  # which root has none of
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def gallery(folder: Path, *arguments: str) -> Iterator[str]:
    """Run `serve.py` in a folder; yield the page's address."""
    address = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, str(ROOT / "examples/gallery/serve.py"), "--port", str(port), *arguments]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONUNBUFFERED": "1"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()  # said once it listens
        assert address.encode() in line, (folder / "log").read_text()
        yield address
    finally:
        process.terminate()
        process.communicate(timeout=30)


@pytest.fixture(scope="module")
def page_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A gallery on SQLite and a folder, for the tests of one file."""
    with gallery(tmp_path_factory.mktemp("gallery")) as address:
        yield address


@pytest.fixture
def galleries(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Start galleries: `galleries("--storage", "s3://…", options={…})`."""
    with ExitStack() as stack:

        def start(*arguments: str, options: dict[str, Any]) -> str:
            return stack.enter_context(gallery(tmp_path, *arguments, "--options", json.dumps(options)))

        yield start


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    """A window of Chromium, whose page must not complain of anything."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        missing = "Chromium is not installed: apt-get install chromium"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=FLAGS)
        page = await browser.new_page(viewport={"width": 1280, "height": 900})
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        await browser.close()
        assert complaints == []


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of 57 MB."""
    return samples.video(tmp_path_factory.mktemp("video") / "clip.webm")
