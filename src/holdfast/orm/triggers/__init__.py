"""Database triggers that write the outbox: what any client does to a file column is noted by the database itself.

Each table with file columns gets row-level triggers AFTER INSERT, UPDATE and DELETE. A file that is in the old row and
not in the new one becomes a *drop* entry, the other way round a *take*. They report too much rather than too little:
the drain asks the rows before it deletes anything. They never make a statement fail: what is not the value of a
stored file is passed over. An UPDATE that leaves the file columns alone costs a comparison.

Where a database fires no trigger, others stand in: MariaDB for what a foreign key cascades to (`cascades`), SQLite for
rows that ``INSERT OR REPLACE`` removes. No database fires row triggers for TRUNCATE, nor for dropped tables and
partitions: their files are left to ``holdfast sweep``.

Who writes to the tables needs these rights:

- PostgreSQL: INSERT on the outbox and USAGE on its sequence; the function runs with the caller's rights, and with the
  search path of whoever created it.
- MariaDB and MySQL: none; a trigger runs with the rights of whoever created it, a user who has to stay. With a binary
  log the creator needs more than TRIGGER, see ``log_bin_trust_function_creators``.
"""

from holdfast.orm.triggers.ddl import create, drop

__all__ = ["create", "drop"]
