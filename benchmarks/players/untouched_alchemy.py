"""Sessions that touch no file, of advanced-alchemy's own configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from advanced_alchemy.config import SQLAlchemySyncConfig

from benchmarks.players import untouched

if TYPE_CHECKING:
    from benchmarks.measuring.race import Setting


class Untouched(untouched.Untouched):
    """Short sessions in memory."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.config = SQLAlchemySyncConfig(engine_instance=self.engine)

    def session(self) -> Any:
        """Return a new session."""
        return self.config.get_session()
