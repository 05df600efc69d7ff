"""The services of fsspec that have something of their own: a driver, a package to install, a form of prefix."""

from __future__ import annotations

from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.drivers.protocol import Driver


class Service(NamedTuple):
    """What is known of a protocol.

    Attributes:
        driver: Module below `holdfast.drivers.fsspec` and class in it, loaded when it is first needed.
        extra: The extra of holdfast that brings its package; None if fsspec alone will do.
        bucket: Whether a prefix begins with the name of a bucket or container.
        kind: Where fsspec's registry does not know which class is meant: what returns it for the options.
        url: Whether a prefix is a whole URL.
        home: Whether a prefix without a slash before it begins in the home of the login.
        defaults: Options that are set unless they are given.
    """

    driver: str = "generic:FSSpecDriver"
    extra: str | None = None
    bucket: bool = False
    kind: str | None = None
    url: bool = False
    home: bool = False
    defaults: Mapping[str, Any] = MappingProxyType({"use_listings_cache": False})

    def open(self, fs: Any, root: str) -> Driver:
        """Return the driver for a file system, or for what makes one."""
        driver: Driver = _loaded(self.driver)(fs, root)
        return driver

    def file_system_class(self, options: Mapping[str, Any]) -> Any:
        """Return the class that the options are for; None for the one in fsspec's registry."""
        return _loaded(self.kind)(options) if self.kind else None


def _loaded(name: str) -> Any:
    module, _, name = name.partition(":")
    return getattr(import_module(f"holdfast.drivers.fsspec.{module}"), name)


_S3 = Service("s3fs.driver:S3FSDriver", "s3", bucket=True)
_GCS = Service("gcsfs.driver:GCSFSDriver", "gcs", bucket=True)
_AZURE = Service("adlfs.driver:AdlFSDriver", "azure", bucket=True)
_NONE: Mapping[str, Any] = MappingProxyType({})  # for those that hand all options on to a library of theirs
_SFTP = Service("sftp.driver:driver", "sftp", kind="sftp.classes:file_system_class", home=True, defaults=_NONE)
_HTTP = Service("web.http:HTTPDriver", "http", url=True)
_WEBDAV = Service("web.webdav:WebDAVDriver", "webdav", defaults=_NONE)

SERVICES = {
    "abfs": _AZURE,
    "abfss": _AZURE,
    "az": _AZURE,
    "dav": _WEBDAV,
    "dropbox": Service(extra="dropbox"),
    "ftp": Service("ftp.driver:FTPDriver", kind="ftp.secure:file_system_class"),
    "gcs": _GCS,
    "github": Service("github:GitHubDriver", "github"),
    "gs": _GCS,
    "http": _HTTP,
    "https": _HTTP,
    "memory": Service("memory:MemoryDriver"),
    "s3": _S3,
    "s3a": _S3,
    "sftp": _SFTP,
    "ssh": _SFTP,
    "tar": Service("archives.tar:TarDriver"),
    "webdav": _WEBDAV,
    "zip": Service("archives.zip:ZipDriver"),
}
"""What is known, by protocol."""

_PACKAGES = {"sshfs": _SFTP}

# No extra brings these; the module that is missing is not always called like its package.
_ELSEWHERE = {"box": "boxfs", "git": "pygit2", "hdfs": "pyarrow", "oci": "ocifs", "oss": "ossfs", "smb": "smbprotocol"}

UNKNOWN = Service()
"""What holds for every other file system."""


def service_of(fs: Any) -> Service:
    """Return what is known of a file system that somebody made."""
    protocols = (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)
    # Some have no protocol of their own before fsspec's registry has given them one.
    packages = (_PACKAGES.get(kind.__module__.partition(".")[0]) for kind in type(fs).__mro__)
    known = filter(None, [*map(SERVICES.get, protocols), *packages])
    return next(known, UNKNOWN)


def install_command(protocol: str) -> str | None:
    """Return how to install the package for a protocol; None if only fsspec's own words tell."""
    extra, package = SERVICES.get(protocol, UNKNOWN).extra, _ELSEWHERE.get(protocol)
    return f'pip install "holdfast[{extra}]"' if extra else package and f"pip install {package}"
