"""The outbox: files to delete, written down in the application's own transaction.

Without it a process that dies between COMMIT and the deletion leaves files to the sweep. With it they share the
transaction's fate, and any process deletes them later.

The table is a log that is only added to. A *drop* says that a row let go of a file, a *take* that a row got one. Drops
are worked off by `Outbox.drain`, which asks every row that an entry of the same file names: a file that one of them
holds stays. So a take is a witness for a file that moved.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table, Text, event, select

from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncSession
    from sqlalchemy.orm import Session

    from holdfast.saving import Ref

_INFO = "holdfast.outbox"
_PATHS = 500  # of one SELECT


class Outbox:
    """A table of files to delete, in the application's schema.

    Declared once, beside the models. From then on the files that a transaction drops are written there before its
    COMMIT and deleted after it; a crash in between loses nothing and leaves nothing: the next `drain`, or
    ``holdfast sweep``, goes on. With triggers the database itself notes what any client drops, raw SQL and
    ``ON DELETE CASCADE`` included (PostgreSQL, SQLite, MariaDB).

    Args:
        metadata: The tables' `MetaData`, or their declarative base.
        name: Name of the table.
        triggers: Make the triggers together with the tables, in ``metadata.create_all``.

    Attributes:
        metadata: The tables.
        table: The outbox itself.

    Raises:
        ConfigurationError: The metadata has an outbox already.

    Example:
        >>> from sqlalchemy.orm import DeclarativeBase
        >>> class Base(DeclarativeBase): pass
        >>> Outbox(Base)
        <Outbox 'holdfast_outbox'>
    """

    def __init__(
        self, metadata: MetaData | type[Any], *, name: str = "holdfast_outbox", triggers: bool = False
    ) -> None:
        self.metadata: MetaData = metadata if isinstance(metadata, MetaData) else metadata.metadata
        if _INFO in self.metadata.info:
            message = "these tables have an outbox already: declare one for each MetaData"
            raise ConfigurationError(message)
        text = Text().with_variant(Text(collation="utf8mb4_bin"), "mysql", "mariadb")
        self.table = Table(
            name,
            self.metadata,
            Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
            Column("kind", String(4), nullable=False),
            Column("backend", text, nullable=False),
            Column("path", text, nullable=False),
            Column("owner_table", text),
            Column("owner_key", text),
            Column("created_at", BigInteger, nullable=False),
            Index(f"{name}_path", "path", mysql_length=255, mariadb_length=255),
        )
        self.metadata.info[_INFO] = self
        if triggers:
            event.listen(self.metadata, "after_create", lambda _, connection, **__: self.create_triggers(connection))
            event.listen(self.metadata, "before_drop", lambda _, connection, **__: self.drop_triggers(connection))

    @classmethod
    def of(cls, metadata: MetaData) -> Outbox | None:
        """Return the outbox of some tables, if they have one."""
        return metadata.info.get(_INFO)

    def create_triggers(self, connection: Connection) -> None:
        """Create, or renew, the triggers of all tables with files.

        Raises:
            UnsupportedError: The database is none of PostgreSQL, SQLite and MariaDB or MySQL.
        """
        from holdfast.orm import triggers  # noqa: PLC0415  # only some applications need it

        triggers.create(connection, self)

    def drop_triggers(self, connection: Connection) -> None:
        """Drop the triggers; those that do not exist are no error."""
        from holdfast.orm import triggers  # noqa: PLC0415  # as above

        triggers.drop(connection, self)

    def drain(self, session: Session) -> int:
        """Delete the files that were dropped; returns how many.

        It works in batches, each in a transaction of its own on a connection of its own: what the session is doing
        does not matter, as long as its pool has another one. Several processes may drain at once. What a storage
        refuses to delete stays for next time. The rows must be visible: a role under row-level security is none to
        drain with.
        """
        from holdfast.orm import drain, engines  # noqa: PLC0415  # `import holdfast` need not pay for it

        return sum(drain.drain_all(engine, self) for engine in engines.engines_of(session, self.table))

    async def drain_async(self, session: AsyncSession) -> int:
        """Like `drain`."""
        return await session.run_sync(self.drain)

    def write(self, connection: Connection, entries: Iterable[tuple[str, Ref, str | None, str | None]]) -> None:
        """Add entries: kind, file, name of its row's table, the row's encoded primary key."""
        now = int(time.time())
        rows = [
            {
                "kind": kind,
                "backend": ref.backend,
                "path": ref.path,
                "owner_table": table,
                "owner_key": key,
                "created_at": now,
            }
            for kind, ref, table, key in entries
        ]
        if rows:
            connection.execute(self.table.insert(), rows)

    def named(self, connection: Connection, refs: Collection[Ref], *, lock: bool) -> set[Ref]:
        """Return which files an entry names; with `lock`, drains that work on them are waited for."""
        from holdfast.saving import Ref  # noqa: PLC0415  # `import holdfast` need not pay for it

        found: set[Ref] = set()
        paths = sorted({ref.path for ref in refs})
        for start in range(0, len(paths), _PATHS):
            query = select(self.table.c.backend, self.table.c.path).where(
                self.table.c.path.in_(paths[start : start + _PATHS])
            )
            rows = connection.execute(query.with_for_update() if lock else query)
            found |= {Ref(*row) for row in rows}
        return found & set(refs)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.table.fullname!r}>"


Outbox.__module__ = "holdfast"
