"""A client that reads slowly costs a few chunks of memory, however large the file is."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from holdfast import FileObject, StorageBackend, storages
from holdfast.serving.asgi import FileResponse
from tests.serving.drivers import Generated
from tests.serving.live import HOST, request, uvicorn_serving

SIZE = 256 * 1024 * 1024
ALLOWED = 24 * 1024 * 1024


def resident(field: str) -> int:
    """Return a figure of /proc/self/status in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


@pytest.mark.parametrize("kind", ["plain file", "stream"])
async def test_s10_a_slow_client(local, root, kind):
    """256 MiB in small bites: what is in memory stays below 24 MiB."""
    if kind == "plain file":
        root.mkdir()
        with (root / str(SIZE)).open("wb") as file:
            file.truncate(SIZE)
    else:
        storages.register_backend(StorageBackend("served", Generated(local._plain)))
    file = FileObject(backend="served", filename="large.bin", to_filename=str(SIZE), size=SIZE)
    async with uvicorn_serving(FileResponse(file)) as port:
        reader, writer = await asyncio.open_connection(HOST, port, limit=64 * 1024)
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew: proc(5)
        before, received = resident("VmRSS"), 0
        writer.write(request())
        await reader.readuntil(b"\r\n\r\n")
        while chunk := await reader.read(64 * 1024):
            received += len(chunk)
            await asyncio.sleep(0)  # the server could send more meanwhile
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    assert received == SIZE
    assert resident("VmHWM") - before < ALLOWED
