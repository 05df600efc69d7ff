"""The services that obstore speaks to: what each keeps, and what only it can do."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NoReturn

from obstore.store import AzureStore, GCSStore, HTTPStore, LocalStore, MemoryStore, S3Store

from holdfast.drivers import threads
from holdfast.drivers.abilities import FILES, HEADERS, Abilities
from holdfast.drivers.azure import altering as azure
from holdfast.drivers.beside import beside
from holdfast.drivers.obstore import altering, ordering, partial_uploads, places, s3_bucket, server_side, uploads
from holdfast.drivers.obstore.driver import ObstoreDriver, SigningObstoreDriver
from holdfast.drivers.obstore.encryption import changed_store, check_s3, store_options
from holdfast.drivers.obstore.tags import check_azure, check_tags
from holdfast.drivers.places import Place, on_disk
from holdfast.object_settings import NO_SETTINGS, ObjectSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from holdfast.drivers.altering import Change
    from holdfast.drivers.body import Body
    from holdfast.drivers.optional import Refusal, UploadOffer, UploadTerms
    from holdfast.drivers.protocol import Driver, PutOptions
    from holdfast.objects import ObjectInfo

_READ_ONLY = "this storage is read-only, as every web server through obstore; WebDAV is written to with FSSpecBackend"


class S3ObstoreDriver(SigningObstoreDriver):
    """S3, whose unfinished uploads stay, and cost, until they are aborted."""

    abilities = Abilities(
        versions=True,
        settings=HEADERS | {"storage_class", "tags", "encryption", "encryption_key", "checksum_algorithm"},
    )
    _not_copied = frozenset({"storage_class"})

    def __init__(self, store: Any) -> None:
        super().__init__(store)
        self._changed: dict[tuple[tuple[str, str], ...], Any] = {}
        self._changing = threading.Lock()

    def place(self) -> Place:
        """Read the store's options."""
        return places.s3_place(self.native)

    def check_settings(self, settings: ObjectSettings) -> None:
        """Refuse settings that S3 or obstore would refuse."""
        super().check_settings(settings)
        check_s3(settings)
        check_tags(settings.tags)

    def _writer(self, settings: ObjectSettings) -> Any:
        """Return a store of its own where obstore has a setting for all writes of a store only."""
        store = super()._writer(settings)
        options = store_options(settings)
        if not options:
            return store
        name = tuple(options.items())
        with self._changing:
            if name not in self._changed:
                self._changed[name] = changed_store(store, options)
            return self._changed[name]

    def can_copy_from(self, origin: Driver) -> bool:
        """Copy from any bucket of the same service."""
        return beside(self, origin) is not None

    def copy_from(self, origin: Driver, source: ObjectInfo, target: str, options: PutOptions) -> Refusal | None:
        """Copy with requests of our own; obstore knows no other bucket than its own."""
        store, there = self._open(), beside(self, origin)
        return server_side.s3_copy(store, s3_bucket.find(store), source, target, options, there=there)

    async def copy_from_async(
        self, origin: Driver, source: ObjectInfo, target: str, options: PutOptions
    ) -> Refusal | None:
        """Like `copy_from`; to the end, even when cancelled."""
        store, there = self._open(), beside(self, origin)
        bucket = await s3_bucket.find_async(store)
        work = threads.blocking.submit(server_side.s3_copy, store, bucket, source, target, options, there=there)
        return await threads.run_to_end(work)

    def check_alter(self, settings: ObjectSettings) -> None:
        """Look for the credentials."""
        self.check_settings(settings)
        altering.s3_bucket_of(self._open())

    def alter(self, key: str, change: Change) -> bool:
        """Copy the object onto itself with a request of our own, which obstore has no call for."""
        return altering.s3_alter(self._open(), key, change)

    def offer_upload(self, terms: UploadTerms) -> UploadOffer:
        """Sign with the store's credentials; a multipart upload is begun with a request of our own."""
        return uploads.s3_offer(self._open(), terms)

    def finish_upload(self, key: str, upload_id: str) -> None:
        """Finish with requests of our own."""
        uploads.s3_finish(self._open(), key, upload_id)

    def clear_partial_uploads(self, older_than: float, *, delete: bool) -> list[str]:
        """List and abort multipart uploads with requests of our own, which obstore has no call for."""
        store = self._open()
        return partial_uploads.clear(partial_uploads.bucket(store), store.prefix, older_than, delete=delete)

    def clear_partial_uploads_below(self, folder: str, older_than: float, *, delete: bool) -> list[str]:
        """Like `clear_partial_uploads`, in a folder."""
        store = self._open()
        prefix = f"{store.prefix}/{folder}" if store.prefix else folder
        found = partial_uploads.clear(partial_uploads.bucket(store), prefix, older_than, delete=delete)
        return [f"{folder}/{key}" for key in found]

    async def clear_partial_uploads_async(self, older_than: float, *, delete: bool) -> list[str]:
        """Like `clear_partial_uploads`; to the end, even when cancelled."""
        store = self._open()
        bucket = await partial_uploads.bucket_async(store)
        work = threads.blocking.submit(partial_uploads.clear, bucket, store.prefix, older_than, delete=delete)
        return await threads.run_to_end(work)


class GCSObstoreDriver(SigningObstoreDriver):
    """Google Cloud Storage, which obstore gives neither a key to encrypt with nor a checksum."""

    abilities = Abilities(versions=True, settings=HEADERS | {"storage_class"})
    _not_copied = frozenset({"storage_class"})

    def place(self) -> Place:
        """Read the store's options."""
        return places.gcs_place(self.native)

    def can_copy_from(self, origin: Driver) -> bool:
        """Copy from any bucket of the same service."""
        return beside(self, origin) is not None

    def copy_from(self, origin: Driver, source: ObjectInfo, target: str, options: PutOptions) -> Refusal | None:
        """Copy with a request of our own."""
        return server_side.gcs_copy(self._open(), source, target, options, there=beside(self, origin))

    def check_alter(self, settings: ObjectSettings) -> None:
        """Look for the key of a service account."""
        self.check_settings(settings)
        uploads.gcs_bucket(self._open())

    def alter(self, key: str, change: Change) -> bool:
        """Copy the object onto itself with a request of our own."""
        return altering.gcs_alter(self._open(), key, change)

    def offer_upload(self, terms: UploadTerms) -> UploadOffer:
        """Sign with the private key of a service account."""
        return uploads.gcs_offer(self._open(), terms)

    def finish_upload(self, key: str, upload_id: str) -> None:
        """Finish with requests of our own."""
        uploads.gcs_finish(self._open(), key, upload_id)


class AzureObstoreDriver(SigningObstoreDriver):
    """Azure Blob Storage; its storage class is the access tier."""

    abilities = Abilities(versions=True, settings=HEADERS | {"storage_class", "tags"})
    _bulk = 256
    _not_copied = frozenset({"storage_class", "tags"})

    def place(self) -> Place:
        """Read the store's options."""
        return places.azure_place(self.native)

    def check_settings(self, settings: ObjectSettings) -> None:
        """Refuse settings that Azure would refuse."""
        super().check_settings(settings)
        check_azure(settings)

    def can_copy_from(self, origin: Driver) -> bool:
        """Copy from any container of the same account."""
        return beside(self, origin) is not None

    def copy_from(self, origin: Driver, source: ObjectInfo, target: str, options: PutOptions) -> Refusal | None:
        """Copy with a request of our own."""
        return server_side.azure_copy(self._open(), source, target, options, there=beside(self, origin))

    def check_alter(self, settings: ObjectSettings) -> None:
        """Look for the account's key."""
        self.check_settings(settings)
        azure.check(settings)
        uploads.azure_container(self._open())

    def alter(self, key: str, change: Change) -> bool:
        """Change the blob with requests of our own."""
        return altering.azure_alter(self._open(), key, change)

    def offer_upload(self, terms: UploadTerms) -> UploadOffer:
        """Sign with the key of the account."""
        return uploads.azure_offer(self._open(), terms)

    def finish_upload(self, key: str, upload_id: str) -> None:
        """Finish with requests of our own."""
        uploads.azure_finish(self._open(), key, upload_id)

    def list(self, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
        """List page by page, and in order."""
        found = super().list(prefix, ordering.start_before(after))
        return ordering.by_utf8(info for info in found if after is None or info.key > after)

    def list_async(self, prefix: str, after: str | None) -> AsyncIterator[ObjectInfo]:
        """Like `list`."""
        found = super().list_async(prefix, ordering.start_before(after))
        return ordering.by_utf8_async(info async for info in found if after is None or info.key > after)


class MemoryObstoreDriver(ObstoreDriver):
    """Memory: it keeps what it is given, and does nothing with it."""

    abilities = Abilities(settings=HEADERS | {"storage_class"})

    def place(self) -> Place:
        """Return the store itself."""
        return Place(("memory", id(self.native)))

    def check_alter(self, settings: ObjectSettings) -> None:
        """Check them like those of a write."""
        self.check_settings(settings)

    def alter(self, key: str, change: Change) -> bool:
        """Write the object anew, with the same bytes."""
        return altering.memory_alter(self._open(), key, change)


class LocalObstoreDriver(ObstoreDriver):
    """Local disk through a store that the user made; `holdfast.drivers.local` does more."""

    abilities = FILES

    def place(self) -> Place:
        """Return the store's folder."""
        return on_disk(self.native.prefix or "/")


class HTTPObstoreDriver(ObstoreDriver):
    """A web server, to read from.

    obstore's ``HTTPStore`` also writes, to WebDAV, but it never does so whole or not at all.
    """

    abilities = Abilities(
        writable=False, lists=False, metadata=False, etag=False, last_modified=False, atomic_create=False
    )

    def put(self, key: str, body: Body, options: PutOptions) -> NoReturn:
        """Refuse."""
        raise NotImplementedError(_READ_ONLY)

    async def put_async(self, key: str, body: Body, options: PutOptions) -> NoReturn:
        """Refuse."""
        raise NotImplementedError(_READ_ONLY)

    def delete(self, keys: Sequence[str]) -> NoReturn:
        """Refuse."""
        raise NotImplementedError(_READ_ONLY)

    async def delete_async(self, keys: Sequence[str]) -> NoReturn:
        """Refuse."""
        raise NotImplementedError(_READ_ONLY)

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> NoReturn:
        """Refuse."""
        raise NotImplementedError(_READ_ONLY)

    async def copy_async(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> NoReturn:
        """Refuse."""
        raise NotImplementedError(_READ_ONLY)

    def list(self, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
        """Refuse: a web server tells nobody what it has."""
        raise NotImplementedError(_READ_ONLY)

    async def list_async(self, prefix: str, after: str | None) -> AsyncIterator[ObjectInfo]:  # noqa: ARG002
        """Refuse."""
        raise NotImplementedError(_READ_ONLY)
        yield  # an async generator, as callers expect


_DRIVERS: tuple[tuple[Any, type[ObstoreDriver]], ...] = (
    (S3Store, S3ObstoreDriver),
    (GCSStore, GCSObstoreDriver),
    (AzureStore, AzureObstoreDriver),
    (MemoryStore, MemoryObstoreDriver),
    (LocalStore, LocalObstoreDriver),
    (HTTPStore, HTTPObstoreDriver),
)


def driver_for(store: Any) -> ObstoreDriver:
    """Return the driver for a store that the user made."""
    return next((driver for kind, driver in _DRIVERS if isinstance(store, kind)), ObstoreDriver)(store)
