"""Files on disk that are stored in one commit, and the proof that they were."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.measuring.race import Setting
    from benchmarks.players.stores import Place


def paths(setting: Setting) -> list[Path]:
    """Return so many files, made by whoever begins: processes start at once, but play in turn."""
    folder, size = setting.folder.parent / "files", setting.options["file"]
    found = [folder / f"{number}.bin" for number in range(setting.amount)]
    if not folder.exists():
        folder.mkdir()
        for path in found:
            path.write_bytes(os.urandom(size))
    return found


def expect(place: Place, setting: Setting) -> None:
    """Raise unless all files are there with all their bytes; they go."""
    sizes = {entry["size"] for page in place.store().list() for entry in page}
    if sizes != {setting.options["file"]}:
        message = f"objects of {sizes} bytes"
        raise RuntimeError(message)
    place.expect(setting.amount)
