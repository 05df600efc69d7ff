"""Several storages that hold the same objects."""

from holdfast.drivers.wrappers.mirror.driver import MirrorDriver
from holdfast.drivers.wrappers.mirror.replica import Replica

__all__ = ["MirrorDriver", "Replica"]
