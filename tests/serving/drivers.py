"""Drivers in front of others that show what a sender does with a storage, or hold it up."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator

from obstore.store import MemoryStore

from holdfast.drivers.obstore.driver import ObstoreDriver
from holdfast.drivers.wrappers.wrapper import Wrapper


class Noted(Wrapper):
    """Tells when a read has ended, however it ended, and whether one was begun at all."""

    def __init__(self, driver):
        super().__init__(driver)
        self.begun = 0
        self.ended = asyncio.Event()
        self.is_closed = False

    async def read_async(self, key, start, end, chunk_size) -> AsyncIterator[bytes]:
        self.begun += 1
        try:
            async for chunk in super().read_async(key, start, end, chunk_size):
                yield chunk
        finally:
            self.ended.set()

    def read(self, key, start, end, chunk_size) -> Iterator[bytes]:
        self.begun += 1
        try:
            yield from super().read(key, start, end, chunk_size)
        finally:
            self.is_closed = True


class Stalled(Noted):
    """Hangs after the second chunk, like a network that is gone."""

    def __init__(self, driver):
        super().__init__(driver)
        self.stalls = asyncio.Event()

    async def read_async(self, key, start, end, chunk_size) -> AsyncIterator[bytes]:
        try:
            chunks = Wrapper.read_async(self, key, start, end, chunk_size)
            yield await anext(chunks)
            yield await anext(chunks)
            self.stalls.set()
            await asyncio.Event().wait()
        finally:
            self.ended.set()


class Generated(Noted):
    """Has objects of any size, which are nowhere."""

    async def read_async(self, key, start, end, chunk_size) -> AsyncIterator[bytes]:
        for number in range(int(key) // chunk_size):
            yield number.to_bytes(8, "big") * (chunk_size // 8)


class Slow:
    """The sync half of a driver, which waits for the event loop before it reads: only a thread may do that."""

    def __init__(self, driver):
        self._driver = driver
        self.may_read = threading.Event()

    def __getattr__(self, name):
        return getattr(self._driver, name)

    def _wait(self):
        if not self.may_read.wait(20):
            raise TimeoutError("the event loop stood still")

    def read(self, key, start, end, chunk_size):
        self._wait()
        return self._driver.read(key, start, end, chunk_size)


class InOneGo(Slow):
    """Reads what is in memory, and opens nothing."""

    def open_file(self, key):
        raise PermissionError(f"{key} is not to be opened")

    def open_cached(self, key):
        raise PermissionError(f"{key} is not to be opened")

    def read_cached(self, key, start, end, size):
        return self._driver.read_cached(key, start, end, size)

    def relative_path(self, key):
        return key


class SlowFiles(Slow):
    """The same for plain files."""

    def open_file(self, key):
        self._wait()
        return self._driver.open_file(key)

    def open_cached(self, key):
        return None

    def read_cached(self, key, start, end, size):
        return None

    def relative_path(self, key):
        return key


class Unable(ObstoreDriver):
    """A service that signs URLs, with credentials or packages that cannot."""

    def __init__(self, error):
        super().__init__(MemoryStore)
        self._error = error

    def sign(self, request):
        raise self._error

    async def sign_async(self, request):
        raise self._error
