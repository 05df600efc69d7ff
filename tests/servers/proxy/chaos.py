"""A TCP proxy that breaks connections as networks do, by a plan that its seed decides."""

import asyncio
import contextlib
import random
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self, get_args

from tests.servers.ports import HOST

from .listener import BLOCK, listening

Kind = Literal["cut", "reset", "stall", "throttle"]

PATIENCE = 10.0  # seconds in which a server has to finish what it was asked for
PIECE, PAUSE = 4096, 0.001  # a throttled connection: bytes, and seconds between them


@dataclass
class Plan:
    """What happens to one connection after `left` bytes, in both directions together; `kind` None is nothing.

    `asked` says that the last bytes went to the server, `slow` that the connection is throttled.
    """

    kind: Kind | None
    left: int
    asked: bool = False
    slow: bool = False


class StruckError(Exception):
    """The moment has come."""


class ChaosProxy:
    """Passes bytes through, and breaks some connections.

    Args:
        upstream: Path of a Unix socket, or host and port.
        seed: Decides what happens to the first connection, to the second one and so on.
        mean: How many bytes a connection passes before it breaks, on average.
        share: How many of the connections break; the first one does.
        stall: Seconds after which a connection that fell silent is reset; None leaves that to the client.
        kinds: What may happen.
    """

    def __init__(
        self,
        upstream: str | tuple[str, int],
        seed: str,
        *,
        mean: int,
        share: float = 0.5,
        stall: float | None = None,
        kinds: Sequence[Kind] = get_args(Kind),
    ) -> None:
        self._upstream, self._mean, self._share, self._stall, self._kinds = upstream, mean, share, stall, kinds
        self._random = random.Random(seed)
        self._stack = contextlib.ExitStack()
        self.connections = 0
        self.struck: Counter[Kind] = Counter()

    def __enter__(self) -> Self:
        """Start to listen."""
        self.port, _ = self._stack.enter_context(listening(self._connection))
        return self

    def __exit__(self, *exc: object) -> None:
        """Cut what is still open, wait until the server has noticed, and stop."""
        self._stack.close()

    @property
    def endpoint(self) -> str:
        """Where it listens, for a client that speaks HTTP."""
        return f"http://{HOST}:{self.port}"

    def _plan(self) -> Plan:
        breaks, kind = self._random.random() < self._share, self._random.choice(self._kinds)
        left = min(self._random.expovariate(1 / self._mean), 3 * self._mean)
        return Plan(kind if breaks or self.connections == 1 else None, int(left))

    async def _connection(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.connections += 1
        plan = self._plan()
        from_server, server = await self._connect()
        try:
            await self._both(plan, (reader, server, True), (from_server, writer, False))
            writer.close()
            await writer.wait_closed()
        except StruckError:
            await self._strike(plan, reader, writer)
        finally:
            writer.transport.abort()
            ending = asyncio.ensure_future(_end(from_server, server, asked=plan.asked))
            try:
                await asyncio.shield(ending)
            except asyncio.CancelledError:
                await ending
                raise

    async def _connect(self) -> tuple[StreamReader, StreamWriter]:
        if isinstance(self._upstream, str):
            return await asyncio.open_unix_connection(self._upstream)
        return await asyncio.open_connection(*self._upstream)

    async def _both(self, plan: Plan, *ways: tuple[StreamReader, StreamWriter, bool]) -> None:
        """Pass on in both directions until one of them ends."""
        tasks = [asyncio.create_task(self._pass(plan, *way)) for way in ways]
        try:
            done, _ = await asyncio.wait(tasks, return_when="FIRST_COMPLETED")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()

    async def _pass(self, plan: Plan, reader: StreamReader, writer: StreamWriter, asks: bool) -> None:
        while block := await reader.read(PIECE if plan.slow else BLOCK):
            plan.asked = asks
            if plan.kind and not plan.slow and len(block) > plan.left:
                if plan.kind != "throttle":
                    writer.write(block[: plan.left])
                    await writer.drain()
                    raise StruckError
                plan.slow = True
                self.struck["throttle"] += 1
            plan.left -= len(block)
            writer.write(block)
            await writer.drain()
            if plan.slow:
                await asyncio.sleep(PAUSE)

    async def _strike(self, plan: Plan, reader: StreamReader, writer: StreamWriter) -> None:
        self.struck[plan.kind] += 1
        if plan.kind == "stall":
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._stall):
                    while await reader.read(BLOCK):
                        pass
        if plan.kind != "cut":
            # Closed with this, a socket sends a reset.
            sock: socket.socket = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def _end(reader: StreamReader, server: StreamWriter, *, asked: bool) -> None:
    """Leave a server when it has done what it was asked for: whoever looks at it afterwards finds it at rest."""
    try:
        with contextlib.suppress(OSError):
            server.write_eof()
            async with asyncio.timeout(PATIENCE):
                if asked:
                    await reader.read(BLOCK)
    finally:
        server.transport.abort()
