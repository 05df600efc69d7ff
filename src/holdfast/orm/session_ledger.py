"""Where a session keeps its ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from holdfast.orm import rehearsal
from holdfast.orm.ledger import Frame, Ledger, Owner

if TYPE_CHECKING:
    from sqlalchemy.orm import InstanceState, Mapper, Session, SessionTransaction

KEY = "holdfast.ledger"
"""Where it lies in `Session.info`; listeners look there first, since most sessions have none."""


def current(session: Session) -> Ledger | None:
    """Return the session's ledger, if anything happened to a file since its root transaction began."""
    return session.info.get(KEY)


def open_ledger(session: Session) -> Ledger:
    """Return the session's ledger, made if need be.

    It belongs to the root transaction that ends next, which may not have begun yet.
    """
    ledger = current(session)
    if ledger is None:
        ledger = session.info[KEY] = Ledger()
    ledger.begun = ledger.begun or session.in_transaction()
    return ledger


def begin(session: Session) -> bool:
    """Begin a root transaction; return whether a ledger was given up that no event has closed."""
    ledger = current(session)
    if ledger is None:
        return False
    if ledger.begun:
        close(session)
        ledger.stop_listening()
        return True
    ledger.begun = True
    return False


def frame(session: Session) -> Frame:
    """Return the frame of the boundary that the session is in."""
    return open_ledger(session).frame(session.get_nested_transaction())


def owner(
    session: Session, mapper: Mapper[Any], identity: tuple[Any, ...] | None, state: InstanceState[Any] | None = None
) -> Owner:
    """Return a row as the ledger notes it."""
    bind = session.get_bind(mapper)
    ledger = open_ledger(session)
    if rehearsal.is_rehearsal(bind):
        rehearsal.check(session)
    else:  # a session that is bound to a connection works inside a transaction whose end it does not see
        ledger.joined = ledger.joined or isinstance(bind, Connection)
    return Owner(mapper, bind, identity, state)


def close(session: Session) -> Ledger | None:
    """Take the ledger away, at the end of the root transaction."""
    ledger: Ledger | None = session.info.pop(KEY, None)
    return ledger


def enclosing(transaction: SessionTransaction) -> Any | None:
    """Return the SAVEPOINT around a SAVEPOINT; None where that is the root."""
    parent = transaction.parent
    while parent is not None and not parent.nested:
        parent = parent.parent
    return parent
