"""Unfinished uploads in several storages as one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.drivers import threads
from holdfast.drivers.optional import AsyncPartialUploads, PartialUploads, PartialUploadsBelow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from holdfast.drivers.protocol import Driver


class ClearsEach:
    """Base of drivers over several: clears what each of them can clear."""

    def __init__(self, drivers: Sequence[Driver]) -> None:
        self._cleared = drivers
        if any(isinstance(driver, PartialUploads) for driver in drivers):
            self.clear_partial_uploads = self._clear
            self.clear_partial_uploads_async = self._clear_async
        if any(isinstance(driver, PartialUploadsBelow) for driver in drivers):
            self.clear_partial_uploads_below = self._clear_below

    def _clear(self, older_than: float, *, delete: bool) -> list[str]:
        found: list[str] = []
        for driver in self._cleared:
            if isinstance(driver, PartialUploads):
                found += driver.clear_partial_uploads(older_than, delete=delete)
        return found

    async def _clear_async(self, older_than: float, *, delete: bool) -> list[str]:
        found: list[str] = []
        for driver in self._cleared:
            if isinstance(driver, AsyncPartialUploads):
                found += await driver.clear_partial_uploads_async(older_than, delete=delete)
            elif isinstance(driver, PartialUploads):
                call = driver.clear_partial_uploads
                found += await threads.run_to_end(threads.blocking.submit(call, older_than, delete=delete))
        return found

    def _clear_below(self, folder: str, older_than: float, *, delete: bool) -> list[str]:
        found: list[str] = []
        for driver in self._cleared:
            if isinstance(driver, PartialUploadsBelow):
                found += driver.clear_partial_uploads_below(folder, older_than, delete=delete)
        return found
