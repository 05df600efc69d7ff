"""The contract's part on copying."""
# ruff: noqa: S101  # a test suite, shipped

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from holdfast.errors import AlreadyExistsError, NotFoundError
from holdfast.testing.base import ContractPart
from holdfast.testing.contents import BIG, checksum
from holdfast.testing.writing import METADATA

if TYPE_CHECKING:
    from holdfast.testing.half import Half


class Copying(ContractPart):
    """What a copy is, and what it never replaces."""

    def test_a_copy_is_an_object_of_its_own(self, half: Half) -> None:
        """A copy has the bytes of the original and outlives it."""
        half.put("x", b"bytes")
        info = half.copy("x", "new folder/ÿ+")
        assert (info.key, info.size) == (half.key("new folder/ÿ+"), 5)
        half.delete("x")
        assert half.read("new folder/ÿ+") == b"bytes"

    def test_a_copy_keeps_what_is_kept(self, half: Half) -> None:
        """A copy has the content type and the metadata of the original, where the storage keeps them."""
        half.put("big", BIG, content_type="image/png", metadata=METADATA)
        info = half.copy("big", "copy")
        half.verify("copy", checksum(BIG))
        if half.abilities.content_type:
            assert info.content_type == "image/png"
        if half.abilities.metadata:
            assert {**info.metadata, **METADATA} == info.metadata  # a service may add fields of its own

    def test_a_copy_replaces_nothing(self, half: Half) -> None:
        """A copy onto a taken key is refused, also onto the original itself."""
        half.put("x", b"bytes")
        half.put("y", b"other")
        for target in ["y", "x"]:
            with pytest.raises(AlreadyExistsError):
                half.copy("x", target)
        assert (half.read("x"), half.read("y")) == (b"bytes", b"other")

    def test_a_copy_of_nothing_raises(self, half: Half) -> None:
        """A missing original raises, and nothing lies under the new key."""
        with pytest.raises(NotFoundError):
            half.copy("missing", "y")
        assert half.names() == []
