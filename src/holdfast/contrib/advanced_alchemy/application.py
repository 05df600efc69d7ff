"""Storages that an application wrote for advanced-alchemy, as storages of Holdfast."""

from __future__ import annotations

from functools import cache
from typing import Any

from holdfast.backends.base import StorageBackend
from holdfast.contrib.advanced_alchemy import originals
from holdfast.contrib.advanced_alchemy.backends import FSSpecBackend, Native, ObstoreBackend
from holdfast.contrib.advanced_alchemy.methods_driver import MethodsDriver
from holdfast.errors import UnsupportedError

_SIGNING = ("sign", "sign_async")
_METHODS = (
    *("get_content", "get_content_async", "save_object", "save_object_async"),
    *("delete_object", "delete_object_async", *_SIGNING),
)
_KEPT = "_holdfast_storage"


class ApplicationStorage(StorageBackend):
    """A storage over an object with the eight methods of ``StorageBackend`` in advanced-alchemy.

    What Holdfast does not have is the object's own, so ``file.backend.get_content(path)`` calls the application.

    Args:
        application: The object.
    """

    def __init__(self, application: Any) -> None:
        self.application = application
        driver: Any = MethodsDriver(application, self._new_file)
        settings: dict[str, Any] = {}
        if isinstance(application, Native):
            kept = ("key_scheme", "public_url")
            settings = {name: getattr(application, name) for name in kept} | {"checksum": application._algorithm}
            if _changed(application) <= set(_SIGNING):
                driver, settings["object_settings"] = application._plain, application._object_settings
        super().__init__(application.key, driver, **settings)

    def _new_file(self, key: str, **fields: Any) -> Any:
        from holdfast.contrib.advanced_alchemy.file import FileObject  # noqa: PLC0415  # files know storages

        return FileObject(self, filename=key, to_filename=key, **fields)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "application":
            raise AttributeError(name)
        return getattr(self.application, name)

    def sign(
        self,
        key: Any,
        *,
        expires_in: int | None = 3600,
        for_upload: bool = False,
        content_type: str | None = None,
        content_disposition: str | None = None,
        size: int | None = None,
    ) -> Any:
        """Ask the application's method, which knows a path and a time only."""
        self._refuse(key, content_type, content_disposition, size)
        with self._wrapping("sign", key if isinstance(key, str) else None, expected=(UnsupportedError,)):
            urls = self.application.sign(key, expires_in=expires_in, for_upload=for_upload)
        return _one(urls) if isinstance(key, str) else urls

    async def sign_async(
        self,
        key: Any,
        *,
        expires_in: int | None = 3600,
        for_upload: bool = False,
        content_type: str | None = None,
        content_disposition: str | None = None,
        size: int | None = None,
    ) -> Any:
        """Like `sign`."""
        self._refuse(key, content_type, content_disposition, size)
        with self._wrapping("sign", key if isinstance(key, str) else None, expected=(UnsupportedError,)):
            urls = await self.application.sign_async(key, expires_in=expires_in, for_upload=for_upload)
        return _one(urls) if isinstance(key, str) else urls

    def content(self, path: str, options: dict[str, Any] | None) -> bytes:
        """Return an object's bytes by the application's method, with options of its own."""
        with self._wrapping("read", path):
            return bytes(self.application.get_content(path, options=options))

    async def content_async(self, path: str, options: dict[str, Any] | None) -> bytes:
        """Like `content`."""
        with self._wrapping("read", path):
            return bytes(await self.application.get_content_async(path, options=options))

    def _refuse(self, key: Any, *asked: Any) -> None:
        if any(each is not None for each in asked):
            message = f"{type(self.application).__name__}.sign takes no headers and no size"
            raise UnsupportedError(message, operation="sign", storage=self.key, path=str(key))


def storage_of(backend: Any) -> Any:
    """Return the storage of Holdfast that stands for what an application calls a backend; the same one each time."""
    if isinstance(backend, StorageBackend) and not _changed(backend):
        return backend
    kept = vars(backend).get(_KEPT) if hasattr(backend, "__dict__") else None
    if kept is None or kept.key != backend.key:
        if type(backend) is originals.ObstoreBackend:
            made: Any = ObstoreBackend(backend.key, backend.fs)
        elif originals.FSSpecBackend is not None and type(backend) is originals.FSSpecBackend:
            made = FSSpecBackend(backend.key, backend.fs, backend.prefix)
        elif all(callable(getattr(backend, name, None)) for name in _METHODS):
            made = ApplicationStorage(backend)
        else:
            return backend
        if kept is None:
            return vars(backend).setdefault(_KEPT, made)
        vars(backend)[_KEPT] = kept = made
    return kept


def backend_of(storage: Any) -> Any:
    """Return what the application registered."""
    return storage.application if isinstance(storage, ApplicationStorage) else storage


def _changed(backend: Any) -> frozenset[str]:
    """Return which of the eight methods a subclass of Holdfast's own classes has replaced."""
    kind: Any = type(backend)
    return _changed_by(kind)


@cache
def _changed_by(kind: type[Any]) -> frozenset[str]:
    if not issubclass(kind, Native):
        return frozenset()
    return frozenset(name for name in _METHODS if getattr(kind, name) is not getattr(Native, name))


def _one(urls: Any) -> str:
    if not isinstance(urls, list):
        return str(urls)
    if not urls:
        message = "No signed URL generated"
        raise RuntimeError(message)
    return str(urls[0])
