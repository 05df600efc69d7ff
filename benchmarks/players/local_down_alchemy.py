"""A large file read from local disk through advanced-alchemy, which does not stream."""

from __future__ import annotations

from typing import TYPE_CHECKING

from advanced_alchemy.types import FileObject
from advanced_alchemy.types.file_object import storages
from advanced_alchemy.types.file_object.backends.obstore import ObstoreBackend
from obstore.store import LocalStore

from benchmarks.measuring.race import AsyncPlayer, Player
from benchmarks.players.large_files import Seen

if TYPE_CHECKING:
    from benchmarks.measuring.race import Setting

_KEY = "large.bin"


def file_in(setting: Setting) -> tuple[FileObject, Seen]:
    """Return the file of a storage."""
    folder = setting.folder / "files"
    folder.mkdir()
    storages.register_backend(ObstoreBackend(key="bench", fs=LocalStore(folder)))
    return FileObject(backend="bench", filename=_KEY), Seen(setting, folder / _KEY)


class Sync(Player):
    """All of it at once."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.file, self.seen = file_in(setting)
        self.prepare, self.check = self.seen.prepare, self.seen.check

    def run(self) -> None:
        """Read."""
        self.seen.take(self.file.get_content())


class Async(AsyncPlayer):
    """All of it at once."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.file, self.seen = file_in(setting)
        self.prepare, self.check = self.seen.prepare, self.seen.check

    async def play(self) -> None:
        """Read."""
        self.seen.take(await self.file.get_content_async())
