"""What the tests write to rows, in plain SQL, and what they read from the outbox."""

import json
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, Table, text
from sqlalchemy.orm import Session

from holdfast import FileObject, Outbox


def value(path: str, **more: Any) -> str:
    """Return the JSON of a file."""
    return json.dumps({"backend": "docs", "filename": "label", "to_filename": path, **more})


def values(*paths: str) -> str:
    """Return the JSON of several files."""
    return json.dumps([json.loads(value(path)) for path in paths])


def put(*keys: str) -> None:
    """Store files, whose contents are their keys."""
    for key in keys:
        FileObject(backend="docs", filename="label", to_filename=key).save(key.encode())


def run(connection: Connection, statement: str, **parameters: Any) -> None:
    """Execute a statement as any client would."""
    connection.execute(text(statement), parameters)


def outbox_table(metadata: MetaData) -> Table:
    """Return the outbox of some tables."""
    outbox = Outbox.of(metadata)
    assert outbox
    return outbox.table


def entries(connection: Connection, metadata: MetaData) -> list[tuple[str, ...]]:
    """Return the entries written since this was last called, sorted: kind, path, table and key of the row."""
    table = outbox_table(metadata)
    columns = table.c
    query = table.select().with_only_columns(columns.kind, columns.path, columns.owner_table, columns.owner_key)
    found = [(*row[:3], ",".join(json.loads(row[3])) if row[3] else row[3]) for row in connection.execute(query)]
    connection.execute(table.delete())
    return sorted(found)


def drain(engine: Engine, metadata: MetaData) -> int:
    """Work off the outbox; return how many files were deleted."""
    outbox = Outbox.of(metadata)
    assert outbox
    with Session(engine) as session:
        return outbox.drain(session)
