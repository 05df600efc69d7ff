"""What every storage promises, as tests: subclass `BackendContract` and say how to make a storage.

Example:
    ::

        class TestMyStorage(BackendContract):
            keeps_content_type = False

            @pytest.fixture
            def storage(self, tmp_path):
                return StorageBackend("docs", MyDriver(tmp_path))
"""

from __future__ import annotations

from holdfast.testing.copying import Copying
from holdfast.testing.deleting import Deleting
from holdfast.testing.failing import Failing
from holdfast.testing.listing import Listing
from holdfast.testing.reading import Reading
from holdfast.testing.sharing import Sharing
from holdfast.testing.writing import Writing


class BackendContract(Writing, Reading, Listing, Deleting, Copying, Failing, Sharing):
    """Runs the contract through the sync and the async half of a storage.

    Override the fixture `storage`. It may have any scope and need not be empty: each test works below a folder of
    its own. What the storage cannot do is declared by class attributes, never found out by failing:

    Attributes:
        keeps_content_type: A `stat` gives back the content type.
        keeps_metadata: A `stat` gives back the metadata, any JSON.
        gives_etag: Objects have an entity tag that changes with their bytes.
        atomic_create: Of several puts with ``if_absent`` exactly one succeeds.
        flat: An object ``a`` and an object ``a/b`` can lie side by side, unlike files and folders.
    """
