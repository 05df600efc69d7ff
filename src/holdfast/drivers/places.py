"""Where objects lie, in words that are the same whichever library leads there, so that two drivers can be compared.

Nothing is asked: an alias of a server, or a mount of a disk, looks like another place.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple, Protocol, runtime_checkable
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

_PORTS = {"http": 80, "https": 443}
_EMULATED = "http://127.0.0.1:10000/devstoreaccount1"
_GOOGLE = "https://storage.googleapis.com"


class Place(NamedTuple):
    """A folder of a service.

    Attributes:
        anchor: The service, and what is the largest unit of it: a bucket, a disk, the memory of one store.
        folder: The folder in it, with a slash at its end; empty for all of it.
    """

    anchor: Hashable
    folder: str = ""

    def below(self, folder: str) -> Place:
        """Return a folder of this one; its name ends with a slash, or is empty."""
        return self._replace(folder=self.folder + folder)


@runtime_checkable
class Placed(Protocol):
    """Ability of a driver: telling where its objects lie, without connecting."""

    def place(self) -> Place:
        """Return where."""


def on_disk(path: str | os.PathLike[str]) -> Place:
    """Return the place of a local folder, behind all symbolic links.

    Example:
        >>> on_disk("/proc/self/../bus")
        Place(anchor='disk', folder='/proc/bus/')
    """
    return Place("disk", f"{os.path.realpath(path).rstrip('/')}/")


def in_s3(endpoint: str | None, bucket: str, prefix: str | None) -> Place:
    """Return the place of a folder in a bucket of S3; without an address it is one of Amazon's, as all their names are.

    Example:
        >>> in_s3("https://s3.eu-west-1.amazonaws.com", "docs", "a") == in_s3(None, "docs", "a/")
        True
        >>> in_s3("http://docs.minio.local:9000/", "docs", None).anchor
        ('s3', 'minio.local:9000', 'docs')
    """
    service = address(endpoint).removeprefix(f"{bucket}.") if endpoint else ""
    amazon = not service or service.partition(":")[0].endswith((".amazonaws.com", ".amazonaws.com.cn"))
    return Place(("s3", "amazon" if amazon else service, bucket), _folder(prefix))


def in_gcs(endpoint: str | None, bucket: str, prefix: str | None) -> Place:
    """Return the place of a folder in a bucket of Google."""
    return Place(("gcs", address(endpoint or _GOOGLE), bucket), _folder(prefix))


def in_azure(endpoint: str | None, account: str | None, container: str, prefix: str | None) -> Place:
    """Return the place of a folder in a container of Azure.

    Example:
        >>> in_azure(None, "acme", "docs", None).anchor
        ('azure', 'acme.blob.core.windows.net:443', 'docs')
    """
    service = address(endpoint or f"https://{account}.blob.core.windows.net").replace(".dfs.", ".blob.")
    return Place(("azure", service, container), _folder(prefix))


def azure_endpoint(connection_string: str | None) -> str | None:
    """Return the address that a connection string of Azure leads to.

    Example:
        >>> azure_endpoint("AccountName=acme;AccountKey=…;EndpointSuffix=core.chinacloudapi.cn")
        'https://acme.blob.core.chinacloudapi.cn'
    """
    parts = dict(part.partition("=")[::2] for part in (connection_string or "").split(";"))
    if parts.get("UseDevelopmentStorage") == "true":
        return _EMULATED
    account, suffix = parts.get("AccountName"), parts.get("EndpointSuffix", "core.windows.net")
    protocol = parts.get("DefaultEndpointsProtocol", "https")
    return parts.get("BlobEndpoint") or (f"{protocol}://{account}.blob.{suffix}" if account else None)


def address(url: str) -> str:
    """Return a host with its port, and a path if there is one.

    Example:
        >>> address("http://LOCALHOST:9000/"), address("https://storage.googleapis.com")
        ('127.0.0.1:9000', 'storage.googleapis.com:443')
    """
    parts = urlsplit(url)
    host = (parts.hostname or "").replace("localhost", "127.0.0.1")
    return f"{host}:{parts.port or _PORTS.get(parts.scheme, '')}{parts.path.rstrip('/')}"


def said(options: Mapping[str, object], *names: str, variables: tuple[str, ...] = ()) -> str | None:
    """Return the first option that is a text, else the first such environment variable."""
    given = [*map(options.get, names), *map(os.environ.get, variables)]
    return next((value for value in given if isinstance(value, str) and value), None)


def _folder(prefix: str | None) -> str:
    plain = (prefix or "").strip("/")
    return f"{plain}/" if plain else ""
