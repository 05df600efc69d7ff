"""What lies on an FTP server: by MLST and MLSD (RFC 3659 §7), and on servers without them by what there was before."""

from __future__ import annotations

import ftplib
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from holdfast.drivers.fsspec.folders import FILE, FOLDER, OTHER, Entry
from holdfast.drivers.fsspec.ftp.answers import meant
from holdfast.drivers.fsspec.ftp.old_listing import listed_before

if TYPE_CHECKING:
    from collections.abc import Mapping

_UNKNOWN = ("500", "502", "504")
_KINDS = {"file": FILE, "dir": FOLDER}


def described(ftp: ftplib.FTP, path: str) -> Entry:
    """Describe what lies under a path."""
    try:
        facts, _, _ = ftp.sendcmd(f"MLST {path}").split("\n")[1].lstrip().partition(" ")
    except ftplib.error_perm as error:
        if str(error).startswith(_UNKNOWN):
            return _described_before(ftp, path)
        known = meant(error)
        raise known if isinstance(known, OSError) else FileNotFoundError(str(error)) from None
    pairs = (fact.partition("=") for fact in facts.split(";"))
    return _entry(path.rpartition("/")[2], {name.lower(): value for name, _, value in pairs})


def listed(ftp: ftplib.FTP, path: str) -> list[Entry]:
    """Describe what lies in a folder."""
    try:
        found = list(ftp.mlsd(path))
    except ftplib.error_perm as error:
        if str(error).startswith(_UNKNOWN):
            return listed_before(ftp, path)
        known = meant(error)
        raise known if isinstance(known, OSError) else FileNotFoundError(str(error)) from None
    return [_entry(name, {fact.lower(): value for fact, value in facts.items()}) for name, facts in found]


def _described_before(ftp: ftplib.FTP, path: str) -> Entry:
    name = path.rpartition("/")[2]
    ftp.voidcmd("TYPE I")  # the size as text may be another one
    try:
        size = ftp.size(path)
    except ftplib.error_perm as error:
        known = meant(error)
        if isinstance(known, PermissionError):
            raise known from None
        try:
            ftp.cwd(path)
        except ftplib.error_perm:
            raise FileNotFoundError(str(error)) from None
        return Entry(name, FOLDER)
    modified = None
    with suppress(ftplib.error_perm):
        modified = _time(ftp.sendcmd(f"MDTM {path}").partition(" ")[2])
    return Entry(name, FILE, size or 0, modified)


def _entry(name: str, facts: Mapping[str, str]) -> Entry:
    kind = _KINDS.get(facts.get("type", "").lower(), OTHER)
    return Entry(name, kind, int(facts.get("size", 0)) if kind == FILE else 0, _time(facts.get("modify", "")))


def _time(text: str) -> float | None:
    """Read a time as RFC 3659 §2.3 has it, in UTC."""
    with suppress(ValueError):
        return datetime.strptime(text.partition(".")[0], "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()
    return None
