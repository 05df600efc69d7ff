"""What a storage promises that is only read, as tests.

Example:
    ::

        class TestMyArchive(ReadOnlyContract):
            @pytest.fixture
            def storage(self, tmp_path):
                with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
                    for name, data in CONTENTS.items():
                        archive.writestr(name, data)
                return FSSpecBackend("docs", fs="zip", fo=str(tmp_path / "a.zip"))
"""
# ruff: noqa: S101  # a test suite, shipped

from __future__ import annotations

import asyncio
import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.errors import NotFoundError, UnsupportedError
from holdfast.testing.base import ContractPart
from holdfast.testing.contents import BIG, checksum
from holdfast.testing.half import Half
from holdfast.testing.reading import DATA, SPANS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from holdfast.backends.base import StorageBackend
    from holdfast.drivers.abilities import Abilities

_CHUNK = 1000


def _archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.txt", "alpha")
    return buffer.getvalue()


ODD = ["with space", "per%cent", "per%20cent", "ha#sh", "what?", "a+b", "été", "🎉", "semi;colon", "a&b=c", "star*"]
CONTENTS: dict[str, bytes] = {
    "data": DATA,
    "empty": b"",
    "big": BIG,
    "folder/a": b"a in a folder",
    "folder/deeper/b": b"b in a deeper folder",
    "folder.txt": b"beside the folder",
    "archive.zip": _archive(),
    **{f"odd/{name}": name.encode() for name in ODD},
}
"""What has to lie in the storage, and nothing else."""


class _Whole(Half):
    """One half of a storage, with keys as they are."""

    def __init__(self, storage: StorageBackend, *, is_async: bool, abilities: Abilities) -> None:
        super().__init__(storage, is_async=is_async, abilities=abilities)
        self.folder = ""

    def key(self, name: str) -> str:
        """Return the name."""
        return name

    def close(self) -> None:
        """End the event loop; nothing was written that could be deleted."""
        if self._runner is not None:
            self._runner.close()


class ReadOnlyContract(ContractPart):
    """Runs what can be asked of a storage that is only read, through its sync and its async half.

    Override the fixture `storage`; it has to hold `CONTENTS`.
    """

    def _half(self, storage: StorageBackend, *, is_async: bool) -> Half:
        abilities = super()._half(storage, is_async=False).abilities
        return _Whole(storage, is_async=is_async, abilities=abilities)

    def test_a_span_is_like_a_slice(self, half: Half) -> None:
        """Start is inclusive, end exclusive, negative counts from the end, past the end there is nothing."""
        for start, end in SPANS:
            assert half.read("data", start=start, end=end) == DATA[start:end], (start, end)
            chunks = half.stream("data", start=start, end=end, chunk_size=_CHUNK)
            assert b"".join(chunks) == DATA[start:end], (start, end)
        for start, end in [(0, None), (0, 1), (3, None), (-1, None)]:
            assert half.read("empty", start=start, end=end) == b""

    def test_a_stream_comes_in_chunks(self, storage: StorageBackend, half: Half) -> None:
        """No chunk is much larger than asked for, and a stream that is left holds nothing back."""
        chunks = half.stream("big", chunk_size=100_000)
        assert max(map(len, chunks)) <= 200_000  # noqa: PLR2004  # "about" as much as asked for
        assert b"".join(chunks) == BIG
        for _ in range(15):
            stream = storage.stream("big", chunk_size=100_000)
            assert BIG.startswith(next(stream))
            stream.close()  # type: ignore[attr-defined]
        assert half.read("big", start=len(BIG) - 7) == BIG[-7:]

    def test_what_is_there_is_described(self, half: Half) -> None:
        """Size and time are told, the entity tag where there is one; the checksum of the bytes can be verified."""
        for name, data in CONTENTS.items():
            found = half.stat(name)
            assert (found.key, found.size) == (name, len(data))
            assert found.last_modified is not None
            if half.abilities.etag:
                assert found.etag
                assert '"' not in found.etag
            assert half.exists(name)
        half.verify("big", checksum(BIG))

    def test_odd_names_are_names(self, half: Half) -> None:
        """Characters with a meaning in addresses and patterns stand for themselves."""
        assert {name: half.read(f"odd/{name}") for name in ODD} == {name: name.encode() for name in ODD}

    def test_what_is_missing_raises(self, half: Half) -> None:
        """Missing objects, folders, and names below an object are not there."""
        for name in ["missing", "folder", "folder/deeper", "data/x", "missing/x"]:
            assert not half.exists(name)
            for operation in ["read", "stream", "stat"]:
                with pytest.raises(NotFoundError) as caught:
                    half.call(operation, name)
                assert (caught.value.storage, caught.value.path) == (half.storage.key, name)

    def test_nothing_is_written(self, half: Half) -> None:
        """What would change the storage is refused, with an error that says why, and the content is not touched."""
        content = iter([b"bytes"])
        calls: list[tuple[str, list[Any]]] = [
            ("put", ["new", content]),
            ("delete", ["data"]),
            ("copy", ["data", "new"]),
        ]
        for operation, arguments in calls:
            with pytest.raises(UnsupportedError, match="read-only"):
                half.call(operation, *arguments)
        assert next(content) == b"bytes"
        with pytest.raises(UnsupportedError):
            half.call("sign", "data")
        assert half.exists("data")
        assert not half.abilities.writable

    def test_a_listing(self, half: Half) -> None:
        """All objects come in the order of their keys, folders are whole ones, and a listing resumes after a key."""
        if not half.abilities.lists:
            with pytest.raises(UnsupportedError, match="read-only"):
                half.call("list")
            return
        names = sorted(CONTENTS, key=str.encode)
        found = half.call("list")
        assert [(info.key, info.size) for info in found] == [(name, len(CONTENTS[name])) for name in names]
        assert [info.key for info in half.call("list", "folder")] == ["folder/a", "folder/deeper/b"]
        assert half.call("list", "missing") == half.call("list", "data") == []
        for after in ["data", "folder/a", "folder/", "folder/zz", "~"]:
            expected = [name for name in names if name.encode() > after.encode()]
            assert [info.key for info in half.call("list", after=after)] == expected, after

    def test_an_open_object_is_a_file(self, storage: StorageBackend) -> None:
        """Libraries that want a seekable file get one."""
        with storage.open("archive.zip") as file, zipfile.ZipFile(file) as archive:
            assert archive.read("a.txt") == b"alpha"

    def test_one_object_read_by_many(self, storage: StorageBackend) -> None:
        """Readers in threads and in event loops do not disturb each other."""

        async def gathered() -> bool:
            return all(data == DATA for data in await asyncio.gather(*(storage.read_async("data") for _ in range(20))))

        def work(chunk_size: int) -> bool:
            if chunk_size % 2:
                return asyncio.run(gathered())
            return b"".join(storage.stream("big", chunk_size=chunk_size)) == BIG

        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(work, [100_000, 1, 300_000, 3, 2_000_000]))

    def test_a_cancelled_read_ends(self, storage: StorageBackend) -> None:
        """A task that is cancelled while it streams ends as cancelled, and the storage goes on working."""

        async def consume(chunks: AsyncIterator[Any], started: asyncio.Event) -> None:
            async for _ in chunks:
                started.set()

        async def run() -> None:
            for turn in range(4):
                started = asyncio.Event()
                task = asyncio.create_task(consume(storage.stream_async("big", chunk_size=50_000), started))
                await started.wait()
                for _ in range(turn):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])
                assert task.cancelled() or task.exception() is None
            assert await storage.read_async("data") == DATA

        asyncio.run(run())
