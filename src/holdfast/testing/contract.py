"""What every storage promises, as tests: subclass `BackendContract` and say how to make a storage.

Example:
    ::

        class TestMyStorage(BackendContract):
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
    its own. What the service cannot do is declared by the driver's `holdfast.drivers.abilities.Abilities`, never
    found out by failing.

    Attributes:
        lacks: Names of abilities that the server of this test lacks, although its kind of service has them: some
            doubles of S3 do not know conditional writes.
    """
