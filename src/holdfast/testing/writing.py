"""The contract's part on writing."""
# ruff: noqa: S101  # a test suite, shipped

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from holdfast.contents import to_source
from holdfast.errors import AlreadyExistsError, InvalidKeyError, SourceTypeError, SpentSourceError
from holdfast.testing.base import ContractPart
from holdfast.testing.contents import ASYNC_KINDS, BIG, KINDS, Unseekable, async_pieces, checksum, pieces

if TYPE_CHECKING:
    from pathlib import Path

    from holdfast.backends.base import StorageBackend
    from holdfast.testing.half import Half

CLIMBING = ["../x", "a/../x", "/etc/passwd", "a\\..\\x", "..", ".", "", "a//b", "a/", "x\0.png", "a/./b", "\ud800"]
ODD = [
    *["with space.txt", "per%cent", "per%20cent", "ha#sh", "what?", "what?versionId=1", "a+b", "été", "e\u0301", "🎉"],
    *["~tilde", "-dash", "--flag", "$HOME", "`id`", "semi;colon", "a&b=c", "qu'ote\"s", "co:lon", "a::b", "at@x"],
    *["star*", "[ab]", "{a,b}", "<tag>", "pi|pe", "com,ma", "caret^", "...", "..a", "a..", ".hidden", "a.b.c", "CON"],
]
METADATA = {
    "author": "Ada",
    "Capital": "yes",
    "ville": "Orléans 🎉",
    "clé": "é",
    "nested": {"tags": ["a", "ü"], "n": [1, 2.5, None, True]},
    "line\nbreak": " a  b\r\nSet-Cookie: x ",
    "empty": "",
}


def _type_name(content: Any) -> str:
    return type(content).__name__


class Writing(ContractPart):
    """What a put takes, writes, answers and refuses."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_kind_of_content_is_stored(self, half: Half, kind: str, tmp_path: Path) -> None:
        """Bytes, paths, files, iterators and uploads give the same object, whose size and checksum are right."""
        data = b"some bytes " * 20_000
        info = half.put("x", KINDS[kind](data, tmp_path))
        assert (info.key, info.size, info.checksum) == (half.key("x"), len(data), checksum(data))
        assert half.read("x") == data

    @pytest.mark.parametrize("kind", ASYNC_KINDS)
    def test_async_content_is_stored(self, async_half: Half, kind: str, tmp_path: Path) -> None:
        """Async iterators and async files give the same object as bytes."""
        data = b"some bytes " * 20_000
        info = async_half.put("x", ASYNC_KINDS[kind](data, tmp_path))
        assert (info.size, info.checksum) == (len(data), checksum(data))
        assert async_half.read("x") == data

    @pytest.mark.parametrize("kind", ["bytes", "path", "unseekable file", "generator"])
    def test_a_big_body_is_stored(self, half: Half, kind: str, tmp_path: Path) -> None:
        """A body that needs several parts arrives whole and in order."""
        info = half.put("big", KINDS[kind](BIG, tmp_path))
        assert (info.size, info.checksum) == (len(BIG), checksum(BIG))
        assert half.stat("big").size == len(BIG)
        half.verify("big", checksum(BIG))

    def test_a_big_async_body_is_stored(self, async_half: Half) -> None:
        """A body of several parts from an async iterator arrives whole and in order."""
        info = async_half.put("big", async_pieces(BIG))
        assert (info.size, info.checksum) == (len(BIG), checksum(BIG))
        async_half.verify("big", checksum(BIG))

    @pytest.mark.parametrize("use_multipart", [True, False])
    def test_multipart_can_be_forced_and_forbidden(self, half: Half, *, use_multipart: bool) -> None:
        """`use_multipart` changes how bytes travel, not what is stored, down to an empty file."""
        for name, data in {"empty": b"", "small": b"small", "big": BIG}.items():
            info = half.put(name, data, use_multipart=use_multipart, chunk_size=5_500_000, max_concurrency=2)
            assert (info.size, info.checksum) == (len(data), checksum(data))
            assert half.read(name) == data

    @pytest.mark.parametrize("content", [b"", [], io.BytesIO()], ids=["bytes", "iterable", "file"])
    def test_an_empty_file_is_a_file(self, half: Half, content: Any) -> None:
        """Nothing at all is stored as zero bytes."""
        assert half.put("empty", content).size == 0
        assert half.exists("empty")
        assert half.stat("empty").size == 0
        assert half.read("empty") == b""
        assert half.stream("empty") in ([], [b""])

    def test_an_answer_tells_what_is_stored(self, half: Half) -> None:
        """A put answers with the tag and the time that a stat gives."""
        info, found = half.put("x", b"bytes"), half.stat("x")
        assert (found.key, found.size) == (info.key, info.size)
        if half.abilities.etag:
            assert info.etag
            assert '"' not in info.etag
        assert (info.etag, info.version_id) == (found.etag, found.version_id)
        assert found.last_modified is not None or not half.abilities.last_modified
        if info.last_modified is not None and found.last_modified is not None:
            assert abs(info.last_modified - found.last_modified) < 5  # noqa: PLR2004  # whole seconds, two clocks

    def test_a_put_replaces(self, half: Half) -> None:
        """The second put's bytes, size and tag are seen at once, by put and by stat."""
        half.put("x", b"first, and longer")
        first = half.stat("x")
        half.put("x", b"second")
        second = half.stat("x")
        assert half.read("x") == b"second"
        assert second.size == len(b"second")
        if half.abilities.etag:
            assert first.etag != second.etag

    def test_a_taken_key_is_left_alone(self, half: Half) -> None:
        """With `if_absent` a second put fails and the first bytes stay."""
        _needs_atomic_create(half)
        half.put("x", b"first", if_absent=True)
        with pytest.raises(AlreadyExistsError) as caught:
            half.put("x", b"second", if_absent=True)
        assert isinstance(caught.value, FileExistsError)
        assert (caught.value.operation, caught.value.path) == ("put", half.key("x"))
        assert half.read("x") == b"first"

    def test_one_of_many_creates(self, half: Half) -> None:
        """Of several puts with `if_absent` at the same time exactly one succeeds, and its bytes are there."""
        _needs_atomic_create(half)

        def create(number: int) -> int | None:
            try:
                half.storage.put(half.key("x"), b"%d" % number, if_absent=True)
            except AlreadyExistsError:
                return None
            return number

        with ThreadPoolExecutor(4) as pool:
            winners = [number for number in pool.map(create, range(8)) if number is not None]
        assert len(winners) == 1
        assert half.read("x") == b"%d" % winners[0]

    def test_content_type_is_kept(self, half: Half) -> None:
        """The answer names the content type, and a stat does where the storage keeps it."""
        assert half.put("x", b"bytes", content_type="image/svg+xml; x=y").content_type == "image/svg+xml; x=y"
        half.put("big", BIG, content_type="image/png")
        if half.abilities.content_type:
            assert half.stat("x").content_type == "image/svg+xml; x=y"
            assert half.stat("big").content_type == "image/png"

    def test_metadata_is_kept(self, half: Half) -> None:
        """The answer holds the metadata, and a stat does where the storage keeps them: any JSON, unchanged."""
        assert half.put("x", b"bytes", metadata=METADATA).metadata == METADATA
        half.put("big", BIG, metadata=METADATA)
        half.put("plain", b"bytes")
        if half.abilities.metadata:
            assert half.stat("x").metadata == METADATA
            assert half.stat("big").metadata == METADATA
        assert half.stat("plain").metadata == {}
        assert half.read("x") == b"bytes"

    def test_odd_names_are_names(self, half: Half) -> None:
        """Spaces, accents, emoji and characters with a meaning elsewhere are nothing special in a key."""
        for name in ODD:
            half.put(name, name.encode())
        assert {name: half.read(name) for name in ODD} == {name: name.encode() for name in ODD}
        assert half.names() == sorted(ODD, key=str.encode)
        assert {half.stat(name).key for name in ODD} == {half.key(name) for name in ODD}
        half.delete(*ODD)
        assert half.names() == []

    def test_long_and_deep_keys(self, half: Half) -> None:
        """A key may have 255 bytes in a segment and many segments."""
        for name in ["é" * 127 + "x", "/".join("d" * 80 for _ in range(11))]:
            half.put(name, b"bytes")
            assert half.read(name) == b"bytes"
            half.delete(name)

    @pytest.mark.parametrize("content", ["text", 3, None, {"a": b"b"}, io.StringIO("text")], ids=_type_name)
    def test_what_has_no_bytes_is_refused(self, half: Half, content: Any) -> None:
        """A `str` and other things that are no bytes raise a typed error, and nothing is stored."""
        with pytest.raises(SourceTypeError):
            half.put("x", content)
        assert not half.exists("x")

    @pytest.mark.parametrize("content", [["text"], [b"bytes", "text"], [1]], ids=["text", "mixed", "numbers"])
    def test_an_iterator_of_something_else_is_refused(self, half: Half, content: Any) -> None:
        """An iterator that yields text raises a typed error, and nothing is stored."""
        with pytest.raises(SourceTypeError):
            half.put("x", content)
        assert not half.exists("x")

    def test_async_content_in_a_sync_call_is_refused(self, storage: StorageBackend, half: Half) -> None:
        """An async iterator in a sync call is an error that names the twin."""
        with pytest.raises(SourceTypeError, match="_async"):
            storage.put(half.key("x"), async_pieces(b"bytes"))
        assert not half.exists("x")

    def test_a_climbing_key_is_refused(self, half: Half) -> None:
        """A key that climbs, is absolute or cannot be a name everywhere is refused by every operation."""
        for key in CLIMBING:
            for operation in ["read", "stream", "stat", "exists", "delete"]:
                with pytest.raises(InvalidKeyError):
                    half.call(operation, key)
            with pytest.raises(InvalidKeyError):
                half.call("put", key, b"bytes")
            for pair in [(key, half.key("x")), (half.key("x"), key)]:
                with pytest.raises(InvalidKeyError):
                    half.call("copy", *pair)

    @pytest.mark.parametrize("make", [pieces, Unseekable])
    def test_spent_content_raises(self, half: Half, make: Any) -> None:
        """Content that was read and cannot be rewound raises instead of storing nothing."""
        source = to_source(make(b"bytes"))
        half.put("x", source)
        with pytest.raises(SpentSourceError):
            half.put("y", source)
        assert not half.exists("y")

    def test_a_file_is_rewound(self, half: Half) -> None:
        """A seekable file is stored whole, wherever it stands, as often as it is put."""
        file = io.BytesIO(b"0123456789")
        file.seek(5)
        for name in ["x", "y"]:
            half.put(name, file)
            assert half.read(name) == b"0123456789"


def _needs_atomic_create(half: Half) -> None:
    if not half.abilities.atomic_create:
        pytest.skip("declared: no atomic create")
