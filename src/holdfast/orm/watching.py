"""What connections do: whether a COMMIT was sent, after which a failure proves nothing, and SQLite's savepoint trap."""

from __future__ import annotations

import logging
import weakref
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.exc import InvalidRequestError

from holdfast.orm import session_ledger
from holdfast.orm.tracking import tracked_mappers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Engine
    from sqlalchemy.orm import Session

    from holdfast.orm.ledger import Ledger

logger = logging.getLogger("holdfast")

_warned = False


_listened: weakref.WeakSet[Engine] = weakref.WeakSet()


def expect_savepoint(session: Session) -> None:
    """Listen for savepoints on the engines of a session that is about to set one, if they are SQLite's.

    A listener of all engines would make each statement of sessions without files slower, too.
    """
    if _warned:
        return
    binds = {session.bind}  # the models may not be configured yet
    with suppress(Exception):  # there may be none, and a class of the application's may choose it
        binds |= {session.get_bind(mapper) for mapper in tracked_mappers()}
    for engine in {bind.engine for bind in binds if bind is not None} - set(_listened):
        if engine.dialect.name == "sqlite":
            _listened.add(engine)
            event.listen(engine, "savepoint", _check_savepoint)


def _check_savepoint(connection: Connection, *_: Any) -> None:
    """Warn, once, when RELEASE is about to commit although the session's transaction goes on.

    Python's sqlite3 begins a transaction at the first change only: a SAVEPOINT before it *is* the transaction.
    """
    global _warned  # noqa: PLW0603
    if _warned:
        return
    if getattr(connection.connection.driver_connection, "in_transaction", True) is False:
        _warned = True
        logger.warning(
            "a SAVEPOINT was set on SQLite outside any transaction: its RELEASE commits, and a later rollback() does "
            "not undo that. Files are kept as the rows say; for real savepoints let SQLAlchemy send BEGIN itself, see "
            "https://docs.sqlalchemy.org/dialects/sqlite.html (Serializable isolation / Savepoints)"
        )


def watch(connection: Connection, session: Session) -> None:
    """Note a connection that a session writes rows with files through."""
    ledger = session_ledger.current(session)
    if ledger is None or connection in ledger.watched:
        return
    ledger.watched.add(connection)
    options = connection.get_execution_options()
    if names := options.get("schema_translate_map"):
        ledger.schemas[connection.engine] = names
    ledger.autocommit = ledger.autocommit or _commits_each_statement(connection, options)
    if not _is_next(session):
        _listen(connection, session, ledger)


def await_commit(session: Session, ledger: Ledger) -> None:
    """Note that COMMIT comes next, or listen for it."""
    if _is_next(session):
        ledger.sent = True
    else:
        for connection in ledger.watched:
            _listen(connection, session, ledger)


def _is_next(session: Session) -> bool:
    """Return whether COMMIT comes right after our `before_commit`: no other listener can write, or raise, in between.

    Nearly always; to listen for COMMIT costs as much as some statements, which take SQLAlchemy's slower way then, too.
    """
    return len(session.dispatch.before_commit) == 1


def _listen(connection: Connection, session: Session, ledger: Ledger) -> None:
    if connection in ledger.heard:
        return
    ledger.heard.add(connection)

    def sent(*_: Any) -> None:
        ledger.sent = True

    for name in ("prepare_twophase", "commit") if session.twophase else ("commit",):
        event.listen(connection, name, sent)
        ledger.closing.append(partial(_stop, connection, name, sent))


def _stop(connection: Connection, name: str, listener: Any) -> None:
    if not connection.closed:  # else it is about to go, and its listeners with it
        with suppress(InvalidRequestError):
            event.remove(connection, name, listener)


def _commits_each_statement(connection: Connection, options: Mapping[str, Any]) -> bool:
    level = options.get("isolation_level")
    return "AUTOCOMMIT" in {
        level,
        getattr(connection.dialect, "_on_connect_isolation_level", None) if level is None else None,
    }
