"""Files on disk and their rows through advanced-alchemy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.players import rows_alchemy
from benchmarks.players.s3 import many

if TYPE_CHECKING:
    from benchmarks.measuring.race import Setting


class Work(rows_alchemy.Work):
    """Paths instead of bytes."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.setting = setting

    def prepare(self) -> None:
        """Start anew."""
        super().prepare()
        contents: list[Any] = list(many.paths(self.setting))
        self.contents = contents

    def check(self) -> None:
        """Every object is there."""
        many.expect(self.place, self.setting)


class Sync(rows_alchemy.Sync):
    """Sessions of its own configuration."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.work = Work(setting)


class Async(rows_alchemy.Async):
    """Sessions of its own configuration; the round ends when the objects are there."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.work = Work(setting)
