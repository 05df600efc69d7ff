"""What a transaction drops is written to the outbox of its tables, in the same transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.orm import drain, last_look, rehearsal, rowkeys, session_ledger
from holdfast.orm.ledger import Entry
from holdfast.orm.outbox import Outbox
from holdfast.orm.tracking import table_columns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Dialect, Table
    from sqlalchemy.orm import Session

    from holdfast.orm.ledger import Ledger, Owner
    from holdfast.saving import Ref


def write(session: Session, ledger: Ledger) -> None:
    """Tell the outboxes what is to be deleted once the transaction is committed; a second time, what is new."""
    ledger.is_ending = True
    if ledger.whole().only_creates():
        return
    wanted = {
        entry
        for dead in ledger.whole().dead()
        for owner in dead.owners
        for entry in _entries(session, "drop", dead.ref, owner)
    }
    takes = [
        (entry, is_moved)
        for change, is_moved in ledger.adopted()
        for entry in _entries(session, "take", change.ref, change.owner)
    ]
    # The row that had a moved file is locked, so nobody else is dropping it. But a drain may be deleting a file that
    # the caller named: waiting for it shows.
    named = _named(session, {entry for entry, is_moved in takes if is_moved}, lock=False)
    doomed = _named(session, {entry for entry, is_moved in takes if not is_moved}, lock=True)
    last_look.check_refs(sorted(doomed))
    wanted |= {entry for entry, is_moved in takes if not is_moved or entry.ref in named}
    _write(session, wanted - ledger.whole().entries)
    session_ledger.frame(session).entries |= wanted


def drain_own(ledger: Ledger) -> set[Ref]:
    """Delete what the transaction told the outboxes to; returns what is theirs, also where that failed."""
    theirs: set[Ref] = set()
    for (engine, outbox), refs in ledger.boxed().items():
        if rehearsal.is_rehearsal(engine):  # a drain commits, and there is nobody whose rows it could find but ours
            continue
        theirs |= refs
        drain.drain_some(ledger.engine(engine), outbox, [ref.path for ref in refs])
    return theirs


def _write(session: Session, entries: set[Entry]) -> None:
    for (connection, outbox), group in _by_outbox(session, entries).items():
        outbox.write(connection, [(entry.kind, entry.ref, entry.table, entry.key) for entry in group])


def _named(session: Session, entries: set[Entry], *, lock: bool) -> set[Ref]:
    """Return the files of some entries that an outbox names already."""
    named: set[Ref] = set()
    for (connection, outbox), group in _by_outbox(session, entries).items():
        named |= outbox.named(connection, {entry.ref for entry in group}, lock=lock)
    return named


def _by_outbox(session: Session, entries: set[Entry]) -> dict[tuple[Connection, Any], list[Entry]]:
    groups: dict[tuple[Connection, Any], list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: (entry.ref, entry.kind, entry.table or "", entry.key or "")):
        connection = session.connection(bind_arguments={"bind": entry.bind})
        groups.setdefault((connection, entry.outbox), []).append(entry)
    return groups


def _entries(session: Session, kind: str, ref: Ref, owner: Owner) -> Iterator[Entry]:
    """Yield what is to be said of a file that a row has or had, once for each of its tables and primary keys."""
    for table in dict.fromkeys(column.column.table for column in table_columns(owner.mapper)):
        outbox = Outbox.of(table.metadata)
        if outbox is not None:
            dialect = session.get_bind(owner.mapper).dialect
            for key in _keys(owner, table, dialect):
                yield Entry(owner.bind, outbox, kind, ref, table.fullname, key)


def _keys(owner: Owner, table: Table, dialect: Dialect) -> set[str | None]:
    """Return the row's encoded primary keys; None stands for a row that is not known, no key for one that never was."""
    if owner.is_unknown():
        return {None}
    names = [
        next((place for place, key in enumerate(owner.mapper.primary_key) if _is_same(owner, key, column)), None)
        for column in table.primary_key.columns
    ]
    if not names or None in names:  # the mapper has another primary key than the table
        return {None} if owner.identities() else set()
    return {
        rowkeys.encode(table, [identity[place] for place in names if place is not None], dialect)
        for identity in owner.identities()
    }


def _is_same(owner: Owner, key: Any, column: Any) -> bool:
    """Return whether a table's column is a part of the primary key; in joined inheritance each table has its own."""
    return key is column or column in owner.mapper.get_property_by_column(key).columns
