"""What the tests of all frameworks share."""

from collections.abc import Iterator

import pytest

import tests.companions  # noqa: F401  # what the modules here import must not warn for the first time there
from holdfast import storages


@pytest.fixture(autouse=True)
def storages_as_they_were() -> Iterator[None]:
    """Leave no storage behind, and nobody who signs."""
    before, signing = dict(storages.all()), storages.signed_urls
    yield
    storages._backends.clear()
    storages._backends.update(before)
    storages.signed_urls = signing
