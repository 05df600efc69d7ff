"""What comes first here: the one line. `tests.companions` keeps the library's warnings from being errors."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests import companions

assert companions  # imported for what it does

from holdfast.contrib import advanced_alchemy  # noqa: E402

advanced_alchemy.install()

from advanced_alchemy.types.file_object import storages  # noqa: E402


@pytest.fixture
def docs() -> Iterator[Any]:
    """A storage in memory, registered as applications do it."""
    storages.register_backend("memory://", key="docs")
    yield storages.get_backend("docs")
    storages.clear_backends()
