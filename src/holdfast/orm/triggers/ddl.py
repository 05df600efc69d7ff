"""Making and dropping triggers."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlalchemy import DDL, inspect

from holdfast.errors import ConfigurationError
from holdfast.orm.triggers import mariadb, postgresql, sqlite
from holdfast.orm.triggers.sql import Part, Quoting
from holdfast.orm.triggers.tables import FileTable, file_tables

if TYPE_CHECKING:
    from types import ModuleType

    from sqlalchemy import Connection, Dialect

    from holdfast.orm.outbox import Outbox

logger = logging.getLogger("holdfast")

_DIALECTS = {"postgresql": postgresql, "sqlite": sqlite, "mariadb": mariadb, "mysql": mariadb}


def create(connection: Connection, outbox: Outbox) -> None:
    """Make the triggers of all tables that share an outbox; those that are there as they should be stay.

    Tables that this database does not have are left out.

    Raises:
        ConfigurationError: There are none for this database.
    """
    module, quote = _module(connection.dialect), Quoting(connection.dialect)
    inspector = inspect(connection)
    for table in file_tables(outbox, connection.schema_for_object):
        if not inspector.has_table(table.table.name, schema=table.table.schema):
            continue
        if not inspector.has_table(table.outbox.name, schema=table.outbox.schema):
            logger.warning("no triggers for %s: this database has no table %s", table.owner, table.outbox.name)
            continue
        for part in module.parts(table, quote):
            if not module.exists(connection, part, quote):
                for statement in part.creates:
                    connection.execute(executable(statement))


def drop(connection: Connection, outbox: Outbox) -> None:
    """Drop the triggers; those that do not exist are no error.

    Raises:
        ConfigurationError: There are none for this database.
    """
    for table in file_tables(outbox, connection.schema_for_object):
        for part in parts(table, connection.dialect):
            for statement in part.drops:
                connection.execute(executable(statement))


def parts(table: FileTable, dialect: Dialect) -> list[Part]:
    """Return the triggers of a table.

    Raises:
        ConfigurationError: There are none for this database.
    """
    made: list[Part] = _module(dialect).parts(table, Quoting(dialect))
    return made


def executable(statement: str) -> DDL:
    """Return a statement as SQLAlchemy takes it without looking for parameters in it."""
    made: DDL = DDL(statement.replace("%", "%%"))  # type: ignore[no-untyped-call]
    return made


def _module(dialect: Dialect) -> ModuleType:
    module = _DIALECTS.get(dialect.name)
    if module is None:
        message = f"there are no triggers for {dialect.name}: use an outbox without them, and `holdfast sweep`"
        raise ConfigurationError(message)
    return module
