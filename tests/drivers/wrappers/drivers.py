"""Drivers on a local disk with troubles of a network."""

import errno
import threading

from holdfast.drivers.local import LocalDriver


def timed_out() -> OSError:
    """Return what passes: a new exception for each time it is raised."""
    return OSError(errno.ETIMEDOUT, "timed out")


class Cutting(LocalDriver):
    """Reads and listings that break off after some steps, a number of times."""

    cuts = 0
    after = 1
    silent = False

    def __init__(self, root):
        super().__init__(root, durable=False)
        self.reads = []
        self.on_cut = lambda: None

    def read(self, key, start, end, chunk_size):
        self.reads.append((start, end))
        yield from self._cut(super().read(key, start, end, chunk_size))

    def list(self, prefix, after):
        yield from self._cut(super().list(prefix, after))

    def _cut(self, steps):
        for number, step in enumerate(steps):
            if number == self.after and self.cuts:
                self.cuts -= 1
                self.on_cut()
                if self.silent:
                    return
                raise timed_out()
            yield step


class Hanging(LocalDriver):
    """Hangs where it is told to, until it is let go."""

    def __init__(self, root):
        super().__init__(root, durable=False)
        self.hangs = set()
        self.go_on = threading.Event()
        self.calls = 0

    def stat(self, key):
        self._maybe("stat")
        return super().stat(key)

    def read(self, key, start, end, chunk_size):
        for chunk in super().read(key, start, end, chunk_size):
            self._maybe("read")
            yield chunk

    def put_many(self, puts):
        self._maybe("put")
        return super().put_many(puts)

    def _maybe(self, operation):
        self.calls += 1
        if operation in self.hangs:
            assert self.go_on.wait(60)


class Busy(LocalDriver):
    """Counts how many calls are under way at once."""

    def __init__(self, root):
        super().__init__(root, durable=False)
        self.now = self.most = 0
        self.lock = threading.Lock()
        self.met = threading.Condition(self.lock)

    def stat(self, key):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.met.wait(0.002)  # long enough for others to come in, if they may
            self.now -= 1
        return super().stat(key)
