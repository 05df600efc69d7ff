"""Objects are deleted in their storages; what could not be deleted is logged, and never raises."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from holdfast.keys import is_key
from holdfast.orm import bridge
from holdfast.registry import storages
from holdfast.saving import Ref

if TYPE_CHECKING:
    from collections.abc import Iterable

logger = logging.getLogger("holdfast")

_SHOWN = 20


def remove(refs: Iterable[Ref]) -> set[Ref]:
    """Delete objects, those of a storage in as few requests as it allows; return those that may still be there."""
    paths: dict[str, list[str]] = {}
    for ref in dict.fromkeys(refs):
        if _is_read_only(ref.backend):  # what is there stays, and trying again would not change that
            logger.info("%r in storage %r is kept: the storage is read-only", ref.path, ref.backend)
        elif is_key(ref.path):
            paths.setdefault(ref.backend, []).append(ref.path)
        else:  # raw SQL can put anything into a row; one such name must not stop the others
            logger.warning("%r in storage %r cannot be a key: there is nothing to delete", ref.path, ref.backend)
    if not paths:
        return set()
    left: set[Ref] = set()
    for key, error in bridge.do(lambda: _delete_all(paths), lambda: _delete_all_async(paths)):
        shown = ", ".join(paths[key][:_SHOWN])
        logger.error("%d files in storage %r could not be deleted (%s): %s", len(paths[key]), key, shown, error)
        left |= {Ref(key, path) for path in paths[key]}
    return left


def _is_read_only(key: str) -> bool:
    storage = storages.all().get(key)
    return storage is not None and not storage.abilities.writable


def _delete_all(paths: dict[str, list[str]]) -> list[tuple[str, Exception]]:
    failures: list[tuple[str, Exception]] = []
    for key, group in paths.items():
        try:
            storages.get(key).delete(group)
        except Exception as error:  # noqa: BLE001  # reported; the other storages still have their turn
            failures.append((key, error))
    return failures


async def _delete_all_async(paths: dict[str, list[str]]) -> list[tuple[str, Exception]]:
    async def delete(key: str, group: list[str]) -> tuple[str, Exception] | None:
        try:
            await storages.get(key).delete_async(group)
        except Exception as error:  # noqa: BLE001  # as above
            return key, error
        return None

    outcomes = await asyncio.gather(*(delete(key, group) for key, group in paths.items()))
    return [failure for failure in outcomes if failure is not None]
