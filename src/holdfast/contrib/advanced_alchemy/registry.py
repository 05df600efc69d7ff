"""The library's registry of storages: Holdfast's own, by its names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from advanced_alchemy.utils.module_loader import import_string
from advanced_alchemy.utils.serialization import decode_json, encode_json
from advanced_alchemy.utils.singleton import SingletonMeta

from holdfast import registry
from holdfast.contrib.advanced_alchemy.application import backend_of, storage_of
from holdfast.contrib.advanced_alchemy.errors import RegistrationError, UnknownBackendError
from holdfast.errors import UnknownStorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from holdfast.backends.base import StorageBackend

DEFAULT_BACKEND = "advanced_alchemy.types.file_object.backends.obstore.ObstoreBackend"


class StorageRegistry(registry.StorageRegistry, metaclass=SingletonMeta):
    """`holdfast.storages` under the names of the library; there is one, and both hold the same storages."""

    def __init__(
        self,
        json_serializer: Callable[[Any], str] = encode_json,
        json_deserializer: Callable[[str | bytes], Any] = decode_json,
        default_backend: str | type[Any] = DEFAULT_BACKEND,
    ) -> None:
        self.__dict__ = registry.storages.__dict__
        self.json_serializer, self.json_deserializer = json_serializer, json_deserializer
        self.set_default_backend(default_backend)

    @property
    def _registry(self) -> dict[str, StorageBackend]:
        return self._backends

    def set_default_backend(self, default_backend: str | type[Any]) -> None:
        """Say which class opens URLs: its dotted name, or the class."""
        kind = default_backend
        self.default_backend = kind if isinstance(kind, str) else f"{kind.__module__}.{kind.__qualname__}"

    def is_registered(self, key: str) -> bool:
        """Return whether a storage is registered under a name."""
        return key in self._backends

    def get_backend(self, key: str) -> Any:
        """Return what was registered under a name.

        Raises:
            UnknownBackendError: Nothing was; it is an ``ImproperConfigurationError`` of the library.
        """
        try:
            return backend_of(self.get(key))
        except UnknownStorageError as error:
            message = f'No storage backend registered with key "{key}": {error}'
            raise UnknownBackendError(message) from None

    def register_backend(  # type: ignore[override]  # the library calls the first one `value`
        self, value: Any, key: str | None = None, **options: Any
    ) -> Any:
        """Register a storage; of a URL, or of a class of the application's with the library's eight methods.

        Raises:
            RegistrationError: A URL has no key, or a storage has two.
        """
        if isinstance(value, str):
            if key is None:
                message = "key is required when registering a string value"
                raise RegistrationError(message)
            value = import_string(self.default_backend)(fs=value, key=key, **options)
        elif key is not None or options:
            message = "key is not allowed when registering a StorageBackend"
            raise RegistrationError(message)
        return super().register_backend(storage_of(value))

    def adopt(self, theirs: Iterable[Any]) -> None:
        """Register what the library had, all or nothing; a name that is in use here stays as it is."""
        self.register_all([storage_of(each) for each in theirs if each.key not in self])

    def unregister_backend(self, key: str) -> None:
        """Forget a storage, if there is one of that name."""
        self._backends.pop(key, None)

    def clear_backends(self) -> None:
        """Forget all storages."""
        self._backends.clear()

    def registered_backends(self) -> list[str]:
        """Return the names of all storages."""
        return list(self._backends)


storages = StorageRegistry()
