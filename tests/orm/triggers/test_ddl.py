"""Making and dropping triggers: names, schemas, what stays as it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    Engine,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    event,
    text,
)
from sqlalchemy.dialects import oracle

from holdfast import Outbox, StoredObject
from holdfast.errors import ConfigurationError
from holdfast.orm import triggers

from .rows import entries, run, value

TRIGGERS = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal UNION ALL"
    " SELECT proname FROM pg_proc JOIN pg_namespace AS n ON n.oid = pronamespace WHERE nspname IN ('public', 'shop')",
    "mariadb": "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema LIKE concat(database(), '%')",
}
TRIGGERS["mysql"] = TRIGGERS["mariadb"]


def names(engine: Engine) -> list[str]:
    """Return the names of all triggers, and functions."""
    with engine.connect() as connection:
        return sorted(connection.scalars(text(TRIGGERS[engine.dialect.name])))


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """Collect what is sent."""
    sent: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


def make(*, name: str = "document", schema: str | None = None, **outbox: Any) -> MetaData:
    """Return a table with files, one below it, and an outbox."""
    metadata = MetaData(schema=schema)
    key = f"{schema}.{name}.id" if schema else f"{name}.id"
    Table(name, metadata, Column("id", Integer, primary_key=True), Column("it's 100%", StoredObject("docs")))
    Table(
        f"{name}_page",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("document_id", ForeignKey(key, ondelete="CASCADE")),
        Column("Order", StoredObject("docs", multiple=True)),
    )
    Outbox(metadata, **{"triggers": True, **outbox})
    return metadata


def use(connection: Connection, metadata: MetaData) -> None:
    """Check that the triggers of a table and of the one below it work."""
    table, page = (table for name, table in sorted(metadata.tables.items()) if "outbox" not in name)
    preparer = connection.dialect.identifier_preparer
    column, full = preparer.quote("it's 100%").replace("%%", "%"), preparer.format_table(table).replace("%%", "%")
    sheet = preparer.format_table(page).replace("%%", "%")
    run_raw(connection, f"INSERT INTO {full} (id, {column}) VALUES (1, '{value('a')}')")
    order = preparer.quote("Order")
    run_raw(connection, f"INSERT INTO {sheet} (id, document_id, {order}) VALUES (2, 1, '[{value('b')}]')")
    run_raw(connection, f"DELETE FROM {full}")
    assert set(entries(connection, metadata)) == {
        ("take", "a", table.fullname, "1"),
        ("take", "b", page.fullname, "2"),
        ("drop", "a", table.fullname, "1"),
        ("drop", "b", page.fullname, "2"),
    }


def run_raw(connection: Connection, statement: str) -> None:
    """Execute what holds colons and percent signs."""
    connection.connection.cursor().execute(statement)


def test_create_all_and_drop_all(engine: Engine) -> None:
    """They make and drop the triggers, a second time as well."""
    metadata = make()
    metadata.drop_all(engine)
    metadata.create_all(engine)
    made = names(engine)
    assert made
    assert all(name.startswith("holdfast_document") for name in made)
    with engine.connect() as connection:
        use(connection, metadata)
    metadata.create_all(engine)
    assert names(engine) == made
    with engine.begin() as connection:
        Outbox.of(metadata).drop_triggers(connection)
        Outbox.of(metadata).drop_triggers(connection)
    assert names(engine) == []
    metadata.create_all(engine)
    metadata.drop_all(engine)
    assert names(engine) == []


def test_what_is_there_stays(engine: Engine) -> None:
    """A start of the application locks no table; a trigger whose table has other columns now is made anew."""
    metadata = make()
    metadata.create_all(engine)
    with statements(engine) as sent:
        metadata.create_all(engine)
    assert sent
    assert not [each for each in sent if "TRIGGER" in each.upper() and each.startswith(("CREATE", "DROP"))]
    before = names(engine)
    changed = make()
    changed.tables["document"].append_column(Column("more", StoredObject("docs")))
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE document ADD more JSON"))
    changed.create_all(engine)
    assert names(engine) == before
    with engine.connect() as connection:
        run(connection, "INSERT INTO document (id, more) VALUES (1, :value)", value=value("a"))
        assert entries(connection, changed) == [("take", "a", "document", "1")]


@pytest.mark.parametrize("name", ["x" * 51, "ü" * 20, "a \"b\" `c` 'd' 50% :e $holdfast$", "Select", "a\\b"])
def test_names(engine: Engine, kind: str, name: str) -> None:
    """Tables may be called anything, up to the longest name that fits."""
    metadata = make(name=name)
    metadata.create_all(engine)
    assert all(len(each.encode()) <= 63 for each in names(engine))
    with engine.connect() as connection:
        use(connection, metadata)
    metadata.drop_all(engine)
    assert names(engine) == []


def test_a_schema(engine: Engine, url: str, kind: str) -> None:
    """Table, outbox and triggers in a schema that is not the session's own."""
    database = engine.url.database
    schema = {"sqlite": "shop", "postgresql": "shop", "mariadb": f"{database}_shop"}[kind]
    create = {"sqlite": f"ATTACH '{database}.shop' AS shop"}.get(kind, f"CREATE SCHEMA {schema}")
    metadata = make(schema=schema)
    with engine.connect() as connection:
        run_raw(connection, create)
        metadata.create_all(connection)
        connection.commit()
        use(connection, metadata)
        connection.rollback()
        metadata.drop_all(connection)
        connection.commit()
    assert kind == "sqlite" or names(engine) == []


def test_a_translated_schema(engine: Engine, kind: str) -> None:
    """Triggers follow the schemas of the connection; entries call the table what the metadata calls it."""
    schema = {"sqlite": None, "postgresql": "shop", "mariadb": f"{engine.url.database}_shop"}[kind]
    if schema:
        with engine.begin() as connection:
            connection.execute(text(f"CREATE SCHEMA {schema}"))
    metadata = make(schema="tenant")
    translated = engine.execution_options(schema_translate_map={"tenant": schema})
    metadata.create_all(translated)
    table = metadata.tables["tenant.document"]
    with translated.connect() as connection:
        connection.execute(table.insert(), {"id": 1})
        connection.execute(table.update().values({"it's 100%": text(f"'{value('a')}'".replace(":", "\\:"))}))
        assert entries(connection, metadata) == [("take", "a", "tenant.document", "1")]


@pytest.mark.parametrize("triggers_too", [True, False])
def test_autogenerate(engine: Engine, triggers_too: bool) -> None:
    """After create_all there is nothing to migrate; before, a table with its index."""
    metadata = make(triggers=False)
    metadata.tables["holdfast_outbox"].create(engine)  # its index comes with it
    metadata.tables["holdfast_outbox"].drop(engine)
    metadata.create_all(engine, tables=[metadata.tables["document"], metadata.tables["document_page"]])
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = [(step[0], step[1].name) for step in compare_metadata(context, metadata)]
    assert found == [("add_table", "holdfast_outbox"), ("add_index", "holdfast_outbox_path")]
    metadata = make(triggers=triggers_too)
    metadata.create_all(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_a_part_of_the_tables(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    """A database that lacks a table gets no triggers for it, and none at all without the outbox."""
    metadata = make()
    metadata.create_all(engine, tables=[metadata.tables["document"]])
    assert names(engine) == []
    assert "no triggers for document: this database has no table holdfast_outbox" in caplog.text
    metadata.create_all(engine, tables=[metadata.tables["document"], metadata.tables["holdfast_outbox"]])
    assert not [name for name in names(engine) if "page" in name]
    assert names(engine)


@pytest.mark.parametrize("kind", ["postgresql"])
@pytest.mark.postgres
def test_settings_of_the_session(engine: Engine) -> None:
    """Neither the search path nor how dates and bytes are written matters to a function."""
    metadata = MetaData()
    key = Column("day", DateTime, primary_key=True), Column("code", LargeBinary, primary_key=True)
    Table("document", metadata, *key, Column("cover", StoredObject("docs")))
    Outbox(metadata, triggers=True)
    metadata.create_all(engine)
    with engine.connect() as connection:
        run(connection, "CREATE SCHEMA shop")
        run(connection, "SET search_path = shop")
        run(connection, "SET datestyle = 'SQL, DMY'")
        run(connection, "SET bytea_output = 'escape'")
        run(connection, "INSERT INTO public.document VALUES ('02/01/2025 03:04', 'x', :cover)", cover=value("a"))
        run(connection, "SET search_path = public")
        assert entries(connection, metadata) == [("take", "a", "document", "2025-01-02 03:04:00,\\x78")]


@pytest.mark.parametrize("kind", ["postgresql"])
@pytest.mark.postgres
def test_a_column_of_type_json(engine: Engine) -> None:
    """A migration may have chosen JSON, which cannot be compared."""
    metadata = make(triggers=False)
    metadata.create_all(engine)
    with engine.begin() as connection:
        run(connection, 'ALTER TABLE document_page ALTER "Order" TYPE json')
        triggers.create(connection, Outbox.of(metadata))
        use(connection, metadata)


@pytest.mark.parametrize("kind", ["sqlite"])
def test_another_file_of_sqlite(engine: Engine) -> None:
    """A trigger cannot write to another database: said when it is made."""
    metadata = MetaData()
    Table("document", metadata, Column("id", Integer, primary_key=True), Column("f", StoredObject("docs")), schema="a")
    outbox = Outbox(metadata)
    with engine.connect() as connection:
        run_raw(connection, "ATTACH ':memory:' AS a")
        metadata.create_all(connection)
        with pytest.raises(ConfigurationError, match=r"the table a\.document is in 'a', its outbox in 'main'"):
            triggers.create(connection, outbox)


def test_other_databases() -> None:
    """They are refused by name."""
    metadata = make()
    for call in (triggers.create, triggers.drop):
        with pytest.raises(ConfigurationError, match="there are no triggers for oracle"):
            call(_Connection(oracle.dialect()), Outbox.of(metadata))


class _Connection:
    """A connection that only knows its dialect."""

    def __init__(self, dialect: Any) -> None:
        self.dialect = dialect

    def schema_for_object(self, table: Table) -> None:
        return None
