"""A large file in a bucket, and the proof that it got there, or came back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from obstore.store import S3Store

from benchmarks.measuring.race import MIB
from benchmarks.players.large_files import Seen, large_file
from benchmarks.players.stores import options_of

if TYPE_CHECKING:
    from benchmarks.measuring.race import Setting


class Sent:
    """An empty bucket before each round, and what is found in it after."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.server = setting.servers["rclone"]
        self.store = S3Store(self.server["bucket"], **options_of(self.server))
        self.is_compared = False

    def prepare(self) -> None:
        """Name the file."""
        self.source = large_file(self.setting)

    def check(self) -> None:
        """Raise unless the bucket holds the file; its bytes are compared in the first round, which is not measured."""
        found = [entry for page in self.store.list() for entry in page]
        if [entry["size"] for entry in found] != [self.setting.amount * MIB]:
            message = f"found {found}"
            raise RuntimeError(message)
        key = found[0]["path"]
        if not self.is_compared:
            with self.source.open("rb") as ours:
                for chunk in self.store.get(key).stream():
                    if ours.read(len(chunk)) != memoryview(chunk):
                        raise RuntimeError("other bytes were stored")
            self.is_compared = True
        self.store.delete(key)


class Fetched(Seen):
    """The file in the bucket of the player that began: all read the same one."""

    key = "large.bin"

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting, setting.folder.parent / "bucket")
        self.server = setting.servers["rclone"]
        self.bucket = ""

    def prepare(self) -> None:
        """Put the file there in the first round, and open it to compare."""
        if self.bucket:
            return
        source = large_file(self.setting)
        if not self.target.exists():
            S3Store(self.server["bucket"], **options_of(self.server)).put(self.key, source)
            self.target.write_text(self.server["bucket"])
        self.bucket = self.target.read_text()
        self.compared = source.open("rb")
