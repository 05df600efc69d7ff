"""Many keys: files in folders of days, as Holdfast names them, or a server that has only keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.measuring.race import Player

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.measuring.race import Setting

DAY = 10_000  # files of a folder
FEW = 10_000


class Listing(Player):
    """Counts keys; on S3 the first round, which is not measured, has few."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.server = setting.servers.get("listing")
        self.bucket = ""
        self.count = 0

    def prepare(self) -> None:
        """Make the files, or choose the bucket."""
        self.count = 0
        if self.server is None:
            self.expected = self.setting.amount
            self.folder = files(self.setting)
        else:
            self.expected = self.setting.amount if self.bucket else FEW
            self.bucket = f"keys-{self.expected}"

    def measure(self) -> dict[str, float]:
        """Return keys a second, of those that there are in this round."""
        figures = super().measure()
        figures["speed"] *= self.expected / self.setting.amount
        return figures

    def check(self) -> None:
        """Raise unless each key was counted."""
        if self.count != self.expected:
            message = f"{self.count} keys instead of {self.expected}"
            raise RuntimeError(message)


def files(setting: Setting) -> Path:
    """Return a folder with so many empty files, made by whoever begins: processes start at once, but play in turn."""
    root = setting.folder.parent / "files"
    if not root.exists():
        for number in range(setting.amount):
            folder = root / f"2026/01/{number // DAY + 1:02}"
            if number % DAY == 0:
                folder.mkdir(parents=True)
            (folder / f"{number:026}-a.bin").touch(exist_ok=False)
    return root
