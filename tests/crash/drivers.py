"""The real drivers, with points to be killed at before, in and after each call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

from holdfast.drivers.local import LocalDriver
from holdfast.drivers.obstore.services import S3ObstoreDriver
from holdfast.drivers.protocol import Put
from holdfast.object_settings import NO_SETTINGS, ObjectSettings
from holdfast.objects import ObjectInfo
from tests.crash.kill import SWEEP, Killer


class MortalLocal(LocalDriver):
    """Local disk, which has no async half and writes small files in batches."""

    def __init__(self, root: Path, killer: Killer) -> None:
        super().__init__(root, durable=False)  # the process dies, not the machine
        self.killer = killer

    def put_many(self, puts: Sequence[Put]) -> list[ObjectInfo | Exception]:
        """Write objects; `LocalDriver.put` comes here too."""
        self.killer.at("before put")
        answers = super().put_many(puts)
        self.killer.at("after put")
        return answers

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects."""
        self.killer.between_deletes(len(keys), lambda count: LocalDriver.delete(self, keys[:count]))
        super().delete(keys)
        self.killer.deleted()

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Copy an object."""
        self.killer.at("before put")
        super().copy(source, target, settings)
        self.killer.at("after put")

    def list(self, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
        """List objects."""
        for info in super().list(prefix, after):
            self.killer.at(SWEEP)
            yield info

    def clear_partial_uploads(self, older_than: float, *, delete: bool) -> list[str]:
        """Clear temporary files."""
        self.killer.at(SWEEP)
        cleared = super().clear_partial_uploads(older_than, delete=delete)
        self.killer.at(SWEEP)
        return cleared


class MortalS3(S3ObstoreDriver):
    """S3 through obstore, in both worlds."""

    def __init__(self, store: Any, killer: Killer) -> None:
        super().__init__(store)
        self.killer = killer

    def put(self, *args: Any) -> ObjectInfo:
        """Write an object."""
        self.killer.at("before put")
        answer = super().put(*args)
        self.killer.at("after put")
        return answer

    async def put_async(self, *args: Any) -> ObjectInfo:
        """Like `put`."""
        self.killer.at("before put")
        answer = await super().put_async(*args)
        self.killer.at("after put")
        return answer

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects."""
        self.killer.between_deletes(len(keys), lambda count: S3ObstoreDriver.delete(self, keys[:count]))
        super().delete(keys)
        self.killer.deleted()

    async def delete_async(self, keys: Sequence[str]) -> None:
        """Like `delete`."""
        self.killer.between_deletes(len(keys), lambda count: S3ObstoreDriver.delete(self, keys[:count]))
        await super().delete_async(keys)
        self.killer.deleted()

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Copy an object."""
        self.killer.at("before put")
        super().copy(source, target, settings)
        self.killer.at("after put")

    async def copy_async(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Like `copy`."""
        self.killer.at("before put")
        await super().copy_async(source, target, settings)
        self.killer.at("after put")

    def list(self, prefix: str, after: str | None) -> Iterator[ObjectInfo]:
        """List objects."""
        for info in super().list(prefix, after):
            self.killer.at(SWEEP)
            yield info

    async def list_async(self, prefix: str, after: str | None) -> AsyncIterator[ObjectInfo]:
        """Like `list`."""
        async for info in super().list_async(prefix, after):
            self.killer.at(SWEEP)
            yield info

    def clear_partial_uploads(self, older_than: float, *, delete: bool) -> list[str]:
        """Abort multipart uploads; the async half goes past this."""
        self.killer.at(SWEEP)
        cleared = super().clear_partial_uploads(older_than, delete=delete)
        self.killer.at(SWEEP)
        return cleared
