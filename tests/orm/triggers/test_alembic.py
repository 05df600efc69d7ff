"""The operations of migrations: what they make is what `Outbox.create_triggers` makes, offline as well."""

import io
import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.operations.ops import ExecuteSQLOp
from sqlalchemy import Column, Engine, ForeignKey, Integer, LargeBinary, MetaData, String, Table, make_url, text
from sqlalchemy.dialects import mysql

from holdfast import Outbox, StoredObject
from holdfast.contrib.alembic import Cascade

from .rows import entries, run, value
from .test_ddl import names

metadata = MetaData()
Table("folder", metadata, Column("id", Integer, primary_key=True))
Table(
    "document",
    metadata,
    Column("folder_id", ForeignKey("folder.id", ondelete="CASCADE", onupdate="CASCADE"), primary_key=True),
    Column("code", LargeBinary(9).with_variant(mysql.VARBINARY(9), "mariadb", "mysql"), primary_key=True),
    Column("slug", String(9), unique=True),
    Column("cover", StoredObject("docs")),
    Column("pages", StoredObject("docs", multiple=True)),
)
outbox = Outbox(metadata)
FOLDER = Cascade("document", "folder", ["folder_id"], ["id"], onupdate="CASCADE")


def upgrade(op: Operations) -> None:
    """Make triggers as a migration does."""
    op.create_file_triggers(
        "document",
        ["cover"],
        multiple=["pages"],
        primary_key=["folder_id", "code"],
        unique=[["slug"]],
        cascades=[FOLDER, Cascade("other", "folder", ["a"], ["b"])],
    )


def downgrade(op: Operations) -> None:
    """Drop them."""
    op.drop_file_triggers("document", cascades=[FOLDER])


def migrate(engine: Engine, migration: Callable[[Operations], None]) -> None:
    """Run a migration."""
    with engine.begin() as connection:
        migration(Operations(MigrationContext.configure(connection)))


def script(engine: Engine, migration: Callable[[Operations], None]) -> str:
    """Return the script of a migration, as ``alembic upgrade --sql`` writes it."""
    written = io.StringIO()
    options: dict[str, Any] = {"as_sql": True, "output_buffer": written}
    migration(Operations(MigrationContext.configure(dialect_name=engine.dialect.name, opts=options)))
    return written.getvalue()


def run_script(engine: Engine, lines: str) -> None:
    """Run a script: on MariaDB by its own client, which ends statements at semicolons unless told otherwise."""
    url = make_url(engine.url)
    if url.get_backend_name() == "mariadb":
        command = ["mariadb", "--user=root", f"--socket={url.query['unix_socket']}", str(url.database)]
        subprocess.run(command, input=lines, text=True, check=True, timeout=60)
        return
    with engine.begin() as connection:
        raw: Any = connection.connection
        if url.get_backend_name() == "sqlite":
            raw.executescript(lines)
        else:
            raw.cursor().execute(lines)


def definitions(engine: Engine) -> dict[str, str]:
    """Return the text of each trigger of the tables, without the white space."""
    query = {
        "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname, pg_get_triggerdef(t.oid) || pg_get_functiondef(tgfoid) FROM pg_trigger AS t"
        " WHERE NOT tgisinternal",
        "mariadb": "SELECT trigger_name, action_statement FROM information_schema.triggers"
        " WHERE trigger_schema = database()",
    }[engine.dialect.name]
    with engine.connect() as connection:
        found = {row[0]: row[1] for row in connection.execute(text(query))}
    return {name: re.sub(r"/\*.*?\*/|--.*|\s", "", body) for name, body in found.items()}


@pytest.mark.parametrize("offline", [False, True])
def test_a_migration(engine: Engine, offline: bool) -> None:
    """It makes the same triggers as the models do, twice without harm, and drops them all."""
    metadata.create_all(engine)
    with engine.begin() as connection:
        outbox.create_triggers(connection)
    expected = definitions(engine)
    assert expected
    with engine.begin() as connection:
        outbox.drop_triggers(connection)
    for migration in (upgrade, upgrade):
        if offline:
            run_script(engine, script(engine, migration))
        else:
            migrate(engine, migration)
    assert definitions(engine) == expected
    with engine.connect() as connection:
        run(connection, "INSERT INTO folder (id) VALUES (1)")
        run(connection, "INSERT INTO document (folder_id, code, cover) VALUES (1, :code, :a)", code=b"c", a=value("a"))
        assert entries(connection, metadata) == [("take", "a", "document", "1,\\x63")]
    for migration in (downgrade, downgrade):
        if offline:
            run_script(engine, script(engine, migration))
        else:
            migrate(engine, migration)
    assert names(engine) == []


def test_an_operation_and_its_reverse(engine: Engine) -> None:
    """One undoes the other; what was made by hand is not guessed."""
    made = []

    class Collecting(Operations):
        def invoke(self, operation: Any) -> Any:
            if not isinstance(operation, ExecuteSQLOp):
                made.append(operation)
            return super().invoke(operation)

    metadata.create_all(engine)
    migrate(engine, lambda op: upgrade(Collecting(op.get_context())))
    (create,) = made
    drop = create.reverse()
    assert drop.reverse() is create
    migrate(engine, lambda op: op.invoke(drop))
    assert names(engine) == []
    migrate(engine, lambda op: downgrade(Collecting(op.get_context())))
    with pytest.raises(ValueError, match="what triggers document had is not known"):
        made[-1].reverse()
