"""The contract's part on reading."""
# ruff: noqa: S101  # a test suite, shipped

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from holdfast.errors import NotFoundError
from holdfast.testing.base import ContractPart
from holdfast.testing.contents import BIG

if TYPE_CHECKING:
    from holdfast.backends.base import StorageBackend
    from holdfast.testing.half import Half

DATA = bytes(range(256)) * 40
SPANS = [
    *[(0, None), (0, 0), (0, 1), (0, len(DATA)), (0, len(DATA) + 1), (1, None), (1, 2), (5, 5), (7, 3)],
    *[(len(DATA) - 1, None), (len(DATA), None), (len(DATA) + 5, None), (len(DATA) + 5, len(DATA) + 9)],
    *[(-5, None), (-5, -1), (0, -1), (2, -2), (-1, 0), (-len(DATA) - 9, 4), (-3, len(DATA)), (0, 10**15)],
]
CHUNK = 1000


class Reading(ContractPart):
    """What a read, a stream, a stat and an open file give."""

    def test_a_span_is_like_a_slice(self, half: Half) -> None:
        """Start is inclusive, end exclusive, negative counts from the end, past the end there is nothing."""
        half.put("x", DATA)
        for start, end in SPANS:
            assert half.read("x", start=start, end=end) == DATA[start:end], (start, end)
            chunks = half.stream("x", start=start, end=end, chunk_size=CHUNK)
            assert b"".join(chunks) == DATA[start:end], (start, end)

    def test_a_span_of_nothing(self, half: Half) -> None:
        """An empty file has no bytes in any span."""
        half.put("x", b"")
        for start, end in [(0, None), (0, 1), (3, None), (3, 9), (-1, None)]:
            assert half.read("x", start=start, end=end) == b""
            assert b"".join(half.stream("x", start=start, end=end)) == b""

    def test_a_stream_comes_in_chunks(self, half: Half) -> None:
        """No chunk is much larger than asked for, so that memory stays bounded."""
        half.put("x", BIG)
        chunks = half.stream("x", chunk_size=100_000)
        assert max(map(len, chunks)) <= 200_000  # noqa: PLR2004  # "about" as much as asked for
        assert b"".join(chunks) == BIG

    def test_a_stream_may_be_left(self, storage: StorageBackend, half: Half) -> None:
        """A stream that is not read to its end holds nothing back."""
        half.put("x", BIG)
        for _ in range(15):  # more than the connections of a usual pool
            stream = storage.stream(half.key("x"), chunk_size=100_000)
            assert BIG.startswith(next(stream))
            stream.close()  # type: ignore[attr-defined]
        assert half.read("x", end=4) == BIG[:4]

    def test_what_is_missing_raises(self, half: Half) -> None:
        """Reading what is not there raises an error that says what, where and that is a FileNotFoundError."""
        for operation in ["read", "stream", "stat"]:
            with pytest.raises(NotFoundError) as caught:
                half.call(operation, half.key("missing"))
            assert isinstance(caught.value, FileNotFoundError)
            assert (caught.value.storage, caught.value.path) == (half.storage.key, half.key("missing"))
            assert half.key("missing") in str(caught.value)
        for end in (9, 5):
            with pytest.raises(NotFoundError):
                half.read("missing", start=5, end=end)
        assert not half.exists("missing")

    def test_a_folder_is_no_object(self, half: Half) -> None:
        """The name of a folder, and a name below an object, are not there."""
        half.put("folder/x", b"bytes")
        for name in ["folder", "folder/x/y"]:
            assert not half.exists(name)
            with pytest.raises(NotFoundError):
                half.read(name)

    def test_an_open_object_is_a_file(self, storage: StorageBackend, half: Half) -> None:
        """Libraries that want a seekable file get one: a zip archive is read in place."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("a.txt", "alpha")
            archive.writestr("b.bin", BIG[: 3 * 1024 * 1024])
        half.put("x.zip", buffer)
        with storage.open(half.key("x.zip")) as file, zipfile.ZipFile(file) as archive:
            assert archive.read("a.txt") == b"alpha"
            assert archive.testzip() is None
        with pytest.raises(NotFoundError):
            storage.open(half.key("missing"))
