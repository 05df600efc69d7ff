"""The services of fsspec that have something of their own: a driver, a package to install, a form of prefix."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from holdfast.drivers.protocol import Driver


class Service(NamedTuple):
    """What is known of a protocol.

    Attributes:
        driver: Module below `holdfast.drivers.fsspec` and class in it, loaded when it is first needed.
        extra: The extra of holdfast that brings its package; None if fsspec alone will do.
        bucket: Whether a prefix begins with the name of a bucket or container.
    """

    driver: str = "generic:FSSpecDriver"
    extra: str | None = None
    bucket: bool = False

    def open(self, fs: Any, root: str) -> Driver:
        """Return the driver for a file system, or for what makes one."""
        module, _, name = self.driver.partition(":")
        driver: Driver = getattr(import_module(f"holdfast.drivers.fsspec.{module}"), name)(fs, root)
        return driver


_S3 = Service("s3fs:S3FSDriver", "s3", bucket=True)
_GCS = Service(extra="gcs", bucket=True)
_AZURE = Service(extra="azure", bucket=True)
_SFTP = Service(extra="sftp")

SERVICES = {
    "abfs": _AZURE,
    "abfss": _AZURE,
    "az": _AZURE,
    "gcs": _GCS,
    "gs": _GCS,
    "memory": Service("memory:MemoryDriver"),
    "s3": _S3,
    "s3a": _S3,
    "sftp": _SFTP,
    "ssh": _SFTP,
    "webdav": Service(extra="webdav"),
}
"""What is known, by protocol."""

UNKNOWN = Service()
"""What holds for every other file system."""
