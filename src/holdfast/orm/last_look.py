"""The last look before COMMIT at files that are so old that a sweep may have taken them for garbage.

An object without a row is deleted once it is older than the grace period. The row of a transaction that takes longer
than that would dangle, so half of the period before, objects are looked at again.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from holdfast.errors import NotFoundError
from holdfast.keys import find_id, id_time
from holdfast.orm import bridge
from holdfast.registry import storages

if TYPE_CHECKING:
    from holdfast.orm.ledger import Ledger
    from holdfast.saving import Ref

GRACE = 24 * 3600
"""Seconds for which an object without a row is left alone."""


def check(ledger: Ledger) -> None:
    """Refuse to commit rows whose files have been swept.

    Raises:
        NotFoundError: One is gone.
    """
    before, whole = time.time() - GRACE / 2, ledger.whole()
    taken = whole.created if whole.only_creates() else [ref for ref, count in whole.net().items() if count > 0]
    check_refs([ref for ref in taken if (made := find_id(ref.path)) is not None and id_time(made) < before])


def check_refs(refs: list[Ref]) -> None:
    """Refuse to commit rows with any of these files that has gone.

    Raises:
        NotFoundError: One has.
    """
    if refs:
        bridge.do(lambda: _check(refs), lambda: _check_async(refs))


def _check(refs: list[Ref]) -> None:
    for ref in refs:
        if not storages.get(ref.backend).exists(ref.path):
            raise _gone(ref)


async def _check_async(refs: list[Ref]) -> None:
    found = await asyncio.gather(*(storages.get(ref.backend).exists_async(ref.path) for ref in refs))
    for ref, exists in zip(refs, found, strict=True):
        if not exists:
            raise _gone(ref)


def _gone(ref: Ref) -> NotFoundError:
    message = (
        f"{ref.path!r} has gone from storage {ref.backend!r} before its row was committed: a sweep takes files that "
        f"no row holds for garbage once they are old, and a drain had it on its list. Roll back and do it again."
    )
    return NotFoundError(message, operation="commit", storage=ref.backend, path=ref.path)
