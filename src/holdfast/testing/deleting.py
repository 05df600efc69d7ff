"""The contract's part on deleting."""
# ruff: noqa: S101  # a test suite, shipped

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.testing.base import ContractPart

if TYPE_CHECKING:
    from holdfast.testing.half import Half


class Deleting(ContractPart):
    """What a delete removes, and what it never touches."""

    def test_a_deleted_object_is_gone(self, half: Half) -> None:
        """After a delete there is nothing to read, and a new object may take the key."""
        half.put("x", b"bytes")
        half.delete("x")
        assert not half.exists("x")
        half.put("x", b"again", if_absent=True)
        assert half.read("x") == b"again"

    def test_deleting_twice_is_no_error(self, half: Half) -> None:
        """What is not there counts as deleted, one or many, also where its folder is missing or an object."""
        half.put("x", b"bytes")
        half.delete("x")
        half.delete("x")
        half.put("file", b"bytes")
        half.delete("missing", "no/such/folder", "file/below", "file")
        half.call("delete", [])
        assert half.names() == []

    def test_many_are_deleted_at_once(self, half: Half) -> None:
        """One call deletes more keys than a service takes in one request, those that are missing among them."""
        present = [f"f{number}/x" for number in range(20)]
        for name in present:
            half.put(name, b"bytes")
        half.put("stays", b"bytes")
        missing = [f"missing-{number}" for number in range(1080)]
        half.delete(*missing[:540], *present, *missing[540:])
        assert half.names() == ["stays"]

    def test_a_neighbour_stays(self, half: Half) -> None:
        """Deleting `a` touches neither `ab` nor anything in a folder `a`."""
        for name in ["a", "ab", "b/a", "c/x", "c/y/z", *(["c"] if half.abilities.flat else [])]:
            half.put(name, b"bytes")
        half.delete("a")
        if half.abilities.flat:
            half.delete("c")
        assert half.names() == ["ab", "b/a", "c/x", "c/y/z"]

    def test_a_folder_stays(self, half: Half) -> None:
        """Deleting the name of a folder deletes nothing, and is no error."""
        for name in ["c/x", "c/y/z"]:
            half.put(name, b"bytes")
        half.delete("c")
        half.delete("c/y", "c", "d")
        assert half.names() == ["c/x", "c/y/z"]

    def test_patterns_are_names(self, half: Half) -> None:
        """Characters of patterns stand for themselves when an object is read, listed, copied and deleted."""
        others = ["ab", "abc", "a/x", "b"]
        patterns = ["*", "a*", "?", "[ab]", "a[b]c", "{a,b}", "**", "a?c"]
        for name in [*others, *patterns]:
            half.put(name, name.encode())
        for name in patterns:
            assert half.read(name) == name.encode()
            half.copy(name, f"copy of {name}")
            half.delete(f"copy of {name}")
        assert half.names("*") == half.names("[ab]") == half.names("{a,b}") == []
        half.delete(patterns[0])
        half.delete(*patterns[1:], "**/x", "a/*")
        assert half.names() == sorted(others)
