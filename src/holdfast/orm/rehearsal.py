"""Connections whose transaction stands for the whole database, in tests: see `holdfast.testing.rehearsals`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

OPTION = "holdfast_rehearsal"
"""Execution option of such a connection."""

_SUITABLE = {"conditional_savepoint", "create_savepoint"}


def is_rehearsal(bind: Any) -> bool:
    """Return whether what a session commits inside this connection's transaction counts as committed."""
    return isinstance(bind, Connection) and bool(bind.get_execution_options().get(OPTION))


def refuse(bind: Any) -> None:
    """Refuse a rehearsal where rows are read through a connection of their own, which would see none of its rows.

    Raises:
        ConfigurationError: It is one.
    """
    if is_rehearsal(bind):
        message = "drain, verify, sweep and mirror connect anew and see nothing of a rehearsal: use real commits here"
        raise ConfigurationError(message)


def check(session: Session) -> None:
    """Refuse a session whose rollback would undo what others have committed.

    Raises:
        ConfigurationError: It was made for that.
    """
    if session.join_transaction_mode not in _SUITABLE:
        message = (
            f"join_transaction_mode={session.join_transaction_mode!r} does not suit a rehearsal: leave it out, so that "
            "a session commits and rolls back what it did, and nothing else"
        )
        raise ConfigurationError(message)
