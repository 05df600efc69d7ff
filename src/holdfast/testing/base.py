"""What the parts of the contract have in common: the fixtures and the declared abilities."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, ClassVar

import pytest

from holdfast.testing.half import Half

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.backends.base import StorageBackend


class ContractPart:
    """Base of the parts; `BackendContract` documents the attributes."""

    keeps_content_type: ClassVar[bool] = True
    keeps_metadata: ClassVar[bool] = True
    gives_etag: ClassVar[bool] = True
    atomic_create: ClassVar[bool] = True
    flat: ClassVar[bool] = True

    @pytest.fixture
    def storage(self) -> StorageBackend:
        """Return the storage to test."""
        raise NotImplementedError

    @pytest.fixture(params=[False, True], ids=["sync", "async"])
    def half(self, storage: StorageBackend, request: pytest.FixtureRequest) -> Iterator[Half]:
        """One half of the storage, then the other."""
        with closing(Half(storage, is_async=request.param)) as half:
            yield half

    @pytest.fixture
    def async_half(self, storage: StorageBackend) -> Iterator[Half]:
        """The async half, for what only it can do."""
        with closing(Half(storage, is_async=True)) as half:
            yield half

    def leftovers(self, storage: StorageBackend) -> int:
        """Return how many unfinished writes the service holds (temporary files, multipart uploads).

        Override it where they can be counted.
        """
        del storage
        return 0
