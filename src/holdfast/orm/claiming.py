"""The first row of an upload that was claimed: the ticket is used up, in the transaction of the row."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from holdfast.claim import used_before
from holdfast.drivers import threads
from holdfast.errors import AlreadyExistsError, StorageError
from holdfast.registry import storages

if TYPE_CHECKING:
    from holdfast.backends.base import StorageBackend
    from holdfast.claim import Claim
    from holdfast.orm.ledger import Frame


@dataclass(slots=True, eq=False)
class Claiming:
    """What makes a claim good.

    Attributes:
        claim: The claim.
        frame: Where the marker is noted.
        is_marked: Whether the marker lies there from an earlier try of the same transaction.
        nonce: What the marker holds, by which the transaction knows it again; nobody else does, not even one that has
            the same file at the same moment.
    """

    claim: Claim
    frame: Frame
    is_marked: bool
    nonce: bytes

    def run(self) -> None:
        """Make the marker, and make sure that the file is the one that was checked.

        Raises:
            InvalidTokenError: The ticket was used before, or the file is another one.
            NotFoundError: The file has gone.
        """
        storage = storages.get(self.claim.upload.backend)
        self._mark(storage, self.claim.marker.path)
        self.claim.check_same(storage.stat(self.claim.file.path))
        self.claim.is_used = True

    async def run_async(self) -> None:
        """Like `run`."""
        storage = storages.get(self.claim.upload.backend)
        await self._mark_async(storage, self.claim.marker.path)
        self.claim.check_same(await storage.stat_async(self.claim.file.path))
        self.claim.is_used = True

    def _mark(self, storage: StorageBackend, marker: str) -> None:
        is_there = not self.is_marked and storage.exists(marker)  # not every service minds `if_absent`
        try:
            if not is_there:
                storage.put(marker, self.nonce, if_absent=not self.is_marked)
        except AlreadyExistsError:
            is_there = True
        except BaseException:
            if self._is_ours(storage, marker):
                self._note()
            raise
        if is_there and not self._is_ours(storage, marker):
            raise used_before()
        self._note()

    async def _mark_async(self, storage: StorageBackend, marker: str) -> None:
        is_there = not self.is_marked and await storage.exists_async(marker)
        try:
            if not is_there:
                await storage.put_async(marker, self.nonce, if_absent=not self.is_marked)
        except AlreadyExistsError:
            is_there = True
        except BaseException:
            if await threads.finish(asyncio.ensure_future(self._is_ours_async(storage, marker))):
                self._note()
            raise
        if is_there and not await self._is_ours_async(storage, marker):
            raise used_before()
        self._note()

    def _is_ours(self, storage: StorageBackend, marker: str) -> bool:
        """Return whether a put took effect whose answer was lost."""
        try:
            return storage.read(marker) == self.nonce
        except StorageError:
            return False

    async def _is_ours_async(self, storage: StorageBackend, marker: str) -> bool:
        """Like `_is_ours`."""
        try:
            return await storage.read_async(marker) == self.nonce
        except StorageError:
            return False

    def _note(self) -> None:
        # Not before: the marker in the way may be that of somebody else, whose row would lose it with our rollback.
        self.frame.markers[self.claim.marker] = self.claim
        self.frame.undo.append(self._undo)

    def _undo(self) -> None:
        self.claim.is_used = False
