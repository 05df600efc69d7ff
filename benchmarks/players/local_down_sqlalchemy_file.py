"""A large file streamed from local disk through sqlalchemy-file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from libcloud.storage.drivers.local import LocalStorageDriver
from sqlalchemy_file.storage import StorageManager

from benchmarks.measuring.race import MIB, Player
from benchmarks.players.large_files import Seen

if TYPE_CHECKING:
    from benchmarks.measuring.race import Setting


class Sync(Player):
    """The stream of libcloud: its own `read(n)` always begins anew."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.seen = Seen(setting, setting.folder / "bench" / "large.bin")
        self.prepare, self.check = self.seen.prepare, self.seen.check
        (setting.folder / "bench").mkdir()
        StorageManager.add_storage("bench", LocalStorageDriver(str(setting.folder)).get_container("bench"))

    def run(self) -> None:
        """Read all chunks."""
        for chunk in StorageManager.get_file("bench/large.bin").object.as_stream(chunk_size=MIB):
            self.seen.take(chunk)
