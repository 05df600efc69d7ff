"""A file of 2 GiB goes up and down through each framework; the server's memory does not grow with it."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.servers.ports import HOST, free_port, is_listening

MIB = 1024 * 1024
SIZE = 2048 * MIB
LESS = 300 * MIB  # of upload objects, which are on disk as a whole before the application sees them
GROWTH = 100 * MIB
BLOCK = os.urandom(MIB + 7)  # an odd size, so that no two servers' buffers see the same cuts
BOUNDARY = b"x-large"
APPLICATIONS = Path(__file__).parent / "large"

# Each script serves, on the port and with the folder that it is given: POST of a form with the part `file` to these
# paths, which answers the number of a row; GET and DELETE of /{number}.
CASES = [
    pytest.param("fastapi_app.py", "/object", LESS, id="fastapi-object"),
    pytest.param("fastapi_app.py", "/form", SIZE, id="fastapi-form"),
    pytest.param("litestar_app.py", "/object", LESS, id="litestar-object"),
    pytest.param("litestar_app.py", "/form", SIZE, id="litestar-form"),
    pytest.param("flask_app.py", "/object", LESS, id="flask-object"),
    pytest.param("flask_app.py", "/form", SIZE, id="flask-form"),
]


@contextmanager
def serving(script: str, folder: Path) -> Iterator[tuple[int, int]]:
    """Start an application in a process of its own; yields its port and its process id."""
    port = free_port()
    environment = {**os.environ, "TMPDIR": str(folder)}  # where frameworks put what they do not keep in memory
    command = [sys.executable, str(APPLICATIONS / script), str(port), str(folder)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while not is_listening(port):
            assert server.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline
        yield port, server.pid
    finally:
        server.terminate()
        server.wait(30)


def blocks(size: int) -> Iterator[bytes]:
    """Yield that many bytes."""
    whole, rest = divmod(size, len(BLOCK))
    for _ in range(whole):
        yield BLOCK
    yield BLOCK[:rest]


def request(port: int, head: bytes) -> socket.socket:
    """Begin a request."""
    connection = socket.create_connection((HOST, port), timeout=120)
    connection.sendall(head + b"Host: x\r\nConnection: close\r\n")
    return connection


def upload(port: int, path: str, size: int) -> int:
    """Send a form with a file; return the number of its row."""
    begin = b'--%b\r\nContent-Disposition: form-data; name="file"; filename="large.bin"\r\n' % BOUNDARY
    begin += b"Content-Type: application/octet-stream\r\n\r\n"
    end = b"\r\n--%b--\r\n" % BOUNDARY
    with request(port, b"POST %b HTTP/1.1\r\n" % path.encode()) as connection:
        connection.sendall(b"Content-Type: multipart/form-data; boundary=%b\r\n" % BOUNDARY)
        connection.sendall(b"Content-Length: %d\r\n\r\n" % (len(begin) + size + len(end)) + begin)
        for block in blocks(size):
            connection.sendall(block)
        connection.sendall(end)
        answer = connection.makefile("rb").read()
    assert answer.split(b" ", 2)[1].startswith(b"20"), answer
    return int(json.loads(answer.partition(b"\r\n\r\n")[2]))


def download(port: int, number: int, size: int) -> None:
    """Receive a file, and compare it with what was sent."""
    with request(port, b"GET /%d HTTP/1.1\r\n" % number) as connection, connection.makefile("rb") as answer:
        connection.sendall(b"\r\n")
        assert answer.readline().split()[1] == b"200"
        headers = dict(line.lower().split(b": ", 1) for line in iter(answer.readline, b"\r\n"))
        assert int(headers[b"content-length"]) == size
        for block in blocks(size):
            assert answer.read(len(block)) == block
        assert answer.read() == b""


def delete(port: int, number: int) -> None:
    """Delete a file, to spare the disk."""
    with closing(request(port, b"DELETE /%d HTTP/1.1\r\n" % number)) as connection:
        connection.sendall(b"\r\n")
        assert b" 20" in connection.makefile("rb").readline()


def worker(process: int) -> int:
    """Return the process that answers: gunicorn's is a child of the one that was started."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return int(children[0]) if children else process


def memory(process: int, field: str) -> int:
    """Return a figure of a process's memory, in bytes."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))


@pytest.mark.parametrize(("script", "path", "size"), CASES)
def test_s10_2_gib_up_and_down(tmp_path: Path, script: str, path: str, size: int) -> None:
    """The peak of the server's memory is that of a small file, and less than 100 MB more."""
    with serving(script, tmp_path) as (port, server):
        number = upload(port, path, 20 * MIB)  # what is loaded late, and the threads
        download(port, number, 20 * MIB)
        process = worker(server)
        before = memory(process, "VmRSS")
        Path(f"/proc/{process}/clear_refs").write_text("5")  # the peak begins anew: proc(5)
        number = upload(port, path, size)
        download(port, number, size)
        peak = memory(process, "VmHWM")
        delete(port, number)
    assert peak - before < GROWTH, f"{(peak - before) // MIB} MiB"
