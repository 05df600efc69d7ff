"""What a transaction drops is written to the outbox of its tables, in the same transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.orm import drain, rowkeys
from holdfast.orm.outbox import Outbox
from holdfast.orm.tracking import columns_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Dialect, Table
    from sqlalchemy.orm import Session

    from holdfast.orm.ledger import Ledger, Owner
    from holdfast.saving import Ref


def write(session: Session, ledger: Ledger) -> None:
    """Tell the outboxes what is to be deleted once the transaction is committed; a second time, what is new."""
    for dead in ledger.dead():
        for owner in dead.owners:
            _write(session, ledger, "drop", dead.ref, owner)
    for change, is_moved in ledger.adopted():
        # The row that had a moved file is locked, so nobody else is dropping it.
        _write(session, ledger, "take", change.ref, change.owner, only_if_named=is_moved)
    ledger.is_ending = True


def drain_own(ledger: Ledger) -> set[Ref]:
    """Delete what the transaction told the outboxes to; returns what is theirs, also where that failed."""
    theirs: set[Ref] = set()
    for (engine, outbox), refs in ledger.boxed.items():
        theirs |= refs
        drain.drain_some(engine, outbox, [ref.path for ref in refs])
    return theirs


def _write(session: Session, ledger: Ledger, kind: str, ref: Ref, owner: Owner, *, only_if_named: bool = False) -> None:
    for table, outbox in _outboxes(owner):
        connection = session.connection(bind_arguments={"mapper": owner.mapper})
        if only_if_named and not outbox.names(connection, ref):
            continue
        entries = {(kind, ref, table.fullname, key) for key in _keys(owner, table, connection.dialect)}
        outbox.write(connection, entries - ledger.entries)
        ledger.entries |= entries
        if kind == "drop" and entries:
            ledger.boxed.setdefault((connection.engine, outbox), set()).add(ref)


def _outboxes(owner: Owner) -> Iterator[tuple[Table, Outbox]]:
    """Yield the tables that hold a row's files, with their outbox."""
    for table in dict.fromkeys(column.column.table for column in columns_of(owner.mapper)):
        outbox = Outbox.of(table.metadata)
        if outbox is not None:
            yield table, outbox


def _keys(owner: Owner, table: Table, dialect: Dialect) -> set[str | None]:
    """Return the row's encoded primary keys; None stands for a row that is not known, no key for one that never was."""
    if owner.is_unknown():
        return {None}
    # In joined inheritance each table has the same primary key, under names of its own.
    return {rowkeys.encode(table, identity, dialect) for identity in owner.identities()}
