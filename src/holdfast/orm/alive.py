"""Whether a transaction still lives before its COMMIT: PostgreSQL answers that of a failed one with ROLLBACK, silently.

psycopg knows how it stands with a transaction. For other drivers the server is asked, unless an INSERT of the flush for
this very commit shows it, and no statement has failed since: a tenth of a commit through asyncpg.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from sqlalchemy import event, select

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, Engine
    from sqlalchemy.engine import ExceptionContext

_COMMIT_SUCCEEDS = {"sqlite", "mysql", "mariadb"}  # or raises
_IN_TRANSACTION = 2  # PQTRANS_INTRANS of libpq, PQtransactionStatus

_inserted: weakref.WeakSet[Connection] = weakref.WeakSet()
_listened: weakref.WeakSet[Engine] = weakref.WeakSet()


def forget(connections: Iterable[Connection]) -> None:
    """Forget what was inserted before."""
    _inserted.difference_update(connections)


def expect_insert(connection: Connection) -> None:
    """Remember that an INSERT is about to be sent; should it fail, or anything after it, that is forgotten."""
    if connection.dialect.name in _COMMIT_SUCCEEDS or connection in _inserted:
        return
    if _status(connection) is None and connection.engine not in _listened:
        _listened.add(connection.engine)
        event.listen(connection.engine, "handle_error", _on_error, insert=True)
    _inserted.add(connection)


def check(connection: Connection) -> None:
    """Raise if the transaction has failed."""
    if connection.dialect.name in _COMMIT_SUCCEEDS:
        return
    status = _status(connection)
    is_known = connection in _inserted if status is None else status == _IN_TRANSACTION
    if not is_known:
        connection.execute(select(1))


def _status(connection: Connection) -> Any:
    """Return what the driver itself knows."""
    return getattr(getattr(connection.connection.driver_connection, "info", None), "transaction_status", None)


def _on_error(context: ExceptionContext) -> None:
    if context.connection is not None:
        _inserted.discard(context.connection)
