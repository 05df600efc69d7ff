"""What a sweep must know before it deletes: whether somebody that it does not see may hold files, too."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    Boolean,
    Text,
    case,
    cast,
    column,
    exists,
    func,
    inspect,
    literal_column,
    select,
    table,
    text,
)
from sqlalchemy.dialects.mysql import LONGTEXT
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import configure_mappers

from holdfast.errors import HoldfastError, SweepRefusedError
from holdfast.maintenance.snapshot import snapshot
from holdfast.orm import tracking
from holdfast.orm.engines import engine_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import ColumnElement, Connection, Engine

    from holdfast.maintenance.columns import Columns
    from holdfast.maintenance.rows import Rows

_LONGEST = 200  # characters of a database's message
_DIALECTS = {"postgresql", "sqlite", "mysql", "mariadb"}


def refuse_strangers(rows: Rows, storages: Iterable[str]) -> None:
    """Refuse storages that columns name which the sweep was not shown.

    Raises:
        SweepRefusedError: There are some; the message names them.
    """
    names = list(storages)
    found = [*_unseen_models(rows.columns, names)]
    for engine in rows.engines:
        if engine.dialect.name not in _DIALECTS:
            continue
        with snapshot(rows.session, engine) as connection:
            found += _unseen_values(connection, rows, engine, names)
    if found:
        message = (
            f"files may be held by columns that this sweep was not shown: {'; '.join(sorted(set(found)))}. Give it "
            f"their MetaData too, give the storage to one of them alone, or say that nothing there holds files: "
            f"shared=True"
        )
        raise SweepRefusedError(message)


def prepared_transactions(engines: Iterable[Engine]) -> list[str]:
    """Return the prepared two-phase transactions of some databases: no snapshot shows which keys they took."""
    return [name for engine in engines for name in _prepared(engine)]


def refuse_prepared(engines: Iterable[Engine]) -> None:
    """Refuse to delete while there are prepared transactions.

    Raises:
        SweepRefusedError: There are some; the message names them.
    """
    if found := prepared_transactions(engines):
        message = (
            f"prepared transactions may hold any key, and nothing shows which: {', '.join(map(repr, found))}. "
            f"Commit them or roll them back first"
        )
        raise SweepRefusedError(message)


def _unseen_models(columns: Columns, names: list[str]) -> Iterator[str]:
    """Yield the mapped columns of other metadata that are declared to name one of the storages, or any."""
    with suppress(SQLAlchemyError, HoldfastError):  # a model that cannot be mapped holds nothing
        configure_mappers()
    for mapper in tracking.tracked_mappers():
        for each in tracking.columns_of(mapper):
            if each.column.table.metadata not in columns.metadata and each.type.backend in {None, *names}:
                which = repr(each.type.backend) if each.type.backend else "any storage"
                yield f"{each.column} ({which})"


def _unseen_values(connection: Connection, rows: Rows, engine: Engine, names: list[str]) -> Iterator[str]:
    """Yield the database's JSON columns, file columns apart, in which a value names one of the storages."""
    default = connection.dialect.default_schema_name
    shown = {
        (place.table.schema or default, place.table.name, place.column.name)
        for place in rows.columns.places
        if engine_of(rows.session, place.table) is engine
    }
    for schema, name, label in _json_columns(connection, rows.columns):
        if (schema or default, name, label) in shown:
            continue
        place = ".".join(filter(None, (schema, name, label)))
        value: Any = column(label)
        of_table: Any = select(literal_column("1")).select_from(table(name, value, schema=schema)).limit(1)
        for storage in names:
            try:
                with connection.begin_nested():
                    found = connection.execute(of_table.where(_names(value, storage, connection.dialect.name))).first()
            except DBAPIError as error:
                yield f"{place} (could not be read: {_summary(error)})"
                break
            if found:
                yield f"{place} ({storage!r})"


def _names(value: Any, storage: str, dialect: str) -> ColumnElement[bool]:
    """Return whether a JSON value names a storage, at any depth: files may be copied into other documents."""
    if dialect == "postgresql":
        variables = func.jsonb_build_object("name", cast(storage, Text))
        path = cast("$.**.backend ? (@ == $name)", JSONPATH)
        return func.jsonb_path_exists(cast(value, JSONB), path, variables, type_=Boolean)
    if dialect == "sqlite":
        part = func.json_tree(value).table_valued("key", "atom")
        named = exists().select_from(part).where(part.c.key == "backend", part.c.atom == storage)
        return case((func.json_valid(value) == 1, named), else_=literal_column("0")) == 1
    inside = func.json_contains(func.json_extract(value, "$**.backend"), json.dumps(storage)) == 1
    return case((func.json_valid(value) == 1, inside), else_=literal_column("0")) == 1


def _json_columns(connection: Connection, columns: Columns) -> Iterator[tuple[str | None, str, str]]:
    inspector = inspect(connection)
    schemas: set[str | None] = {None, *(place.table.schema for place in columns.places)}
    if connection.dialect.name == "postgresql":
        known = inspector.get_schema_names()
        schemas |= {each for each in known if each != "information_schema" and not each.startswith("pg_")}
        schemas -= {connection.dialect.default_schema_name}
    for schema in schemas:
        for (_, name), found in inspector.get_multi_columns(schema=schema).items():
            yield from ((schema, name, each["name"]) for each in found if _is_json(each["type"]))


def _is_json(kind: Any) -> bool:
    return isinstance(kind, (JSON, LONGTEXT))  # MariaDB's JSON is a LONGTEXT that is checked


def _prepared(engine: Engine) -> list[str]:
    if engine.dialect.name == "postgresql":
        query = "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()"
    elif engine.dialect.name in {"mysql", "mariadb"}:
        query = "XA RECOVER"
    else:
        return []
    with engine.connect() as connection:
        try:
            found = connection.execute(text(query)).all()
        except DBAPIError as error:  # MySQL asks for the privilege XA_RECOVER_ADMIN
            return [f"unknown: {_summary(error)}"]
    return [_shown(row[-1]) for row in found]


def _summary(error: DBAPIError) -> str:
    return (str(error.orig).splitlines() or [""])[0][:_LONGEST]


def _shown(name: Any) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name)
