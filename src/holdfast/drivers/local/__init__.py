"""Local disk, with plain files."""

from holdfast.drivers.local.driver import LocalDriver

__all__ = ["LocalDriver"]
