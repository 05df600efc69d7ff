"""The mark on a folder that holds a cache and nothing else."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TAG = "CACHEDIR.TAG"
"""Name of the file that says that a folder is a cache, and may be emptied (bford.info/cachedir)."""

_TEXT = b"""Signature: 8a477f597d28d172789f06886806bc55
# This folder is a cache of Holdfast. Backups may leave it out.
"""


def is_foreign(root: Path) -> bool:
    """Return whether a folder holds something and is not marked as a cache: then none of it is ours to clear out."""
    try:
        with os.scandir(root) as found:
            is_empty = next(found, None) is None
    except FileNotFoundError:
        return False
    # In this order: whoever else begins here just now makes the mark first.
    return not is_empty and not (root / TAG).exists()


def mark(root: Path) -> None:
    """Mark a folder as a cache.

    Raises:
        FileExistsError: It holds something else.
    """
    if (root / TAG).exists():
        return
    if is_foreign(root):
        message = f"it holds files and has no {TAG}, so it may not be a cache"
        raise FileExistsError(message)
    with suppress(FileExistsError), (root / TAG).open("xb", buffering=0) as file:
        file.write(_TEXT)
