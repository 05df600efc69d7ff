"""The operations ``op.create_file_triggers`` and ``op.drop_file_triggers``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from alembic.operations import MigrateOperation, Operations

from holdfast.orm.triggers import tables
from holdfast.orm.triggers.ddl import executable, parts
from holdfast.orm.triggers.tables import FileTable, TableName

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Cascade(NamedTuple):
    """A foreign key as ``op.create_foreign_key`` describes it, through which MariaDB and MySQL change rows silently.

    Example:
        >>> Cascade("document", "folder", ["folder_id"], ["id"]).referent_table
        'folder'
    """

    source_table: str
    referent_table: str
    local_cols: Sequence[str]
    remote_cols: Sequence[str]
    ondelete: str | None = "CASCADE"
    onupdate: str | None = None
    source_schema: str | None = None
    referent_schema: str | None = None


@Operations.register_operation("create_file_triggers")
class CreateFileTriggersOp(MigrateOperation):
    """Make the triggers of a table with files."""

    def __init__(self, table: FileTable) -> None:
        self.table = table

    @classmethod
    def create_file_triggers(
        cls,
        operations: Operations,
        table_name: str,
        columns: Sequence[str] = (),
        *,
        multiple: Sequence[str] = (),
        primary_key: Sequence[str] = ("id",),
        unique: Iterable[Sequence[str]] = (),
        cascades: Iterable[Cascade] = (),
        schema: str | None = None,
        outbox: str = "holdfast_outbox",
        outbox_schema: str | None = None,
    ) -> None:
        """Make the triggers that note in the outbox what happens to a table's files; older ones are replaced.

        Args:
            operations: Alembic's.
            table_name: The table.
            columns: Its columns of one file.
            multiple: Its columns of several files.
            primary_key: Its primary key, in the key's order.
            unique: Other unique sets of columns, by which SQLite's REPLACE removes rows.
            cascades: The foreign keys with ``ON DELETE CASCADE`` (or ``ON UPDATE CASCADE``) that lead down to the
                table, from however far above; only MariaDB and MySQL need them.
            schema: The table's schema.
            outbox: The outbox.
            outbox_schema: The outbox's schema.
        """
        operations.invoke(
            cls(
                FileTable(
                    TableName(table_name, schema),
                    TableName(outbox, outbox_schema),
                    f"{schema}.{table_name}" if schema else table_name,
                    tuple(columns),
                    tuple(multiple),
                    tuple(primary_key),
                    tuple(tuple(names) for names in unique),
                    _above(TableName(table_name, schema), cascades),
                )
            )
        )

    def reverse(self) -> DropFileTriggersOp:
        """Return the operation that undoes this one."""
        return DropFileTriggersOp(self.table, undoes=self)


@Operations.register_operation("drop_file_triggers")
class DropFileTriggersOp(MigrateOperation):
    """Drop the triggers of a table with files."""

    def __init__(self, table: FileTable, undoes: CreateFileTriggersOp | None = None) -> None:
        self.table, self._undoes = table, undoes

    @classmethod
    def drop_file_triggers(
        cls,
        operations: Operations,
        table_name: str,
        *,
        cascades: Iterable[Cascade] = (),
        schema: str | None = None,
    ) -> None:
        """Drop a table's triggers, if they exist. Do it before the table goes.

        Args:
            operations: Alembic's.
            table_name: The table.
            cascades: Those of ``create_file_triggers``: on MariaDB and MySQL the tables above have triggers, too.
            schema: The table's schema.
        """
        table = TableName(table_name, schema)
        above = _above(table, cascades)
        # Names of triggers depend on no column; that a key's changes are followed, on the foreign keys' own.
        key = tuple(dict.fromkeys(name for each in above for name in each.local)) or ("id",)
        operations.invoke(
            cls(FileTable(table, TableName("holdfast_outbox", schema), table_name, ("file",), (), key, (), above))
        )

    def reverse(self) -> CreateFileTriggersOp:
        """Return the operation that undoes this one.

        Raises:
            ValueError: This is not the reverse of an operation that made triggers: their columns are not known.
        """
        if self._undoes is None:
            message = f"what triggers {self.table.table.name} had is not known: write create_file_triggers by hand"
            raise ValueError(message)
        return self._undoes


@Operations.implementation_for(CreateFileTriggersOp)
def _create(operations: Operations, operation: CreateFileTriggersOp) -> None:
    for part in parts(operation.table, operations.get_context().dialect):
        _execute(operations, part.creates)


@Operations.implementation_for(DropFileTriggersOp)
def _drop(operations: Operations, operation: DropFileTriggersOp) -> None:
    for part in parts(operation.table, operations.get_context().dialect):
        _execute(operations, part.drops)


def _execute(operations: Operations, statements: Iterable[str]) -> None:
    context = operations.get_context()
    for statement in statements:
        if context.as_sql and context.dialect.name in {"mysql", "mariadb"} and ";" in statement:
            # The command-line client would end the statement at its first semicolon.
            context.impl.static_output(f"DELIMITER $$\n{statement}$$\nDELIMITER ;")
        else:
            operations.execute(executable(statement))


def _above(table: TableName, cascades: Iterable[Cascade]) -> tuple[tables.Cascade, ...]:
    keys = [
        tables.Cascade(
            TableName(each.source_table, each.source_schema),
            TableName(each.referent_table, each.referent_schema),
            tuple(each.local_cols),
            tuple(each.remote_cols),
            tables.is_cascade(each.ondelete),
            tables.is_cascade(each.onupdate),
        )
        for each in cascades
    ]
    return tuple(tables.above(table, keys))
