"""What the parts of the contract have in common: the fixtures and the abilities."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, ClassVar

import pytest

from holdfast.testing.half import Half

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.backends.base import StorageBackend


class ContractPart:
    """Base of the parts; `BackendContract` documents the attribute."""

    lacks: ClassVar[frozenset[str]] = frozenset()

    @pytest.fixture
    def storage(self) -> StorageBackend:
        """Return the storage to test."""
        raise NotImplementedError

    @pytest.fixture(params=[False, True], ids=["sync", "async"])
    def half(self, storage: StorageBackend, request: pytest.FixtureRequest) -> Iterator[Half]:
        """One half of the storage, then the other."""
        with closing(self._half(storage, is_async=request.param)) as half:
            yield half

    @pytest.fixture
    def async_half(self, storage: StorageBackend) -> Iterator[Half]:
        """The async half, for what only it can do."""
        with closing(self._half(storage, is_async=True)) as half:
            yield half

    def _half(self, storage: StorageBackend, *, is_async: bool) -> Half:
        abilities = storage.abilities._replace(**dict.fromkeys(self.lacks, False))  # type: ignore[arg-type]
        return Half(storage, is_async=is_async, abilities=abilities)

    def leftovers(self, storage: StorageBackend) -> int:
        """Return how many unfinished writes the service holds (temporary files, multipart uploads).

        Override it where they can be counted.
        """
        del storage
        return 0
