"""For tests: of applications (stand-ins, faults, rehearsals, an S3 server), and of storages (the contract)."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from holdfast.testing.contract import BackendContract
    from holdfast.testing.faults import Fault, FaultyDriver
    from holdfast.testing.rehearsals import rehearsal, rehearsal_async
    from holdfast.testing.stand_ins import StandIns

__all__ = ["BackendContract", "Fault", "FaultyDriver", "StandIns", "rehearsal", "rehearsal_async"]

_HOMES = {
    "BackendContract": "contract",
    "Fault": "faults",
    "FaultyDriver": "faults",
    "StandIns": "stand_ins",
    "rehearsal": "rehearsals",
    "rehearsal_async": "rehearsals",
}
_CONTRACT = ("copying", "deleting", "failing", "listing", "reading", "sharing", "writing")


def __getattr__(name: str) -> Any:
    # Late, since pytest loads the plugin in this package wherever Holdfast is installed.
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    if name == "BackendContract":
        import pytest  # noqa: PLC0415

        # Before the import: unless told so, pytest explains failed assertions of test modules only.
        pytest.register_assert_rewrite(*(f"{__name__}.{part}" for part in _CONTRACT))
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
