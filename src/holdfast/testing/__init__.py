"""For tests: the contract that every storage fulfils, to be run by whoever writes one. Needs pytest."""

import pytest

_PARTS = ("copying", "deleting", "failing", "listing", "reading", "sharing", "writing")
# Before the import: unless told so, pytest explains failed assertions of test modules only.
pytest.register_assert_rewrite(*(f"{__name__}.{part}" for part in _PARTS))

from holdfast.testing.contract import BackendContract  # noqa: E402

__all__ = ["BackendContract"]
