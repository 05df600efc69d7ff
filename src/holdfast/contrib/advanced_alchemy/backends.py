"""The library's two storages: Holdfast's, with the methods and attributes that applications know."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.backends import fsspec, obstore
from holdfast.backends.base import StorageBackend
from holdfast.errors import ConfigurationError, UnsupportedError
from holdfast.schemes import KeyContext, make_key
from holdfast.tracked import untrack

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from holdfast.objects import ObjectInfo

    PathLike: TypeAlias = str | os.PathLike[Any]
    Paths: TypeAlias = PathLike | Sequence[PathLike]

_STORES = {
    "S3Store": "s3",
    "AzureStore": "azure",
    "GCSStore": "gcs",
    "LocalStore": "file",
    "HTTPStore": "http",
    "MemoryStore": "memory",
}
_SCHEMES = {
    **dict.fromkeys(("s3", "s3a"), "s3"),
    **dict.fromkeys(("gs", "gcs"), "gcs"),
    **dict.fromkeys(("az", "azure", "abfs", "abfss", "adl"), "azure"),
    **dict.fromkeys(("http", "https"), "http"),
}


class Native(StorageBackend):
    """A storage of Holdfast's with the eight methods of ``StorageBackend`` in advanced-alchemy."""

    def get_content(self, path: PathLike, *, options: dict[str, Any] | None = None) -> bytes:
        """Return an object's bytes, or those from ``options["start"]`` to ``options["end"]``."""
        return self.read(os.fspath(path), **span(options))

    async def get_content_async(self, path: PathLike, *, options: dict[str, Any] | None = None) -> bytes:
        """Like `get_content`."""
        return await self.read_async(os.fspath(path), **span(options))

    def save_object(self, file_object: Any, data: Any, **sizes: Any) -> Any:
        """Save a file's content, as its own ``save`` does, whose ``sizes`` it takes."""
        if file_object.backend is self:
            return file_object.save(data, **sizes)
        info = self.put(self._key_of(file_object), data, **_fields(file_object), **sizes)
        return _stored(file_object, info)

    async def save_object_async(self, file_object: Any, data: Any, **sizes: Any) -> Any:
        """Like `save_object`."""
        if file_object.backend is self:
            return await file_object.save_async(data, **sizes)
        info = await self.put_async(self._key_of(file_object), data, **_fields(file_object), **sizes)
        return _stored(file_object, info)

    def delete_object(self, paths: Paths) -> None:
        """Delete one object or several."""
        self.delete(_paths(paths))

    async def delete_object_async(self, paths: Paths) -> None:
        """Like `delete_object`."""
        await self.delete_async(_paths(paths))

    def sign(
        self,
        paths: Paths,
        *,
        expires_in: int | None = None,
        for_upload: bool = False,
        content_type: str | None = None,
        content_disposition: str | None = None,
        size: int | None = None,
    ) -> Any:
        """Return a signed URL, or for several paths a list of them."""
        self._refuse(for_upload=for_upload)
        urls = []
        for path in _paths(paths):
            try:
                url = super().sign(
                    path,
                    expires_in=3600 if expires_in is None else expires_in,
                    for_upload=for_upload,
                    content_type=content_type,
                    content_disposition=content_disposition,
                    size=size,
                )
            except UnsupportedError as error:
                raise self._unsigned(path, error) from error
            urls.append(url)
        return urls[0] if isinstance(paths, (str, os.PathLike)) else urls

    async def sign_async(
        self,
        paths: Paths,
        *,
        expires_in: int | None = None,
        for_upload: bool = False,
        content_type: str | None = None,
        content_disposition: str | None = None,
        size: int | None = None,
    ) -> Any:
        """Like `sign`."""
        self._refuse(for_upload=for_upload)
        urls = []
        for path in _paths(paths):
            try:
                url = await super().sign_async(
                    path,
                    expires_in=3600 if expires_in is None else expires_in,
                    for_upload=for_upload,
                    content_type=content_type,
                    content_disposition=content_disposition,
                    size=size,
                )
            except UnsupportedError as error:
                raise self._unsigned(path, error) from error
            urls.append(url)
        return urls[0] if isinstance(paths, (str, os.PathLike)) else urls

    def _refuse(self, *, for_upload: bool) -> None:
        """Refuse what the class of that name never signed."""

    def _unsigned(self, path: str, error: UnsupportedError) -> UnsupportedError:
        """Return the error in the words that applications know."""
        raise NotImplementedError

    def _unsupported(self, message: str, path: str | None) -> UnsupportedError:
        return UnsupportedError(message, operation="sign", storage=self.key, path=path)

    def _key_of(self, file: Any) -> str:
        """Return the key for content that a changed method of the application passes on."""
        if file.backend_key != self.key:
            message = f"the file {file.filename!r} is of storage {file.backend_key!r}, not of {self.key!r}"
            raise ConfigurationError(message)
        return str(file.to_filename or make_key(self.key_scheme, KeyContext(file._take_id(), file)))


class ObstoreBackend(Native, obstore.ObstoreBackend):
    """`holdfast.backends.obstore.ObstoreBackend`, with the library's methods besides."""

    driver = "obstore"

    def __init__(self, key: str, fs: Any, **options: Any) -> None:
        super().__init__(key, fs, **options)
        self.options = options
        scheme = fs.partition("://")[0].lower() if isinstance(fs, str) else ""
        self.protocol = _SCHEMES.get(scheme, scheme) or _STORES.get(type(fs).__name__, "file")

    @property
    def fs(self) -> Any:
        """The store of obstore, or the folder."""
        return self.native

    def _unsigned(self, path: str, error: UnsupportedError) -> UnsupportedError:
        return self._unsupported(f"Error signing path {path}: {error}", path)


class FSSpecBackend(Native, fsspec.FSSpecBackend):
    """`holdfast.backends.fsspec.FSSpecBackend`, with the library's methods besides."""

    driver = "fsspec"
    default_expires_in = 3600

    def __init__(self, key: str, fs: Any, prefix: str | None = None, **options: Any) -> None:
        named = fs.partition("://")[0].lower() if isinstance(fs, str) else getattr(fs, "protocol", "")
        self.protocol = named if isinstance(named, str) else named[0]
        if self.protocol in {"file", "local"} and not (isinstance(fs, str) and "://" in fs):
            # The library leaves paths to the working folder; it is settled here, before anybody changes it.
            prefix = str(Path.cwd() / (prefix or ""))
        super().__init__(key, fs, prefix, **options)
        self.prefix, self.kwargs = prefix, options

    @property
    def fs(self) -> Any:
        """The file system of fsspec, or the folder."""
        return self.native

    def _refuse(self, *, for_upload: bool) -> None:
        if for_upload:
            message = "Generating signed URLs for upload is generally not supported by fsspec's generic sign method."
            raise self._unsupported(message, None)

    def _unsigned(self, path: str, error: UnsupportedError) -> UnsupportedError:
        return self._unsupported(f"Signing URLs not supported by {self.protocol} backend via fsspec. {error}", path)


def protocol_of(storage: StorageBackend) -> str:
    """Return the name of a storage's service as the library has it; ``"file"`` for what says nothing."""
    if protocol := getattr(storage, "protocol", None):
        return str(protocol)
    native = storage.native
    protocol = _STORES.get(type(native).__name__) or getattr(native, "protocol", None) or "file"
    return protocol if isinstance(protocol, str) else str(protocol[0])


def span(options: dict[str, Any] | None) -> dict[str, Any]:
    """Return what a read takes of the options; all others were of single stores, which took no notice of most."""
    return {name: value for name, value in (options or {}).items() if name in {"start", "end"}}


def _fields(file: Any) -> dict[str, Any]:
    return {"content_type": file.content_type, "metadata": untrack(file.metadata)}


def _stored(file: Any, info: ObjectInfo) -> Any:
    file._become_stored(info, owned=False)
    return file


def _paths(paths: Paths) -> list[str]:
    each = [paths] if isinstance(paths, (str, os.PathLike)) else paths
    return [os.fspath(path) for path in each]
