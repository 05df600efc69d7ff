"""Storages in memory that stand in for an application's own during a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import quote

from obstore.store import MemoryStore

from holdfast.backends.base import StorageBackend
from holdfast.drivers.abilities import Abilities
from holdfast.drivers.obstore.driver import ObstoreDriver
from holdfast.drivers.optional import Signer
from holdfast.object_settings import NO_SETTINGS, ObjectSettings
from holdfast.registry import storages
from holdfast.testing.faults import Fault, FaultyDriver

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from holdfast.drivers.body import Body
    from holdfast.drivers.optional import SignRequest
    from holdfast.drivers.protocol import PutOptions
    from holdfast.objects import ObjectInfo
    from holdfast.registry import StorageRegistry
    from holdfast.signed_urls import SignedURLs
    from holdfast.testing.faults import Operation


class StandInDriver(FaultyDriver):
    """Memory that takes what the real service takes, and fails on cue.

    Args:
        abilities: Those of the service; its settings are accepted, and have no effect.
    """

    def __init__(self, abilities: Abilities) -> None:
        super().__init__(ObstoreDriver(MemoryStore))
        self._settings, self._writable = abilities.settings, abilities.writable

    @property
    def abilities(self) -> Abilities:
        """Those of memory, the real service's settings, and whether it can be written to."""
        return super().abilities._replace(settings=self._settings, writable=self._writable)

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write, or fail."""
        self._check_writable()
        return super().put(key, body, options._replace(settings=NO_SETTINGS))

    async def put_async(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write, or fail."""
        self._check_writable()
        return await super().put_async(key, body, options._replace(settings=NO_SETTINGS))

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:  # noqa: ARG002  # as in a put
        """Copy, or fail."""
        super().copy(source, target)

    async def copy_async(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:  # noqa: ARG002
        """Copy, or fail."""
        await super().copy_async(source, target)

    def delete(self, keys: Sequence[str]) -> None:
        """Delete, or fail."""
        self._check_writable()
        super().delete(keys)

    async def delete_async(self, keys: Sequence[str]) -> None:
        """Delete, or fail."""
        self._check_writable()
        await super().delete_async(keys)

    def _check_writable(self) -> None:
        if not self._writable:
            message = "the storage that this one stands in for is read-only"
            raise NotImplementedError(message)


class SigningStandInDriver(StandInDriver):
    """The same for a service that signs URLs."""

    def sign(self, request: SignRequest) -> str:
        """Return a URL that shows what was asked for, and leads nowhere (RFC 2606 §2)."""
        return f"https://storage.test/{quote(request.key)}?method={request.method}&expires_in={request.expires_in}"


class StandIns:
    """Replaces every registered storage by one in memory, until it is closed.

    A storage that the application registers meanwhile, when it starts, is replaced as well. So nothing that a test
    does reaches a real storage, and no two tests meet.

    Args:
        registry: The storages.

    Example:
        >>> from holdfast import FileObject, storages
        >>> with StandIns() as stand_ins:
        ...     _ = storages.register_backend("s3://production/", key="docs", aws_region="eu-west-1")
        ...     _ = FileObject(backend="docs", filename="a.txt", to_filename="a.txt", content=b"a").save()
        ...     stand_ins.objects("docs")
        {'a.txt': b'a'}
    """

    def __init__(self, registry: StorageRegistry = storages) -> None:
        self._registry = registry
        self._before: dict[str, StorageBackend] = {}
        self._signed_urls: SignedURLs | None = None
        self._outer: Any = None
        self._drivers: dict[str, StandInDriver] = {}

    def __enter__(self) -> Self:
        self._before, self._outer = dict(self._registry.all()), self._registry._substitute
        self._signed_urls = self._registry.signed_urls
        self._registry._substitute = self._stand_in
        for storage in self._before.values():
            self._registry.register_backend(storage)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Put the application's storages back."""
        self._registry._substitute = self._outer
        self._registry._backends.clear()  # itself, which the documents' own fixtures may hold
        self._registry._backends.update(self._before)
        self._registry.signed_urls = self._signed_urls

    def __getitem__(self, key: str) -> StorageBackend:
        return self._registry.get(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._registry.all())

    def add(self, key: str) -> StorageBackend:
        """Register a storage in memory under a name that the application does not register itself."""
        settings = frozenset(ObjectSettings._fields)
        return self._registry.register_backend(StorageBackend(key, StandInDriver(Abilities(settings=settings))))

    def objects(self, key: str) -> dict[str, bytes]:
        """Return all objects of a storage, by their keys."""
        storage = self._registry.get(key)
        return {info.key: storage.read(info.key) for info in storage.list()}

    def lay(self, key: str, path: str, content: bytes) -> None:
        """Put an object into a storage, by which no fault comes due; also into one that can only be read.

        Args:
            key: The storage.
            path: Key of the object.
            content: Its bytes.
        """
        self._registry.get(key)
        StorageBackend(key, self._drivers[key].driver).put(path, content)

    def fail(
        self,
        key: str,
        operation: Operation,
        *,
        when: Literal["before", "after"] = "before",
        error: BaseException | None = None,
        skip: int = 0,
    ) -> None:
        """Let a call to a storage fail, once.

        Args:
            key: The storage.
            operation: ``"put"``, ``"read"``, ``"stat"``, ``"delete"``, ``"copy"`` or ``"list"``.
            when: ``"after"``: it took effect, and the answer is lost.
            error: What the service's library raises; ``TimeoutError()``, ``PermissionError()`` and other built-ins
                become the errors of Holdfast that stand for them. A lost connection if left out.
            skip: Calls of the operation that succeed first, from now on.
        """
        self._registry.get(key)
        fault = Fault(operation, when, skip=skip) if error is None else Fault(operation, when, error, skip)
        self._drivers[key].fail(fault)

    def _stand_in(self, storage: StorageBackend) -> StorageBackend:
        driver: Any = storage._plain
        if not isinstance(driver, StandInDriver):
            kind = SigningStandInDriver if isinstance(driver, Signer) else StandInDriver
            known = self._drivers.get(storage.key)
            # An application that starts twice in a test finds its files again.
            driver = known if type(known) is kind else kind(storage.abilities)
        self._drivers[storage.key] = driver
        return StorageBackend(
            storage.key,
            driver,
            checksum=storage._algorithm,
            key_scheme=storage.key_scheme,
            object_settings=storage._object_settings,
            public_url=storage.public_url,
        )
