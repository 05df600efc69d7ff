"""What ``LIST`` shows, which no document describes: the lines of ``ls -l``, as nearly all servers send them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from holdfast.drivers.fsspec.folders import FILE, FOLDER, OTHER, Entry

if TYPE_CHECKING:
    import ftplib

# Type and permissions, links, owner, group, size, three words of the time, one space, the name.
_LINE = re.compile(r"(\S)\S*\s+\S+\s+\S+\s+\S+\s+(\d+)\s+\S+\s+\S+\s+\S+ (.+)", re.DOTALL)
_KINDS = {"-": FILE, "d": FOLDER}


def listed_before(ftp: ftplib.FTP, path: str) -> list[Entry]:
    """Describe what lies in a folder."""
    lines: list[str] = []
    ftp.retrlines(f"LIST {path}", lines.append)
    found = filter(None, map(_LINE.fullmatch, lines))
    return [_entry(*match.groups()) for match in found]


def _entry(letter: str, size: str, name: str) -> Entry:
    kind = _KINDS.get(letter, OTHER)
    return Entry(name, kind, int(size) if kind == FILE else 0)
