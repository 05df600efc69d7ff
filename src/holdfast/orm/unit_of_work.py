"""The unit of work: session events that keep rows and objects together.

============================  ====================================================================================
after_transaction_create      a ledger that no event has closed is given up
before_flush                  content of new and changed rows is uploaded; what they took and dropped is noted
mapper before_delete          what a deleted row drops is noted
before_commit                 the database is asked whether the transaction still lives, so that a COMMIT which it
                              would answer with ROLLBACK is never sent
engine commit                 "sent" is noted: from here on a failure proves nothing
after_commit                  the boundary (the root, or a SAVEPOINT) is committed
after_transaction_end         a SAVEPOINT folds into what is around it; at the root's end nobody's objects are deleted
============================  ====================================================================================

No event of SQLAlchemy is proof by itself: see ``docs/design.md``.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, event, select
from sqlalchemy.exc import InvalidRequestError
from sqlalchemy.orm import Mapper, Session

from holdfast.orm import flush, session_ledger, settlement
from holdfast.orm.tracking import columns_of, inspect_state

if TYPE_CHECKING:
    from sqlalchemy.orm import SessionTransaction

    from holdfast.orm.ledger import Ledger


logger = logging.getLogger("holdfast")


def install() -> None:
    """Listen to every session."""
    event.listen(Session, "after_transaction_create", after_transaction_create)
    event.listen(Session, "before_flush", before_flush)
    event.listen(Session, "after_flush_postexec", after_flush)
    event.listen(Session, "before_commit", before_commit)
    event.listen(Session, "after_commit", after_commit)
    event.listen(Session, "after_transaction_end", after_transaction_end)
    event.listen(Mapper, "before_delete", before_delete)


def after_transaction_create(session: Session, transaction: SessionTransaction) -> None:
    """Give up what is left of a root transaction that ended without an event.

    A cancellation that strikes while its connection goes back to the pool does that.
    """
    if transaction.parent is None and session_ledger.begin(session):
        logger.error("a transaction ended without notice: no file is deleted, the sweep decides")


def before_flush(session: Session, *_: Any) -> None:
    """Upload what is pending, and note what rows take and drop."""
    flush.upload_and_note(session)


def after_flush(session: Session, *_: Any) -> None:
    """Learn the primary keys of new rows: they are how a row is found again at the end."""
    ledger = session_ledger.current(session)
    if ledger is not None:
        for frame in ledger.frames():
            for change in frame.changes:
                owner = change.owner
                if owner.identity is None and owner.state.key is not None:
                    owner.identity = owner.state.key[1]


def before_delete(mapper: Mapper[Any], connection: Connection, target: Any) -> None:
    """Note what a deleted row drops."""
    columns = columns_of(mapper)
    if columns:
        flush.note_deletion(connection, inspect_state(target), columns)


def before_commit(session: Session) -> None:
    """Make sure that the transaction can be committed."""
    at_root = session.get_nested_transaction() is None
    if at_root:
        session.flush()
    ledger = session_ledger.current(session)
    if ledger is None or ledger.is_empty():
        return
    mappers = {change.owner.state.mapper for frame in ledger.frames() for change in frame.changes}
    connections = {session.connection(bind_arguments={"mapper": mapper}) for mapper in mappers}
    for connection in connections:
        if at_root:
            # PostgreSQL answers the COMMIT of a failed transaction with ROLLBACK, and no driver says so.
            connection.execute(select(1))
        _watch(connection, ledger)


def _watch(connection: Connection, ledger: Ledger) -> None:
    def sent(*_: Any) -> None:
        ledger.sent = True

    for name in ("commit", "prepare_twophase"):
        event.listen(connection, name, sent)

        def stop(name: str = name) -> None:
            with suppress(InvalidRequestError):
                event.remove(connection, name, sent)

        ledger.closing.append(stop)


def after_commit(session: Session) -> None:
    """Mark the boundary that was committed, or released."""
    ledger = session_ledger.current(session)
    if ledger is not None:
        ledger.frame(session.get_nested_transaction()).committed = True


def after_transaction_end(session: Session, transaction: SessionTransaction) -> None:
    """Fold a SAVEPOINT into what is around it, or settle the root. Never raises: the outcome stands already."""
    if transaction.nested:
        ledger = session_ledger.current(session)
        if ledger is not None:
            ledger.end_nested(transaction, session_ledger.enclosing(transaction))
    elif transaction.parent is None:
        ledger = session_ledger.close(session)
        if ledger is not None:
            settlement.settle(ledger)
