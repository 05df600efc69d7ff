"""The proxy that breaks connections breaks them, each in its way."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.servers.ports import HOST
from tests.servers.proxy import ChaosProxy

MANY = b"x" * 100_000


class Echo:
    """A server that sends everything back, and counts what it got."""

    def __init__(self) -> None:
        self._listener = socket.create_server((HOST, 0))
        self.port = self._listener.getsockname()[1]
        self.got = 0
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection, suppress(OSError):
                    while block := connection.recv(1000):
                        self.got += len(block)
                        connection.sendall(block)

    def stop(self) -> None:
        """Stop."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    """A server."""
    server = Echo()
    yield server
    server.stop()


def exchange(proxy: ChaosProxy, seconds: float = 60) -> bytes:
    """Send many bytes and return those that come back."""
    with socket.create_connection((HOST, proxy.port), timeout=seconds) as client:
        sender = threading.Thread(target=lambda: _send(client))
        sender.start()
        received = b""
        try:
            while len(received) < len(MANY) and (block := client.recv(1 << 16)):
                received += block
        finally:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            sender.join()
        return received


def _send(client: socket.socket) -> None:
    with suppress(OSError):
        client.sendall(MANY)


def test_most_bytes_pass(echo: Echo) -> None:
    """A connection that is throttled, and one that has more to go than it is used for, pass all bytes."""
    with ChaosProxy((HOST, echo.port), "seed", mean=1000, kinds=["throttle"]) as proxy:
        assert exchange(proxy) == MANY
        assert proxy.struck == {"throttle": 1}
    with ChaosProxy((HOST, echo.port), "seed", mean=10**9) as proxy:
        assert exchange(proxy) == MANY
        assert not proxy.struck


def test_cut(echo: Echo) -> None:
    """The client sees an end where there should be more."""
    with ChaosProxy((HOST, echo.port), "seed", mean=20_000, kinds=["cut"]) as proxy, suppress(ConnectionResetError):
        assert len(exchange(proxy)) < len(MANY)
    assert proxy.struck == {"cut": 1}
    assert echo.got < len(MANY)


def test_reset(echo: Echo) -> None:
    """The client sees a reset."""
    with (
        ChaosProxy((HOST, echo.port), "seed", mean=20_000, kinds=["reset"]) as proxy,
        pytest.raises(ConnectionResetError),
    ):
        exchange(proxy)
    assert proxy.struck == {"reset": 1}


@pytest.mark.parametrize(("patience", "error"), [(None, TimeoutError), (0.01, ConnectionResetError)])
def test_stall(echo: Echo, patience: float | None, error: type[OSError]) -> None:
    """The client sees nothing any more, until it gives up or the network does."""
    with (
        ChaosProxy((HOST, echo.port), "seed", mean=20_000, kinds=["stall"], stall=patience) as proxy,
        pytest.raises(error),
    ):
        exchange(proxy, seconds=0.2 if patience is None else 60)
    assert proxy.struck == {"stall": 1}


def test_the_seed_decides(echo: Echo) -> None:
    """The same seed makes the same plans, another one others."""
    plans = []
    for seed in ("one", "one", "other"):
        with ChaosProxy((HOST, echo.port), seed, mean=1000) as proxy:
            plans.append([proxy._plan() for _ in range(10)])
    assert plans[0] == plans[1] != plans[2]
