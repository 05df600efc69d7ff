"""The end of a root transaction: objects that no row needs are deleted.

It comes when the outcome stands already, so nothing here raises; what could not be deleted is logged and found by
the sweep.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from holdfast.orm import boxing, bridge, holders, rows, shared_keys
from holdfast.orm.engines import fresh_connection
from holdfast.orm.ledger import Outcome
from holdfast.orm.removal import remove
from holdfast.orm.tracking import table_columns

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from holdfast.orm.ledger import Dead, Ledger
    from holdfast.saving import Ref

logger = logging.getLogger("holdfast")

_SECONDS = 60.0


def end_nested(ledger: Ledger, boundary: Any, parent: Any | None) -> None:
    """Fold a SAVEPOINT into what is around it."""
    try:
        ledger.end_nested(boundary, parent)
    except Exception:
        logger.exception("files of a savepoint could not be restored: they stay as they are")


def settle(ledger: Ledger, session: Session) -> None:
    """Delete what the transaction left over."""
    try:
        ledger.stop_listening()
        outcome, dead = ledger.settle()
        if ledger.is_empty():
            return
        if ledger.joined:
            logger.info("the session is part of an outer transaction, whose end it does not see: no file is deleted")
            return
        boxed = ledger.boxed()
        if outcome is Outcome.UNKNOWN:
            kept = "only the outbox knows what to delete" if boxed else "no file is deleted, the sweep decides"
            logger.error("a COMMIT was not acknowledged, or never needed: %s", kept)
        if dead or boxed:
            bridge.do_shielded(lambda: _clean_up(session, ledger, outcome, dead), _SECONDS)
    except Exception:
        logger.exception("cleaning up files after a transaction failed: leftovers are found by the sweep")


def _clean_up(session: Session, ledger: Ledger, outcome: Outcome, dead: list[Dead]) -> None:
    # The entries in the outbox share the transaction's fate, whatever that was.
    theirs = boxing.drain_own(ledger) if outcome is not Outcome.ROLLED_BACK else set()
    remove(_unheld(session, ledger, [item for item in dead if item.ref not in theirs]))


def _unheld(session: Session, ledger: Ledger, dead: list[Dead]) -> list[Ref]:
    """Return what to delete: all that no row which ever took or dropped it holds in the database now.

    Events are no proof of what was committed: the connection may have been in autocommit mode, a savepoint may have
    outlived the rollback, the database may have rolled back by itself. The rows are asked, on a fresh connection.
    Of a key that Holdfast did not make all rows are asked.
    """
    held = _held(ledger, dead)
    if shareable := shared_keys.shareable(item.ref for item in dead) - held:
        held |= shared_keys.held_anywhere(session, ledger, shareable)
    for ref in held:
        logger.warning("%s in storage %r is kept: a row holds it", ref.path, ref.backend)
    return [item.ref for item in dead if item.ref not in held and item.file not in held]


def _held(ledger: Ledger, dead: list[Dead]) -> set[Ref]:
    """SELECT what rows hold: in all their file columns, as a file may have moved from one to another."""
    known: dict[tuple[Any, Any], set[tuple[Any, ...]]] = {}
    unknown: dict[tuple[Any, Any], set[Ref]] = {}
    for item in dead:
        for owner in item.owners:
            # The primary key may have changed since.
            known.setdefault((owner.bind, owner.mapper), set()).update(owner.identities())
            if owner.is_unknown():
                unknown.setdefault((owner.bind, owner.mapper), set()).add(item.file or item.ref)
    held: set[Ref] = set()
    for (bind, mapper), identities in known.items():
        if identities:
            with fresh_connection(ledger.engine(bind)) as connection:
                for found in rows.load(connection, mapper, table_columns(mapper), list(identities)).values():
                    held |= rows.all_refs(found)
    for (bind, mapper), wanted in unknown.items():
        with fresh_connection(ledger.engine(bind)) as connection:
            for table in {column.column.table for column in table_columns(mapper)}:
                held |= holders.search(connection, holders.file_columns(table), wanted)
    return held & {ref for item in dead for ref in (item.ref, item.file)}
