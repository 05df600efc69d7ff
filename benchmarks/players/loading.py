"""Many rows with a JSON value loaded from SQLite, and something of each value looked at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar

from sqlalchemy import create_engine, select, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from benchmarks.measuring.race import AsyncPlayer, Player

if TYPE_CHECKING:
    from benchmarks.measuring.race import Setting

SIZE = 1234


class Loading(Player):
    """A table of `model`, filled in the first round."""

    model: ClassVar[Any]

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.url = f"{setting.folder}/rows.sqlite"
        self.is_filled = False

    def prepare(self) -> None:
        """Make the rows."""
        if self.is_filled:
            return
        self.is_filled = True
        rows = [{"id": number, "file": json.dumps(self.value(number))} for number in range(self.setting.amount)]
        with create_engine(f"sqlite:///{self.url}").begin() as connection:
            self.model.__table__.create(connection)
            connection.execute(text("INSERT INTO document (id, file) VALUES (:id, :file)"), rows)

    def value(self, number: int) -> dict[str, Any]:
        """Return the JSON of a row: Holdfast's, which is advanced-alchemy's and one field more."""
        return {
            "backend": "bench",
            "filename": f"report {number}.pdf",
            "to_filename": f"2025/03/{number:032x}/report-{number}.pdf",
            "content_type": "application/pdf",
            "size": SIZE,
            "last_modified": 1700000000.5,
            "checksum": f"sha256:{number:064x}",
            "etag": f"{number:032x}",
            "version_id": None,
            "metadata": {},
        }

    def look(self, row: Any) -> int:
        """Look at a row's file; return its size."""
        return int(row.file.size) if row.file.filename and row.file.content_type else 0

    def check(self) -> None:
        """Raise unless all rows were looked at."""
        if self.total != SIZE * self.setting.amount:
            message = f"the sizes come to {self.total}"
            raise RuntimeError(message)


class Sync(Loading):
    """A Session."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.engine = create_engine(f"sqlite:///{self.url}")

    def run(self) -> None:
        """Load and look."""
        with Session(self.engine) as session:
            self.total = sum(map(self.look, session.scalars(select(self.model)).all()))


class Async(Loading, AsyncPlayer):
    """An AsyncSession."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.engine = create_async_engine(f"sqlite+aiosqlite:///{self.url}")

    async def play(self) -> None:
        """Load and look."""
        async with AsyncSession(self.engine) as session:
            self.total = sum(map(self.look, (await session.scalars(select(self.model))).all()))
