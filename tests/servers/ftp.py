"""FTP servers: pyftpdlib, with the commands of RFC 3659 and, as many an old server, without them."""

import asyncio
import contextlib
import secrets
import ssl
import subprocess
import sys
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from .ports import HOST, free_port, is_listening
from .shared import ServerFailedError, State, launch, start_once

Handler = Callable[[StreamReader, StreamWriter], Awaitable[None]]

PROGRAM = """
import sys
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer

host, port, old_port, folder, username, password = sys.argv[1:]
FTPHandler.authorizer = DummyAuthorizer()
FTPHandler.authorizer.add_user(username, password, folder, perm="elradfmwMT")
FTPHandler.authorizer.add_user("reader", password, folder, perm="elr")
FTPHandler.auth_failed_timeout = 0

class OldHandler(FTPHandler):
    proto_cmds = {name: about for name, about in FTPHandler.proto_cmds.items() if name not in {"MLSD", "MLST"}}

FTPServer((host, int(old_port)), OldHandler)
FTPServer((host, int(port)), FTPHandler).serve_forever()
"""


@dataclass(frozen=True)
class FTPSite:
    """Where the servers listen, who may use them (`username` all, `reader` to read), and where their files lie."""

    port: str
    old_port: str
    folder: str
    username: str
    password: str

    @property
    def options(self) -> dict[str, Any]:
        """The keyword arguments of `fsspec.implementations.ftp.FTPFileSystem`."""
        return {"host": HOST, "port": int(self.port), "username": self.username, "password": self.password}


class TLSFront:
    """TLS in front of one of the servers: explicit (``AUTH TLS``) or implicit, with a certificate for "localhost".

    Args:
        folder: For the certificate.
        port: The server's.
        implicit: Whether it speaks TLS from the first byte.

    Attributes:
        port: Its own.
        certificate: Path of the certificate, which nobody has signed but itself.
        commands: What it was asked, the first word of each.
        transfers: How many there were, all with TLS: it refuses others.
    """

    def __init__(self, folder: Path, port: int, *, implicit: bool = False) -> None:
        self._upstream, self._implicit = port, implicit
        self.certificate, key = folder / "certificate.pem", folder / "key.pem"
        make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        make += ["-keyout", str(key), "-out", str(self.certificate), "-days", "2", "-subj", "/CN=localhost"]
        subprocess.run([*make, "-addext", "subjectAltName=DNS:localhost"], check=True, capture_output=True)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(self.certificate, key)
        self.commands: list[str] = []
        self.transfers = 0
        self._servers: list[asyncio.Server] = []

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._loop.set_exception_handler(lambda *_: None)  # clients that turn away from its certificate
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        context = self._context if self._implicit else None
        started = asyncio.run_coroutine_threadsafe(self._serve(self._control, context), self._loop)
        self.port = started.result().sockets[0].getsockname()[1]
        return self

    def __exit__(self, *exc: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self, handle: Handler, context: ssl.SSLContext | None) -> asyncio.Server:
        async def handled(reader: StreamReader, writer: StreamWriter) -> None:
            with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
                await handle(reader, writer)
            writer.transport.abort()

        server = await asyncio.start_server(handled, HOST, 0, ssl=context)
        self._servers.append(server)
        return server

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)

    async def _control(self, reader: StreamReader, writer: StreamWriter) -> None:
        there, back = await asyncio.open_connection(HOST, self._upstream)
        answers = asyncio.create_task(self._answers(there, writer))
        try:
            while line := await reader.readline():
                command = line.split()[0].decode()
                self.commands.append(command)
                if command == "AUTH":
                    writer.write(b"234 go ahead\r\n")
                    await writer.start_tls(self._context)
                elif command in {"PBSZ", "PROT"}:
                    writer.write(b"200 so be it\r\n")
                else:
                    back.write(line)
        finally:
            answers.cancel()
            back.transport.abort()

    async def _answers(self, there: StreamReader, writer: StreamWriter) -> None:
        while line := await there.readline():
            if line.startswith(b"227"):
                *_, high, low = line[line.index(b"(") + 1 : line.index(b")")].split(b",")
                server = await self._serve(partial(self._data, int(high) * 256 + int(low)), self._context)
                port = server.sockets[0].getsockname()[1]
                line = f"227 here (127,0,0,1,{port // 256},{port % 256})\r\n".encode()
            writer.write(line)
        writer.close()

    async def _data(self, port: int, reader: StreamReader, writer: StreamWriter) -> None:
        self.transfers += 1
        there, back = await asyncio.open_connection(HOST, port)

        async def passing(source: StreamReader, target: StreamWriter) -> None:
            while block := await source.read(1 << 16):
                target.write(block)
                await target.drain()
            if target.can_write_eof():
                target.write_eof()
            else:
                target.close()

        ways = [asyncio.create_task(passing(reader, back)), asyncio.create_task(passing(there, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            back.close()
            await back.wait_closed()
            writer.close()
            await writer.wait_closed()
        finally:
            for way in ways:
                way.cancel()
            back.transport.abort()


def pyftpdlib() -> FTPSite:
    """Start both servers, over one folder."""
    return FTPSite(**start_once("pyftpdlib", _start))


def _start(folder: Path) -> State:
    if find_spec("pyftpdlib") is None:
        raise ServerFailedError("pyftpdlib is not installed: pip install pyftpdlib")
    data = folder / "data"
    data.mkdir()
    site = FTPSite(str(free_port()), str(free_port()), str(data), "holdfast", secrets.token_hex(8))
    arguments = [HOST, site.port, site.old_port, site.folder, site.username, site.password]
    launch(folder, [sys.executable, "-c", PROGRAM, *arguments], ready=lambda: is_listening(int(site.port)))
    return asdict(site)
