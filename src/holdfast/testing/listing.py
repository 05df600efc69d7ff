"""The contract's part on listing."""
# ruff: noqa: S101  # a test suite, shipped

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.testing.base import ContractPart

if TYPE_CHECKING:
    from holdfast.testing.half import Half

# "-" and "." sort before "/", "0" after it: a walk that sorts folder by folder gets this wrong. U+FF5E comes before
# U+1F389 in UTF-8, after it in UTF-16.
NAMES = ["a", "a-b", "a.b", "a0", "b/a", "b/a/c", "b-/x", "b0", "c/d/e/f", "é", "\uff5e", "🎉", "Z"]
STORED = [name for name in NAMES if name != "b/a"]


class Listing(ContractPart):
    """Which objects a listing finds, and in which order."""

    def test_all_come_in_order(self, half: Half) -> None:
        """Every object below a folder is listed once, in the order of the keys' UTF-8 bytes, with its size."""
        for name in STORED:
            half.put(name, name.encode())
        assert half.names() == sorted(STORED, key=str.encode)
        sizes = {info.key: info.size for info in half.infos()}
        assert sizes == {half.key(name): len(name.encode()) for name in STORED}
        whole = [info.key for info in half.call("list")]
        assert [key for key in whole if key.startswith(half.folder)] == [half.key(name) for name in half.names()]

    def test_a_prefix_is_a_folder(self, half: Half) -> None:
        """Folder `a` holds `a/b` and never `ab`; an object of that name and a missing folder hold nothing."""
        for name in ["a/x", "a/b/y", "ab", "a-b/z", "a0", "file", *(["a"] if half.abilities.flat else [])]:
            half.put(name, b"bytes")
        assert half.names("a") == half.names("a/") == ["a/b/y", "a/x"]
        assert half.names("a/b") == ["a/b/y"]
        assert half.names("file") == half.names("missing") == half.names("a/x") == []

    def test_a_listing_resumes(self, half: Half) -> None:
        """`after` leaves out that key and all before it, whether or not it exists."""
        for name in STORED:
            half.put(name, b"bytes")
        ordered = half.names()
        for name in [*STORED, "b", "b/", "b/a", "b/zzz", "c/d", "c/d/e/", "c/d/e/f/g", "", "~"]:
            expected = [other for other in ordered if other.encode() > name.encode()]
            assert half.names(after=name or None) == expected, name
        assert half.names("b", after="a") == ["b/a/c"]
        assert half.names("b", after="c") == []

    def test_pages_join(self, half: Half) -> None:
        """A listing that is resumed after each page of seven finds every key once."""
        names = [f"{number:02}/{number % 7}" for number in range(40)]
        for name in names:
            half.put(name, b"")
        found: list[str] = []
        while page := half.names(after=found[-1] if found else None)[:7]:
            found += page
        assert found == names

    def test_a_listing_is_fresh(self, half: Half) -> None:
        """What was put or deleted a moment ago is in the listing, or not."""
        half.put("d/x", b"bytes")
        assert half.names("d") == ["d/x"]
        half.put("d/y", b"bytes")
        half.put("d/x", b"longer bytes")
        assert [info.size for info in half.infos("d")] == [12, 5]
        half.delete("d/x")
        assert half.names("d") == ["d/y"]
        assert half.names() == ["d/y"]
