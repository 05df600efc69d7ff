from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.world import World, open_world


@pytest.fixture(params=["sync", "async"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """SQLite and a folder, through a Session and through an AsyncSession."""
    path = tmp_path / "db.sqlite"
    async_url = f"sqlite+aiosqlite:///{path}" if request.param == "async" else None
    with open_world(tmp_path / "files", f"sqlite:///{path}", async_url) as opened:
        yield opened
