"""Peak memory of moving 1 GiB through each driver: one process a figure, one JSON line each.

Growth is the peak of the resident set above what it was when everything was imported and a small file had been
moved. The limit is 100 MB, whatever the size of the file.

    python benchmarks/memory.py [--size MIB] [--only TEXT]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

ROOT = Path(__file__).parents[1]
MIB = 1024 * 1024
LIMIT = 100_000_000
SOURCES = ("path", "file", "iterator", "async iterator")
STORAGES = ("local", "fsspec local", "obstore s3", "fsspec s3")


def main() -> int:
    """Measure every combination; return 1 if one is over the limit."""
    arguments = parse()
    if arguments.figure:
        print(json.dumps(measure(*arguments.figure, arguments.size, Path(arguments.folder), arguments.options)))
        return 0
    sys.path.insert(0, str(ROOT))
    from tests.servers.s3 import rclone  # noqa: PLC0415  # not needed by the measuring processes
    from tests.servers.shared import open_run  # noqa: PLC0415

    worst = 0
    close = open_run()
    with tempfile.TemporaryDirectory(dir=ROOT / "build" if (ROOT / "build").exists() else None) as folder:
        try:
            bucket = rclone().make_bucket()
            options = json.dumps(
                {
                    "bucket": bucket.name,
                    "endpoint": bucket.server.endpoint,
                    "access_key": bucket.server.access_key,
                    "secret_key": bucket.server.secret_key,
                }
            )
            for storage in STORAGES:
                for source in SOURCES:
                    if arguments.only not in f"{storage} {source}":
                        continue
                    command = [sys.executable, __file__, "--size", str(arguments.size), "--folder", folder]
                    command += ["--options", options, "--figure", storage, source]
                    line = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
                    print(line.strip(), flush=True)
                    worst = max(worst, *json.loads(line)["growth_mb"].values())
        finally:
            close()
    return int(worst * 1e6 > LIMIT)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1024, help="size of the file in MiB")
    parser.add_argument("--only", default="", help="measure only figures whose name holds this")
    parser.add_argument("--figure", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("--options", type=json.loads, help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(name: str, source: str, size: int, folder: Path, options: dict[str, str]) -> dict[str, Any]:
    """Move a file up, down in sync, and down in async; return the growth of each."""
    storage = open_storage(name, folder / "storage", options)
    warm_up(storage)
    growth: dict[str, float] = {}
    seconds: dict[str, float] = {}

    def run(what: str, call: Callable[[], object]) -> None:
        reset_peak()
        before, start = resident("VmRSS"), time.perf_counter()
        call()
        seconds[what] = round(time.perf_counter() - start, 2)
        growth[what] = round((resident("VmHWM") - before) / 1e6, 1)

    key = f"{name}-{source}".replace(" ", "-")
    path = folder / "content"
    if not path.exists():
        with path.open("wb") as file:
            file.writelines(blocks(size))
    if source == "async iterator":
        run("up", lambda: asyncio.run(storage.put_async(key, blocks_async(size))))
    elif source == "file":
        with path.open("rb") as file:
            run("up", lambda: storage.put(key, file))
    else:
        run("up", lambda: storage.put(key, path if source == "path" else blocks(size)))
    if storage.stat(key).size != size * MIB:
        message = f"{name} stored another size than {size} MiB"
        raise RuntimeError(message)
    run("down", lambda: sum(map(len, storage.stream(key))))
    run("down_async", lambda: asyncio.run(drain(storage.stream_async(key))))
    storage.delete(key)
    return {"figure": f"{name}, {source}, {size} MiB", "growth_mb": growth, "seconds": seconds}


def open_storage(name: str, folder: Path, options: dict[str, str]) -> Any:
    """Return the storage to measure."""
    import fsspec  # noqa: PLC0415

    from holdfast import StorageBackend  # noqa: PLC0415  # its memory is part of what is there before
    from holdfast.backends.fsspec import FSSpecBackend  # noqa: PLC0415
    from holdfast.backends.obstore import ObstoreBackend  # noqa: PLC0415
    from holdfast.drivers.local import LocalDriver  # noqa: PLC0415

    if name == "local":
        return StorageBackend("local", LocalDriver(folder))
    if name == "fsspec local":
        return FSSpecBackend("fsspec", fsspec.filesystem("file", auto_mkdir=True), prefix=str(folder))
    if name == "obstore s3":
        return ObstoreBackend(
            "obstore",
            f"s3://{options['bucket']}/",
            aws_endpoint=options["endpoint"],
            aws_access_key_id=options["access_key"],
            aws_secret_access_key=options["secret_key"],
            aws_allow_http=True,
        )
    file_system = fsspec.filesystem(
        "s3", key=options["access_key"], secret=options["secret_key"], endpoint_url=options["endpoint"]
    )
    return FSSpecBackend("s3fs", file_system, prefix=options["bucket"])


def warm_up(storage: Any) -> None:
    """Start threads, connections and lazy imports."""

    async def both() -> None:
        await storage.put_async("warm", b"x" * MIB)
        await drain(storage.stream_async("warm"))

    storage.put("warm", b"x" * MIB)
    asyncio.run(both())
    storage.delete("warm")


def blocks(size: int) -> Iterator[bytes]:
    """Yield the content, a fresh MiB at a time."""
    for number in range(size):
        yield number.to_bytes(8, "big") * (MIB // 8)


async def blocks_async(size: int) -> AsyncIterator[bytes]:
    """Yield the content."""
    for block in blocks(size):
        yield block


async def drain(chunks: AsyncIterator[bytes]) -> None:
    """Read to the end."""
    async for _ in chunks:
        pass


def reset_peak() -> None:
    """Start the peak anew (proc(5), clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")


def resident(field: str) -> int:
    """Return a figure of /proc/self/status in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


if __name__ == "__main__":
    sys.exit(main())
