"""A large file streamed from local disk through Holdfast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.measuring.race import AsyncPlayer, Player
from benchmarks.players.large_files import Seen
from holdfast import FileObject, storages
from holdfast.backends.obstore import ObstoreBackend

if TYPE_CHECKING:
    from benchmarks.measuring.race import Setting

_KEY = "large.bin"


def file_in(setting: Setting) -> tuple[FileObject, Seen]:
    """Return the file of a storage."""
    folder = setting.folder / "files"
    storages.register_backend(ObstoreBackend("bench", folder.as_uri()))
    return FileObject(backend="bench", filename=_KEY), Seen(setting, folder / _KEY)


class Sync(Player):
    """As a script reads."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.file, self.seen = file_in(setting)
        self.prepare, self.check = self.seen.prepare, self.seen.check

    def run(self) -> None:
        """Read all chunks."""
        for chunk in self.file.iter_content():
            self.seen.take(chunk)


class Async(AsyncPlayer):
    """As a web application reads."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.file, self.seen = file_in(setting)
        self.prepare, self.check = self.seen.prepare, self.seen.check

    async def play(self) -> None:
        """Read all chunks."""
        async for chunk in self.file.iter_content_async():
            self.seen.take(chunk)
