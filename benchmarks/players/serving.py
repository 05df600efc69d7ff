"""Who asks a web server, and what the answers cost that server: its processor's time is what is judged."""

from __future__ import annotations

import re
import subprocess
import time
from typing import TYPE_CHECKING

from benchmarks.measuring.race import MIB, SPEED, Player
from benchmarks.players.served import files
from benchmarks.players.served.client import Connection
from benchmarks.players.served.process import HOST, ServerProcess, program

if TYPE_CHECKING:
    from benchmarks.measuring.race import Setting

CONNECTIONS = 16
LARGE = 1024  # MiB
MIDDLE = 200 * MIB
WORDS = {"part": f"Range: bytes={MIDDLE}-{MIDDLE + files.SIZE - 1}\r\n"}


class Asker(Player):
    """Starts a server; the round counts its processor's time and its memory, not those of who asks."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.folder = setting.folder.parent / "served"
        files.make(self.folder, LARGE)
        self.server = ServerProcess(setting.options["server"], self.folder, setting.folder)
        self.part = setting.options["asks"] == "part"
        self.path = files.SMALL if setting.options["asks"] == "small" else files.LARGE
        self.content = b"" if setting.options["server"] == "empty" else self._content()

    def _content(self) -> bytes:
        with (self.folder / self.path).open("rb") as file:
            file.seek(MIDDLE if self.part else 0)
            return file.read(files.SIZE)

    @property
    def request(self) -> bytes:
        """What is asked for."""
        words = WORDS.get(self.setting.options["asks"], "")
        return f"GET /{self.path} HTTP/1.1\r\nHost: {HOST}\r\n{words}\r\n".encode()

    def measure(self) -> dict[str, float]:
        """Return what a core could serve in a second, and what was served in one."""
        self.server.reset_peak()
        memory, cpu, start = self.server.resident("VmRSS"), self.server.spent(), time.perf_counter()
        self.run()
        seconds, cpu = time.perf_counter() - start, self.server.spent() - cpu
        growth = max(0.0, (self.server.resident("VmHWM") - memory) / 1e6)
        return {SPEED: self.served / cpu, "rate": self.served / seconds, **self.cost(cpu), "cpu": cpu, "growth": growth}

    @property
    def served(self) -> float:
        """How much was served: answers."""
        return self.setting.amount

    def cost(self, cpu: float) -> dict[str, float]:
        """Return what one of them costs."""
        return {"each": cpu / self.served * 1e6}

    def close(self) -> None:
        """End the server."""
        self.server.stop()


class Small(Asker):
    """Many small answers over several connections, a request on each in turn."""

    def prepare(self) -> None:
        """Connect, and look at the first answers."""
        self.connections = [Connection(self.server.port, self.request) for _ in range(CONNECTIONS)]
        for connection in self.connections:
            connection.ask_first(self.content)

    def run(self) -> None:
        """Ask on all connections, then read all answers."""
        for _ in range(self.setting.amount // CONNECTIONS):
            for connection in self.connections:
                connection.send()
            for connection in self.connections:
                connection.receive()

    def check(self) -> None:
        """Compare the last answers."""
        for connection in self.connections:
            connection.expect(self.content)
            connection.close()


class Wrk(Asker):
    """The same by wrk, which asks faster than Python can: what one server really answers in a second."""

    def prepare(self) -> None:
        """Look at an answer."""
        self.answers = 0
        connection = Connection(self.server.port, self.request)
        connection.ask_first(self.content)
        connection.close()

    def run(self) -> None:
        """Ask for some seconds."""
        command = [program("wrk", "apt-get install wrk"), "-t1", f"-c{CONNECTIONS}", f"-d{self.setting.amount}s"]
        for line in WORDS.get(self.setting.options["asks"], "").splitlines():
            command += ["-H", line]
        command.append(f"http://{HOST}:{self.server.port}/{self.path}")
        self.output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        self.answers = int(re.findall(r"([0-9]+) requests in", self.output)[0])

    @property
    def served(self) -> float:
        """How many answers there were."""
        return self.answers

    def check(self) -> None:
        """All of them were good."""
        if "Non-2xx" in self.output or "Socket errors" in self.output:
            raise RuntimeError(self.output)


class Large(Asker):
    """One large answer."""

    def prepare(self) -> None:
        """Connect."""
        self.connection = Connection(self.server.port, self.request)
        self.received = 0

    def run(self) -> None:
        """Read it to its end."""
        self.received = self.connection.ask_for_many(self.content)

    @property
    def served(self) -> float:
        """How many GB there were."""
        return self.received / 1e9

    def cost(self, cpu: float) -> dict[str, float]:
        """Return what one of them costs."""
        return {"each": cpu / self.served}

    def check(self) -> None:
        """It was all there."""
        self.connection.close()
        if self.received != LARGE * MIB:
            message = f"{self.received} bytes instead of {LARGE} MiB"
            raise RuntimeError(message)
