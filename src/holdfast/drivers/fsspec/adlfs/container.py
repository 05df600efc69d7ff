"""A container and its blobs as adlfs reaches them, described in the words of Azure's library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from azure.core import MatchConditions
from azure.storage.blob import ContentSettings
from fsspec.asyn import sync

from holdfast.drivers.content_types import sendable
from holdfast.drivers.fsspec.adlfs.limits import TIMEOUTS, Again, less_pause
from holdfast.drivers.fsspec.adlfs.reading import SERVICE
from holdfast.drivers.fsspec.adlfs.settings import tier
from holdfast.drivers.fsspec.answers import answer_of
from holdfast.drivers.fsspec.filesystem import FileSystem
from holdfast.drivers.metadata import decode_metadata, encode_metadata
from holdfast.drivers.places import Place, azure_endpoint, in_azure, said
from holdfast.errors import UnsupportedError
from holdfast.objects import ObjectInfo

if TYPE_CHECKING:
    from holdfast.drivers.protocol import PutOptions

IF_ABSENT = {"match_condition": MatchConditions.IfMissing}  # with an etag the library hands that on to aiohttp
"""Arguments of a write that replaces nothing."""

_METADATA_LIMIT = 8192


class Container(FileSystem):
    """The part of the driver that knows where blobs are, and what they are.

    Args:
        fs: The adlfs file system, or what makes one.
        root: Container, and after a slash the prefix, without slashes at the ends.
    """

    def __init__(self, fs: Any, root: str) -> None:
        super().__init__(fs)
        self._container, slash, prefix = root.partition("/")
        self._prefix = prefix + slash

    def place(self) -> Place:
        """Read the options."""
        _, _, options = self.recipe()
        text = said(options, "connection_string", variables=("AZURE_STORAGE_CONNECTION_STRING",))
        account = said(options, "account_name", variables=("AZURE_STORAGE_ACCOUNT_NAME",))
        return in_azure(azure_endpoint(text), account, self._container, self._prefix)

    def _made(self) -> Any:
        fs = super()._made()
        less_pause(fs.service_client)
        fs._timeout_kwargs = {**TIMEOUTS, **fs._timeout_kwargs}
        return fs

    def stat(self, key: str) -> ObjectInfo:
        """Ask for a blob's properties."""
        return self._described(key, self._call(self._blob(key).get_blob_properties))

    @property
    def _client(self) -> Any:
        return self.native.service_client.get_container_client(self._container)

    def _blob(self, key: str) -> Any:
        return self._client.get_blob_client(self._prefix + key)

    @property
    def _limits(self) -> dict[str, Any]:
        """What every request is sent with; left to the client, it would wait as long as the SDK likes."""
        return {"retry_hook": Again(), **getattr(self.native, "_timeout_kwargs", {})}

    def _call(self, operation: Any, *args: Any, **arguments: Any) -> Any:
        return sync(self.native.loop, operation, *args, **self._limits, **arguments)

    def _described(self, key: str, found: Any) -> ObjectInfo:
        with answer_of(SERVICE):
            return ObjectInfo(
                key,
                int(found.size),
                found.last_modified.timestamp(),
                etag_of(found.etag),
                found.version_id,
                found.content_settings.content_type or None,
                decode_metadata(found.metadata or {}),
            )


def about_put(key: str, options: PutOptions) -> dict[str, Any]:
    """Return the arguments for what an object is to have besides its bytes."""
    settings = options.settings
    about: dict[str, Any] = {
        "content_settings": ContentSettings(
            content_type=sendable(options.content_type),
            content_encoding=settings.content_encoding,
            content_language=settings.content_language,
            content_disposition=settings.content_disposition,
            cache_control=settings.cache_control,
        )
    }
    if options.metadata:
        about["metadata"] = encode_metadata(options.metadata)
        used = sum(len(name) + len(value) for name, value in about["metadata"].items())
        if used > _METADATA_LIMIT:
            message = f"put of {key!r} refused: its metadata takes {used} bytes, Azure keeps {_METADATA_LIMIT}"
            raise UnsupportedError(message, operation="put", path=key)
    if settings.tags:
        about["tags"] = dict(settings.tags)
    if settings.storage_class:
        about["standard_blob_tier"] = tier(settings.storage_class)
    return about


def etag_of(tag: str | None) -> str | None:
    """Return an entity tag without quotes."""
    return tag.strip('"') if tag else None
