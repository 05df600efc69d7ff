"""The contract's part on puts that do not come to an end."""
# ruff: noqa: S101  # a test suite, shipped

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.backends.batch import PutRequest
from holdfast.objects import ObjectInfo
from holdfast.testing.base import ContractPart
from holdfast.testing.contents import BIG, MIB, Failed, async_failing, failing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from holdfast.backends.base import StorageBackend
    from holdfast.testing.half import Half

LENGTHS = pytest.mark.parametrize("length", [0, 10, 2 * MIB, 20 * MIB], ids=["at once", "small", "medium", "large"])


class Failing(ContractPart):
    """A put that fails or is cancelled leaves nothing, and what was there before stays."""

    @LENGTHS
    def test_a_failing_content_leaves_nothing(self, storage: StorageBackend, half: Half, length: int) -> None:
        """What the content raises comes out as it is; the old object stays, a new one does not appear."""
        half.put("old", b"old bytes")
        for name in ["old", "new"]:
            with pytest.raises(Failed):
                half.put(name, failing(b"x" * length))
        assert half.read("old") == b"old bytes"
        assert half.names() == ["old"]
        assert self.leftovers(storage) == 0

    @LENGTHS
    def test_a_failing_async_content_leaves_nothing(
        self, storage: StorageBackend, async_half: Half, length: int
    ) -> None:
        """The same for an async content."""
        with pytest.raises(Failed):
            async_half.put("new", async_failing(b"x" * length))
        assert async_half.names() == []
        assert self.leftovers(storage) == 0

    def test_a_content_that_raises_a_storage_like_error(self, half: Half) -> None:
        """An error of the content is never taken for the storage's, even if it looks like one."""

        class LookalikeError(FileExistsError):
            pass

        def content() -> Iterator[bytes]:
            yield b"bytes"
            raise LookalikeError

        with pytest.raises(LookalikeError):
            half.put("x", content())
        assert not half.exists("x")

    def test_a_missing_path_leaves_nothing(self, half: Half, tmp_path: Path) -> None:
        """A path that is not there raises FileNotFoundError with that path."""
        with pytest.raises(FileNotFoundError, match="nowhere"):
            half.put("x", tmp_path / "nowhere")
        assert not half.exists("x")

    @LENGTHS
    def test_a_cancelled_put_leaves_nothing(self, storage: StorageBackend, async_half: Half, length: int) -> None:
        """A task that is cancelled while its content makes it wait ends at once, and nothing is left."""
        key = async_half.key("x")

        async def run() -> None:
            waiting = asyncio.Event()

            async def slow() -> AsyncIterator[bytes]:
                for _ in range(0, length, MIB):
                    yield b"x" * min(MIB, length)
                waiting.set()
                await asyncio.Event().wait()

            task = asyncio.create_task(storage.put_async(key, slow()))
            await waiting.wait()
            task.cancel()
            async with asyncio.timeout(20):
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert [info.key async for info in storage.list_async(async_half.folder)] == []

        asyncio.run(run())
        assert self.leftovers(storage) == 0

    def test_a_put_cancelled_at_any_moment(self, storage: StorageBackend, async_half: Half) -> None:
        """Cancelled early or late, a put has stored the whole object or nothing by the time its task ends."""
        turns = [0, 1, 2, 3, 5, 10, 20, 50]

        async def run() -> None:
            for turn in turns:
                key = async_half.key(f"{turn}")
                task = asyncio.create_task(storage.put_async(key, BIG))
                for _ in range(turn):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])
                if await storage.exists_async(key):
                    assert await storage.read_async(key) == BIG
                else:
                    assert task.cancelled()

        asyncio.run(run())
        assert self.leftovers(storage) == 0

    def test_a_cancelled_read_ends(self, storage: StorageBackend, async_half: Half) -> None:
        """A task that is cancelled while it streams or lists ends as cancelled, and the storage goes on working."""
        for name in ["x", "y"]:
            async_half.put(name, BIG)

        async def consume(chunks: AsyncIterator[Any], started: asyncio.Event) -> None:
            async for _ in chunks:
                started.set()

        async def run() -> None:
            for turn in range(8):
                started = asyncio.Event()
                stream = storage.stream_async(async_half.key("x"), chunk_size=50_000)
                task = asyncio.create_task(consume(stream, started))
                await started.wait()
                for _ in range(turn):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])
                assert task.cancelled() or task.exception() is None  # a quick storage was at the end
            assert await storage.read_async(async_half.key("y")) == BIG

        asyncio.run(run())

    def test_one_of_many_fails_alone(self, storage: StorageBackend, half: Half) -> None:
        """In a batch each object has its own outcome, in order, and a failing one harms no other."""
        requests = [PutRequest(half.key(f"{number:02}"), b"%d" % number, if_absent=True) for number in range(12)]
        requests.insert(3, PutRequest(half.key("failing"), failing(b"x" * 10)))
        requests.insert(7, PutRequest(half.key("large"), failing(b"x" * (10 * MIB))))
        requests.insert(9, PutRequest(half.key("big"), BIG, content_type="image/png"))
        outcomes = half.put_many(requests)
        assert [type(outcome) for outcome in outcomes] == [
            Failed if index in {3, 7} else ObjectInfo for index in range(len(requests))
        ]
        for request, outcome in zip(requests, outcomes, strict=True):
            assert isinstance(outcome, Failed) or (outcome.key == request.key and outcome.checksum)  # type: ignore[union-attr]
        assert half.names() == [*(f"{number:02}" for number in range(12)), "big"]
        assert half.read("11") == b"11"
        assert self.leftovers(storage) == 0
