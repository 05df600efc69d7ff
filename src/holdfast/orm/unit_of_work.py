"""The unit of work: session events that keep rows and objects together.

============================  ====================================================================================
after_transaction_create      a ledger that no event has closed is given up
before_flush                  content of new and changed rows is uploaded; what their rows hold is selected and locked
do_orm_execute                the same for the rows of a bulk statement, before and after it is executed
before_insert, before_update  a row that was changed since is looked at again; its connection is watched
before_delete                 what a deleted row holds is selected and locked; it also sees delete-orphan victims
after_flush_postexec          what rows took and dropped is noted
before_commit                 it is made sure that the transaction still lives, so that a COMMIT which the database
                              would answer with ROLLBACK is never sent; the outbox is told what is to be deleted; at its
                              end "sent" is noted: from here on a failure proves nothing
engine commit                 "sent" is noted only here where others listen for `before_commit`, too, and may raise
after_commit                  the boundary (the root, or a SAVEPOINT) is committed
after_transaction_end         a SAVEPOINT folds into what is around it; at the root's end nobody's objects are deleted
============================  ====================================================================================

Most sessions touch no file: a listener makes no call before it knows that there is something to do.

No event of SQLAlchemy is proof by itself: see ``docs/design.md``.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, event
from sqlalchemy.orm import Session

from holdfast.orm import alive, boxing, bulk, flush, kept_values, last_look, session_ledger, settlement, watching
from holdfast.orm.session_ledger import KEY
from holdfast.orm.tracking import FILES

if TYPE_CHECKING:
    from sqlalchemy import Result
    from sqlalchemy.orm import InstanceState, ORMExecuteState, SessionTransaction


logger = logging.getLogger("holdfast")

_FLUSHES = 100  # after as many SQLAlchemy gives up


def install() -> None:
    """Listen to every session."""
    event.listen(Session, "after_transaction_create", after_transaction_create)
    event.listen(Session, "before_flush", before_flush)
    event.listen(Session, "do_orm_execute", do_orm_execute)
    event.listen(Session, "after_flush_postexec", after_flush)
    event.listen(Session, "before_commit", before_commit)
    event.listen(Session, "after_commit", after_commit)
    event.listen(Session, "after_transaction_end", after_transaction_end)


def after_transaction_create(session: Session, transaction: SessionTransaction) -> None:
    """Give up what is left of a root transaction that ended without an event.

    A cancellation that strikes while its connection goes back to the pool does that.
    """
    if transaction.nested or type(session.bind) is Connection:  # inside whose transaction it may set one, too
        watching.expect_savepoint(session)
    if KEY in session.info and transaction.parent is None and session_ledger.begin(session):
        logger.error("a transaction ended without notice: no file is deleted, the sweep decides")


def before_flush(session: Session, *_: Any) -> None:
    """Upload what is pending, and find out what rows take and drop."""
    if KEY in session.info or _holds_files(session):
        flush.before(session)


def do_orm_execute(execution: ORMExecuteState) -> Result[Any] | None:
    """Do for the rows of a bulk statement what a flush does for its own."""
    return bulk.execute(execution) if execution.statement.is_dml else None


def before_row(_: Any, connection: Connection, state: InstanceState[Any]) -> None:
    """Do what listeners that came after `before_flush` have made necessary."""
    flush.before_row(connection, state)
    if state.session is not None:
        watching.watch(connection, state.session)


def before_insert(_: Any, connection: Connection, state: InstanceState[Any]) -> None:
    """Do the same, and remember that the INSERT will show whether the transaction lives."""
    before_row(_, connection, state)
    alive.expect_insert(connection)


def before_delete(_: Any, connection: Connection, state: InstanceState[Any]) -> None:
    """Find out what a deleted row drops."""
    flush.before_deletion(connection, state)
    if state.session is not None:
        watching.watch(connection, state.session)


ROW_EVENTS = {"before_insert": before_insert, "before_update": before_row, "before_delete": before_delete}
"""Events of the mappers that have file columns."""


def after_flush(session: Session, *_: Any) -> None:
    """Note what the flush did; new rows have their primary keys now."""
    if KEY in session.info:
        flush.after(session)


def before_commit(session: Session) -> None:
    """Make sure that the transaction can be committed."""
    if KEY not in session.info and not _is_dirty(session):
        return
    if session.get_nested_transaction() is not None:
        return
    if (ledger := session_ledger.current(session)) is not None:
        alive.forget(ledger.watched)
    _flush_all(session)
    ledger = session_ledger.current(session)
    if ledger is not None and not ledger.is_empty():
        for connection in ledger.watched:
            alive.check(connection)
        last_look.check(ledger)
        boxing.write(session, ledger)
        watching.await_commit(session, ledger)


def _flush_all(session: Session) -> None:
    """Flush as SQLAlchemy is about to: again if listeners of the flush have changed something."""
    session.flush()
    for _ in range(_FLUSHES):
        if not _is_dirty(session):
            break
        session.flush()


def _is_dirty(session: Session) -> bool:
    return bool(session._new or session._deleted or session.identity_map._modified)


def after_commit(session: Session) -> None:
    """Mark the boundary that was committed, or released."""
    is_sync = session.bind is not None and not session.bind.dialect.is_async
    if is_sync and KEY not in session.info:
        return
    nested = session.get_nested_transaction()
    ledger = session_ledger.current(session)
    if ledger is not None:
        ledger.frame(nested).committed = True
    if nested is None:
        kept_values.before_expiry(session)


def after_transaction_end(session: Session, transaction: SessionTransaction) -> None:
    """Fold a SAVEPOINT into what is around it, or settle the root. Never raises: the outcome stands already."""
    if not session.info:
        return
    if transaction.nested:
        ledger = session_ledger.current(session)
        if ledger is not None:
            settlement.end_nested(ledger, transaction, session_ledger.enclosing(transaction))
    elif transaction.parent is None:
        kept_values.after_expiry(session)
        ledger = session_ledger.close(session)
        if ledger is not None:
            settlement.settle(ledger, session)


def _holds_files(session: Session) -> bool:
    """Return whether a row with file columns is new or changed, or may be."""
    for states in (session._new, session.identity_map._modified):  # `new` and `dirty` make sets of their own
        for state in states:
            if FILES in state.manager.info:
                return True
    return False
