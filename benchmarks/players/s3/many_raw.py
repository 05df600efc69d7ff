"""Files on disk and their rows with obstore alone."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any

import obstore

from benchmarks.players import rows_raw
from benchmarks.players.s3 import many

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.measuring.race import Setting
    from benchmarks.players.rows_raw import Document


class Work(rows_raw.Work):
    """Paths instead of bytes."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.setting = setting

    def prepare(self) -> None:
        """Start anew."""
        super().prepare()
        contents: list[Any] = list(many.paths(self.setting))
        self.contents = contents

    def put(self, path: Any) -> Document:
        """Put, and return the row."""
        key = uuid.uuid4().hex
        obstore.put(self.store, key, path)
        return row(key, path)

    def check(self) -> None:
        """Every object is there."""
        many.expect(self.place, self.setting)


class Sync(rows_raw.Sync):
    """One put after the other."""

    work: Work

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.work = Work(setting)

    def stored(self, contents: Sequence[Any]) -> list[Document]:
        """Store the files of one commit."""
        return [self.work.put(path) for path in contents]


class Threads(rows_raw.Threads):
    """Sixteen puts at a time."""

    work: Work

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.work = Work(setting)

    def stored(self, contents: Sequence[Any]) -> list[Document]:
        """Store the files of one commit."""
        return list(self.pool.map(self.work.put, contents))


class Async(rows_raw.Async):
    """All puts at once, as many as obstore lets through."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.work = Work(setting)

    async def stored(self, contents: Sequence[Any]) -> list[Document]:
        """Store the files of one commit."""

        async def put(path: Any) -> Document:
            key = uuid.uuid4().hex
            await obstore.put_async(self.work.store, key, path)
            return row(key, path)

        return list(await asyncio.gather(*(put(path) for path in contents)))


def row(key: str, path: Path) -> Document:
    """Return a row like the ones that libraries write."""
    size = path.stat().st_size
    return rows_raw.Document(file={"filename": key, "size": size, "content_type": "application/octet-stream"})
