"""The storages of an application, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.errors import ConfigurationError, UnknownStorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from holdfast.backends.base import StorageBackend
    from holdfast.signed_urls import SignedURLs

_OBSTORE_SCHEMES = frozenset(
    {"s3", "s3a", "gs", "gcs", "az", "azure", "abfs", "abfss", "adl", "http", "https", "file", "memory"}
)


class StorageRegistry:
    """Maps names to storages.

    Rows, files and columns hold a storage's name and look it up here at each use, so a name that is registered anew
    switches all of them at once.

    Attributes:
        signed_urls: What signs Holdfast's own URLs; None before `sign_urls`.

    Example:
        >>> storages = StorageRegistry()
        >>> storages.register_backend("memory://", key="scratch")
        <ObstoreBackend 'scratch'>
        >>> "scratch" in storages
        True
    """

    def __init__(self) -> None:
        self._backends: dict[str, StorageBackend] = {}
        self.signed_urls: SignedURLs | None = None
        self._substitute: Callable[[StorageBackend], StorageBackend] | None = None  # tests register something else

    def register_backend(self, backend: StorageBackend | str, key: str | None = None, **options: Any) -> StorageBackend:
        """Register a storage, in place of another of the same name.

        Args:
            backend: A storage; or a URL such as ``"s3://bucket/prefix/"``, opened by obstore where it knows the
                scheme, else by fsspec.
            key: Name for a storage that is given as a URL.
            options: Options of the storage, with a URL.

        Returns:
            The registered storage.

        Raises:
            ConfigurationError: The arguments do not make a storage.
        """
        from holdfast.backends.base import StorageBackend  # noqa: PLC0415  # `import holdfast` need not pay for it

        if isinstance(backend, str):
            backend = _open_url(backend, key, options)
        elif not isinstance(backend, StorageBackend):
            message = f"register_backend takes a storage or a URL, not {type(backend).__name__}"
            raise ConfigurationError(message)
        elif options or key not in {None, backend.key}:
            message = f"the storage {backend.key!r} is complete: key= and options go with a URL only"
            raise ConfigurationError(message)
        return self.register_all([backend])[0]

    def register_all(self, backends: Iterable[StorageBackend]) -> list[StorageBackend]:
        """Register several storages: all of them, or none if one cannot be."""
        found = [backend if self._substitute is None else self._substitute(backend) for backend in backends]
        self._backends |= {backend.key: backend for backend in found}
        for backend in found:
            backend._registry = self
        return found

    def sign_urls(self, base_url: str, secret: str | bytes | Sequence[str | bytes]) -> SignedURLs:
        """Let storages sign URLs whose service cannot: Holdfast's own, which the application serves.

        It serves them with `holdfast.serving.asgi.SignedFiles`, or that of `holdfast.serving.wsgi`, mounted at
        `base_url`. Called again, it takes the place of what was said before.

        Args:
            base_url: Where that is mounted, as clients reach it.
            secret: At least 16 bytes, the same in every process of the application. For a rotation the new one and
                the old ones: the first signs, all are accepted.

        Returns:
            What signs them; also `signed_urls`.

        Raises:
            ConfigurationError: The address is none, or a secret is too short.

        Example:
            >>> storages = StorageRegistry()
            >>> docs = storages.register_backend("memory://", key="docs")
            >>> _ = storages.sign_urls("https://app.example.com/files", secret="a secret of the application's own")
            >>> docs.sign("2025/plan.pdf", expires_in=300).startswith("https://app.example.com/files/")
            True
        """
        from holdfast.signed_urls import SignedURLs  # noqa: PLC0415  # `import holdfast` need not pay for signing

        self.signed_urls = SignedURLs(base_url, secret)
        return self.signed_urls

    def get(self, key: str) -> StorageBackend:
        """Return the storage of a name.

        Raises:
            UnknownStorageError: None is registered under it; the message lists those that are.
        """
        try:
            return self._backends[key]
        except KeyError:
            known = ", ".join(map(repr, sorted(self._backends))) or "none"
            message = (
                f"no storage is registered under {key!r} (registered: {known}). "
                f"Call storages.register_backend(...) for it when the application starts."
            )
            raise UnknownStorageError(message) from None

    def all(self) -> Mapping[str, StorageBackend]:
        """Return the registered storages by name."""
        return dict(self._backends)

    def unregister(self, key: str) -> None:
        """Forget a storage; its objects stay where they are.

        Raises:
            UnknownStorageError: None is registered under that name.
        """
        self.get(key)
        del self._backends[key]

    def clear(self) -> None:
        """Forget all storages, and how URLs are signed."""
        self._backends.clear()
        self.signed_urls = None

    def __contains__(self, key: object) -> bool:
        return key in self._backends

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {sorted(self._backends)}>"


def named_storage(given: object) -> tuple[Any, StorageBackend | None]:
    """Return the name of a storage that is given itself or by its name; and the storage, if that is what is given."""
    if given is None or isinstance(given, str):
        return given, None
    from holdfast.backends.base import StorageBackend  # noqa: PLC0415  # it loads what `import holdfast` need not

    return (given.key, given) if isinstance(given, StorageBackend) else (given, None)


def _open_url(url: str, key: str | None, options: dict[str, Any]) -> StorageBackend:
    if key is None:
        message = f'a storage given as a URL needs a name: register_backend({url!r}, key="…")'
        raise ConfigurationError(message)
    if url.partition("://")[0].lower() in _OBSTORE_SCHEMES:
        from holdfast.backends.obstore import ObstoreBackend  # noqa: PLC0415  # loads obstore

        return ObstoreBackend(key, url, **options)
    from holdfast.backends.fsspec import FSSpecBackend  # noqa: PLC0415  # optional

    return FSSpecBackend(key, url, **options)


storages = StorageRegistry()
"""The storages of this process."""
