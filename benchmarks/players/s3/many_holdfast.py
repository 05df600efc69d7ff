"""Files on disk and their rows through Holdfast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.players import rows_holdfast
from benchmarks.players.s3 import many

if TYPE_CHECKING:
    from benchmarks.measuring.race import Setting


class Work(rows_holdfast.Work):
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


class Sync(rows_holdfast.Sync):
    """Sessions of a script or of Flask."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.work = Work(setting)


class Async(rows_holdfast.Async):
    """Sessions of FastAPI or Litestar."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.work = Work(setting)
