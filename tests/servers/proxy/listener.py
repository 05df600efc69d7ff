"""A TCP server on a loopback port, in a thread with an event loop of its own."""

import asyncio
import contextlib
import socket
import threading
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future

from tests.servers.ports import HOST

Handler = Callable[[StreamReader, StreamWriter], Awaitable[None]]

BLOCK = 1 << 16  # bytes that are passed on at a time


@contextlib.contextmanager
def listening(handle: Handler) -> Iterator[tuple[int, asyncio.AbstractEventLoop]]:
    """Serve with `handle` until the block ends; gives the port and the loop.

    An OSError in `handle` cuts the client's connection.
    """
    started: Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(handle, started)))
    thread.start()
    port, loop, ended = started.result()
    try:
        yield port, loop
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()


async def _serve(
    handle: Handler,
    started: "Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]]",
) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    tasks: set[asyncio.Task[None]] = set()

    def accept() -> None:
        # Not asyncio.start_server: what it accepts in the moment of its close() is
        # never closed, and the warning about that fails some later test.
        with contextlib.suppress(OSError):  # gone again
            sock, _ = listener.accept()
            # asyncio does so only for sockets that name their protocol: a head and its body would be 40 ms apart.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            task = loop.create_task(_connection(handle, sock))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            task.add_done_callback(lambda _: sock.close())

    with socket.create_server((HOST, 0)) as listener:
        listener.setblocking(False)
        loop.add_reader(listener, accept)
        started.set_result((listener.getsockname()[1], loop, ended))
        await ended.wait()
        loop.remove_reader(listener)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)  # lets the aborted transports close their sockets


async def _connection(handle: Handler, sock: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=sock)
    try:
        await handle(reader, writer)
        writer.close()
        await writer.wait_closed()  # until the client has read the rest
    except (OSError, EOFError):
        pass  # a fault, or either side went away
    finally:
        writer.transport.abort()
