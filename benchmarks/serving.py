"""Serving files of the local disk over ASGI: Holdfast's FileResponse beside Starlette's, and an empty reply as floor.

One uvicorn process with uvloop and httptools; wrk asks (apt-get install wrk), or if it is missing a client in Python,
which is slower than the server and makes all ratios smaller. Rounds are interleaved, figures are medians. Prints one
JSON line per figure; the exit status is 1 when one is below its target.

Judged is the processor's time that the server takes for an answer, or a byte: that is the ratio of what one core can
serve. Rates are printed beside it; they also depend on what else the machine does, and on the client.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
MIB = 1024 * 1024
SMALL = 16 * 1024
CONNECTIONS = 16
PART = f"bytes={200 * MIB}-{200 * MIB + SMALL - 1}"
WORK = {
    "16 KiB": ("small", None, 10.0),
    "16 KiB of the large file": ("large", PART, 10.0),
    "large": ("large", None, 3.0),
}


def main() -> int:
    """Measure; return 1 if a target is missed."""
    arguments = parse()
    if arguments.serve:
        serve(Path(arguments.serve[0]), int(arguments.serve[1]))
        return 0
    with tempfile.TemporaryDirectory(dir=Path(__file__).parents[1] / "build") as folder:
        make_files(Path(folder), arguments.size)
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            port = probe.getsockname()[1]
        server = subprocess.Popen([sys.executable, __file__, "--serve", folder, str(port)])
        try:
            wait_for(port)
            figures = measure(port, server.pid, arguments)
        finally:
            server.terminate()
            server.wait()
    return report(figures, arguments.size)


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1024, help="size of the large file in MiB")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2, help="of one measurement with small answers")
    parser.add_argument("--serve", nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


def make_files(folder: Path, size: int) -> None:
    """Write the files, with names as deep as those of real keys."""
    (folder / "2025/11/20").mkdir(parents=True)
    (folder / "2025/11/20/small").write_bytes(b"x" * SMALL)
    with (folder / "2025/11/20/large").open("wb") as file:
        file.writelines(b"x" * MIB for _ in range(size))


def serve(folder: Path, port: int) -> None:
    """Be the server."""
    import uvicorn  # noqa: PLC0415  # not needed by the process that measures
    from starlette.responses import FileResponse as StarletteResponse  # noqa: PLC0415

    from holdfast import FileObject, StorageBackend, storages  # noqa: PLC0415
    from holdfast.drivers.local import LocalDriver  # noqa: PLC0415
    from holdfast.serving.asgi import FileResponse  # noqa: PLC0415

    storage = storages.register_backend(StorageBackend("served", LocalDriver(folder)))
    files: dict[str, Any] = {}
    for name in ("small", "large"):
        key = f"2025/11/20/{name}"
        found = storage.stat(key)
        known = {"size": found.size, "etag": found.etag, "last_modified": found.last_modified}
        files[name] = FileObject(backend="served", filename="x.png", content_type="image/png", to_filename=key, **known)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        _, whose, name = scope["path"].split("/")
        if whose == "holdfast":
            await FileResponse(files[name])(scope, receive, send)
        elif whose == "starlette":
            await StarletteResponse(folder / files[name].path, media_type="image/png")(scope, receive, send)
        else:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body"})

    uvicorn.run(
        app, host=HOST, port=port, loop="uvloop", http="httptools", lifespan="off", access_log=False, log_level="error"
    )


def wait_for(port: int) -> None:
    """Return as soon as the server listens."""
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError("the server does not listen")


def measure(port: int, server: int, arguments: argparse.Namespace) -> dict[tuple[str, str], tuple[float, float]]:
    """Return the medians of each figure: answers or bytes per second, and seconds of the processor for one of them."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}

    def note(work: str, whose: str, path: str, part: str | None) -> None:
        before, start = spent(server), time.perf_counter()
        speed = bandwidth(port, path) if work == "large" else rate(port, path, part, arguments.seconds)
        amount = arguments.size * MIB if work == "large" else speed * (time.perf_counter() - start)
        found.setdefault((work, whose), []).append((speed, (spent(server) - before) / amount))

    for _ in range(arguments.rounds):
        note("an empty reply", "nobody", "/nobody/x", None)
        for work, (name, part, _) in WORK.items():
            for whose in ("holdfast", "starlette"):
                note(work, whose, f"/{whose}/{name}", part)
    return {
        figure: (statistics.median(speed for speed, _ in both), statistics.median(seconds for _, seconds in both))
        for figure, both in found.items()
    }


def spent(process: int) -> float:
    """Return the seconds of the processor that a process has used, which other programs hardly change: proc(5)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rate(port: int, path: str, part: str | None, seconds: int) -> float:
    """Return answers per second over several connections."""
    if shutil.which("wrk") is None:
        return asyncio.run(asked(port, request(path, part), seconds))
    command = ["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{seconds}s"]
    command += ["--header", f"Range: {part}"] if part else []
    output = subprocess.run(
        [*command, f"http://{HOST}:{port}{path}"], check=True, capture_output=True, text=True
    ).stdout
    if "Non-2xx" in output or "Socket errors" in output:
        raise RuntimeError(output)
    return float(re.findall(r"Requests/sec: *([0-9.]+)", output)[0])


def request(path: str, part: str | None) -> bytes:
    """Return a request."""
    more = f"Range: {part}\r\n" if part else ""
    return f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n{more}\r\n".encode()


async def asked(port: int, message: bytes, seconds: int) -> float:
    """Return answers per second, asked by Python."""
    until, count = time.perf_counter() + seconds, 0

    async def ask() -> None:
        nonlocal count
        reader, writer = await asyncio.open_connection(HOST, port)
        while time.perf_counter() < until:
            writer.write(message)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(re.findall(rb"content-length: ([0-9]+)", head)[0]))
            count += 1
        writer.close()

    await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
    return count / seconds


def bandwidth(port: int, path: str) -> float:
    """Return bytes per second of one large answer."""
    buffer, received = bytearray(MIB), 0
    with socket.create_connection((HOST, port)) as connection:
        start = time.perf_counter()
        connection.sendall(request(path, None).replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        while count := connection.recv_into(buffer):
            received += count
        return received / (time.perf_counter() - start)


def report(figures: dict[tuple[str, str], tuple[float, float]], size: int) -> int:
    """Print all figures; return 1 if a target is missed."""
    is_missed = False
    floor, floor_cpu = figures.pop(("an empty reply", "nobody"))
    line: dict[str, Any] = {"figure": "an empty reply", "per second": round(floor), "cpu us": round(floor_cpu * 1e6, 1)}
    print(json.dumps(line | {"load": round(os.getloadavg()[0], 1)}))
    for work, (_, _, target) in WORK.items():
        (ours, our_cpu), (theirs, their_cpu) = figures[work, "holdfast"], figures[work, "starlette"]
        line = {"figure": f"serving {work.replace('large', f'{size} MiB', 1)}"}
        if work == "large":
            line |= {"holdfast GB/s": round(ours / 1e9, 2), "starlette GB/s": round(theirs / 1e9, 2)}
            line |= {"holdfast cpu s/GB": round(our_cpu * 1e9, 2), "starlette cpu s/GB": round(their_cpu * 1e9, 2)}
        else:
            line |= {"holdfast per second": round(ours), "starlette per second": round(theirs)}
            line |= {"holdfast cpu us": round(our_cpu * 1e6, 1), "starlette cpu us": round(their_cpu * 1e6, 1)}
            line["of an empty reply"] = round(ours / floor, 2)
        ratio = their_cpu / our_cpu
        line |= {"ratio of rates": round(ours / theirs, 1), "ratio of cpu": round(ratio, 1), "target": target}
        print(json.dumps(line))
        is_missed = is_missed or ratio < target
    return int(is_missed)


if __name__ == "__main__":
    sys.exit(main())
