"""The end of a root transaction: objects that no row needs are deleted.

It comes when the outcome stands already, so nothing here raises; what could not be deleted is logged and found by
the sweep.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from holdfast.orm import bridge, rows
from holdfast.orm.ledger import Outcome
from holdfast.orm.tracking import columns_of
from holdfast.registry import storages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from holdfast.orm.ledger import Dead, Ledger, Owner
    from holdfast.saving import Ref

logger = logging.getLogger("holdfast")

_SECONDS = 60.0
_SHOWN = 20


def end_nested(ledger: Ledger, boundary: Any, parent: Any | None) -> None:
    """Fold a SAVEPOINT into what is around it."""
    try:
        ledger.end_nested(boundary, parent)
    except Exception:
        logger.exception("files of a savepoint could not be restored: they stay as they are")


def settle(ledger: Ledger) -> None:
    """Delete what the transaction left over."""
    try:
        for close in ledger.closing:
            close()
        outcome, dead = ledger.settle()
        if ledger.is_empty():
            return
        if ledger.joined:
            logger.info("the session is part of an outer transaction, whose end it does not see: no file is deleted")
        elif outcome is Outcome.UNKNOWN:
            logger.error("a COMMIT was not acknowledged, or never needed: no file is deleted, the sweep decides")
        elif dead:
            bridge.do_shielded(lambda: _delete(_unheld(dead)), _SECONDS)
    except Exception:
        logger.exception("cleaning up files after a transaction failed: leftovers are found by the sweep")


def _unheld(dead: list[Dead]) -> dict[str, list[str]]:
    """Return what to delete, by storage: all that no row which ever took or dropped it holds in the database now.

    Events are no proof of what was committed: the connection may have been in autocommit mode, a savepoint may have
    outlived the rollback, the database may have rolled back by itself. The rows are asked, on a fresh connection.
    """
    held = _held({owner for item in dead for owner in item.owners})
    paths: dict[str, list[str]] = {}
    for ref in dict.fromkeys(item.ref for item in dead):
        if ref in held:
            logger.warning("%s in storage %r is kept: a row holds it", ref.path, ref.backend)
        else:
            paths.setdefault(ref.backend, []).append(ref.path)
    return paths


def _held(owners: Iterable[Owner]) -> set[Ref]:
    """SELECT what rows hold: in all their file columns, as a file may have moved from one to another."""
    groups: dict[tuple[Any, Any], set[tuple[Any, ...]]] = {}
    for owner in owners:
        # The primary key may have changed since.
        known = (identity for identity in owner.identities() if identity is not None)
        groups.setdefault((owner.bind, owner.state.mapper), set()).update(known)
    held: set[Ref] = set()
    for (bind, mapper), identities in groups.items():
        if identities:
            with bind.connect() as connection:
                for column in columns_of(mapper):
                    for refs in rows.load(connection, mapper, column, list(identities)).values():
                        held |= refs
    return held


def _delete(paths: dict[str, list[str]]) -> None:
    if not paths:
        return
    failures = bridge.do(lambda: _delete_all(paths), lambda: _delete_all_async(paths))
    for key, error in failures:
        shown = ", ".join(paths[key][:_SHOWN])
        logger.error("%d files in storage %r could not be deleted (%s): %s", len(paths[key]), key, shown, error)


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
