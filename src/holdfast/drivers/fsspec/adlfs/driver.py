"""Azure Blob Storage through adlfs: its client, credentials and event loop, but the service's own operations.

The path methods of adlfs read ``?versionid=`` out of a key, answer from remembered listings, set no content type, and
give up metadata that are not plain.
"""

from __future__ import annotations

import asyncio
import secrets
from itertools import chain
from typing import TYPE_CHECKING, Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.storage.blob import BlobBlock
from fsspec.asyn import sync

from holdfast import errors
from holdfast.drivers.abilities import HEADERS, Abilities
from holdfast.drivers.azure import altering
from holdfast.drivers.body import Body
from holdfast.drivers.fsspec import signing, uploads
from holdfast.drivers.fsspec.adlfs.container import IF_ABSENT, about_put, etag_of
from holdfast.drivers.fsspec.adlfs.copying import Copying, copied
from holdfast.drivers.fsspec.adlfs.errors import meaning
from holdfast.drivers.fsspec.adlfs.limits import staged
from holdfast.drivers.fsspec.adlfs.reading import SERVICE, span
from holdfast.drivers.fsspec.adlfs.settings import check_settings, tier
from holdfast.drivers.fsspec.answers import answer_of
from holdfast.drivers.fsspec.in_flight import in_flight
from holdfast.drivers.ordering import utf8_ordered
from holdfast.drivers.parts import Head, Parts
from holdfast.drivers.protocol import MIB, PutOptions
from holdfast.object_settings import NO_SETTINGS, ObjectSettings
from holdfast.objects import ObjectInfo
from holdfast.sources import IterableSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from holdfast.drivers.altering import Change
    from holdfast.drivers.optional import SignRequest, UploadOffer, UploadTerms
    from holdfast.errors import StorageError

_SINGLE = MIB  # bytes that aiohttp writes in one go without a warning; more goes as a block, which is a stream
_STREAMED, _WHOLE = 8 * MIB, 32 * MIB  # bytes of one request of a read
_DELETIONS = 16  # under way at once
_PAGE = 5000
_PAST_THE_END = 416


class AdlFSDriver(Copying):
    """Blobs in a container.

    Args:
        fs: The adlfs file system, or what makes one.
        root: Container, and after a slash the prefix, without slashes at the ends.
    """

    abilities = Abilities(versions=True, settings=HEADERS | {"storage_class", "tags", "encryption_key"})

    def check_settings(self, settings: ObjectSettings) -> None:
        """Refuse settings that Azure does not take."""
        check_settings(settings)

    def put(self, key: str, body: Body, options: PutOptions) -> ObjectInfo:
        """Write in one request up to a MiB, beyond that in blocks."""
        self.check_settings(options.settings)
        about = about_put(key, options)
        if options.settings.encryption_key:
            about["encryption_scope"] = options.settings.encryption_key
        parts, head = Parts.plan(options, body.expected_size), Head.of(options)
        if head.limit is not None:
            head.limit = min(head.limit, _SINGLE)
        blocks = body.blocks(parts.size)
        blob = self._blob(key)
        whole = not (head.full or any(head.take(block) for block in blocks))
        data = b"".join(head.release()) if whole else b""
        if whole and len(data) <= _SINGLE:
            answer = self._call(blob.upload_blob, data, length=len(data), overwrite=not options.if_absent, **about)
        else:
            rest = iter([memoryview(data)]) if whole else chain(head.release(), blocks)
            condition = IF_ABSENT if options.if_absent else {}
            answer = self._put_in_blocks(blob, rest, parts.concurrency, {**condition, **about})
        with answer_of(SERVICE):
            changed = answer["last_modified"].timestamp()
            return ObjectInfo(key, body.size, changed, etag_of(answer["etag"]), answer.get("version_id"))

    def read(self, key: str, start: int, end: int | None, chunk_size: int | None) -> Iterator[bytes]:
        """Read with a request for each 8 MiB, all of the same version of the blob."""
        pieces = self._pieces(self._blob(key), start, end, _WHOLE if chunk_size is None else _STREAMED)
        if chunk_size is None:
            yield b"".join(pieces)
            return
        for piece in pieces:
            for position in range(0, len(piece), chunk_size):
                yield piece[position : position + chunk_size]

    def delete(self, keys: Sequence[str]) -> None:
        """Delete blobs, and their snapshots, several at once; Azurite refuses this SDK's batches."""
        loop, client = self.native.loop, self._client

        def begin(_: int, key: str) -> Future[None]:
            deletion = _deleted(client.get_blob_client(self._prefix + key), **self._limits)
            return asyncio.run_coroutine_threadsafe(deletion, loop)

        in_flight(begin, keys, _DELETIONS)

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Copy inside Azure; through this process into an encryption scope, of which such a copy cannot be told."""
        if settings.encryption_key:
            self._copy_through(source, target, settings)
            return
        about: dict[str, Any] = {"tags": dict(settings.tags)} if settings.tags else {}
        if settings.storage_class:
            about["standard_blob_tier"] = tier(settings.storage_class)
        self._call(copied, self._blob(source), self._blob(target), about)

    def _copy_through(self, source: str, target: str, settings: ObjectSettings) -> None:
        found = self._call(self._blob(source).get_blob_properties)
        info, own = self._described(source, found), found.content_settings
        kept = settings._replace(**{name: getattr(own, name) for name in HEADERS if getattr(own, name)})
        content = IterableSource(self.read(source, 0, None, _STREAMED))
        content.size = info.size
        self.put(target, Body(content, None, None), PutOptions(info.content_type, info.metadata, settings=kept))

    def list(self, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
        """List five thousand blobs per request."""
        folder = f"{self._prefix}{prefix}/" if prefix else self._prefix
        for info in utf8_ordered(self._listed(folder)):
            if after is None or info.key > after:
                yield info

    def sign(self, request: SignRequest) -> str:
        """Return a URL that is signed with the account's key."""
        return signing.adlfs_url(self.native, self._container, request._replace(key=self._prefix + request.key))

    def check_alter(self, settings: ObjectSettings) -> None:
        """Look for the account's key."""
        check_settings(settings)
        altering.check(settings)
        uploads.adlfs_container(self.native, self._container)

    def alter(self, key: str, change: Change) -> bool:
        """Change the blob with requests of our own."""
        return altering.alter(uploads.adlfs_container(self.native, self._container), self._prefix + key, change)

    def offer_upload(self, terms: UploadTerms) -> UploadOffer:
        """Sign as for URLs."""
        whole = terms._replace(key=self._prefix + terms.key)
        return uploads.adlfs_offer(self.native, self._container, whole)

    def finish_upload(self, key: str, upload_id: str) -> None:
        """Finish with requests of our own."""
        uploads.adlfs_finish(self.native, self._container, self._prefix + key, upload_id)

    def classify(self, error: BaseException) -> type[StorageError] | None:
        """Go by Azure's code."""
        return meaning(error) or super().classify(error)

    # --- requests

    def _put_in_blocks(
        self, blob: Any, blocks: Iterator[memoryview], concurrency: int, about: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Send blocks, then what they make.

        Blocks that are never named in such a list are dropped by Azure after a week, or with the next write.
        """
        loop = self.native.loop
        # The names of blocks are those of the blob: another upload to the same key must not use ours.
        upload = secrets.token_hex(8)
        scope = {name: about[name] for name in ("encryption_scope",) if name in about}
        names: list[BlobBlock] = []

        def begin(number: int, block: memoryview) -> Future[Any]:
            names.append(BlobBlock(f"{upload}-{number:06}"))
            request = staged(blob, names[-1].id, block, {**scope, **self._limits})
            return asyncio.run_coroutine_threadsafe(request, loop)

        in_flight(begin, blocks, concurrency)
        answer: Mapping[str, Any] = self._call(blob.commit_block_list, names, **about)
        return answer

    def _pieces(self, blob: Any, start: int, end: int | None, step: int) -> Iterator[bytes]:
        same: dict[str, Any] = {}
        while end is None or start < end:
            length = step if end is None else min(step, end - start)
            try:
                piece, etag, size = self._call(span, blob, start, length, same)
            except HttpResponseError as error:
                if error.status_code == _PAST_THE_END:
                    return
                raise
            yield piece
            start += len(piece)
            if start >= size:
                return
            same = {"etag": etag, "match_condition": MatchConditions.IfNotModified}

    def _listed(self, folder: str) -> Iterator[ObjectInfo]:
        wanted = {"include": ["metadata"], "results_per_page": _PAGE, **self._limits}
        pages = self._client.list_blobs(folder or None, **wanted).by_page()
        while (page := sync(self.native.loop, _next_page, pages)) is not None:
            for found in page:
                # What stands for a folder, as other tools and accounts with real folders show it.
                if not (found.name.endswith("/") or (found.metadata or {}).get("hdi_isfolder") == "true"):
                    yield self._described(found.name.removeprefix(self._prefix), found)

    # --- descriptions


async def _deleted(blob: Any, **limits: Any) -> None:
    try:
        await blob.delete_blob(delete_snapshots="include", **limits)
    except ResourceNotFoundError as error:
        if meaning(error) is errors.BucketNotFoundError:
            raise


async def _next_page(pages: Any) -> list[Any] | None:
    with answer_of(SERVICE):
        try:
            page = await anext(pages)
        except StopAsyncIteration:
            return None
        return [found async for found in page]
