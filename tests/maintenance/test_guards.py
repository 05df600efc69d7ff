"""A sweep refuses where files may be held by somebody that it does not see."""

import json
import uuid

import pytest
from sqlalchemy import JSON, Column, Integer, MetaData, Table
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from holdfast import FileObject, Outbox, StoredObject, storages
from holdfast.errors import SweepRefusedError
from tests.maintenance.stacks import Base, key, keys, lay, value


def stranger(world, value: object, name: str = "stranger") -> None:
    """Create a table that the models do not know, with a JSON column."""
    table = Table(name, MetaData(), Column("id", Integer, primary_key=True), Column("some data", JSON))
    with world.engine.begin() as connection:
        table.create(connection)
        connection.execute(table.insert(), [{"id": 1, "some data": 5}, {"id": 2, "some data": value}])


@pytest.mark.parametrize(
    "held",
    [
        json.loads(value("a")),
        [json.loads(value("a", storage="else")), json.loads(value("a"))],
        {"deep": [{"er": json.loads(value("a"))}]},
    ],
)
@pytest.mark.parametrize("delete", [True, False])
async def test_values_of_unknown_tables_refuse(world, stacks, cellar, held: object, delete: bool) -> None:
    """A JSON value that names the storage, at any depth, stops the sweep before anything is deleted."""
    name = lay(stacks, key())
    stranger(world, held)
    with pytest.raises(SweepRefusedError, match=r"stranger\.some data \('stacks'\)"):
        await world.sweep(delete=delete)
    assert keys(stacks) == {name}
    assert (await world.sweep(delete=delete, shared=True)).counts["unreferenced"] == 1


async def test_values_that_name_other_things_do_not(world, stacks, cellar) -> None:
    """Nor tables without JSON, nor the outbox."""
    lay(stacks, key())
    stranger(world, {"backend": "shelfs", "stacks": {"backend": ["else"]}, "text": '{"backend": "stacks"}'})
    world.sql("CREATE TABLE plain (id INTEGER PRIMARY KEY, note TEXT)")
    world.sql("INSERT INTO plain VALUES (1, :note)", note=value("a"))
    assert (await world.sweep()).counts["deleted"] == 1


async def test_a_column_that_the_models_forgot_refuses(world, stacks, cellar) -> None:
    """A table of the models may have more columns than they know."""
    lay(stacks, key())
    world.sql("ALTER TABLE item ADD COLUMN former JSON")
    world.sql("INSERT INTO item (id, former) VALUES (1, :held)", held=value("a"))
    with pytest.raises(SweepRefusedError, match=r"item\.former"):
        await world.sweep()


@pytest.mark.parametrize("driver", ["pysqlite", "aiosqlite"])
async def test_what_is_no_json_does_not_refuse(world, stacks, cellar) -> None:
    """SQLite keeps anything in a JSON column."""
    lay(stacks, key())
    stranger(world, "text")
    world.sql("UPDATE stranger SET \"some data\" = '{' WHERE id = 1")
    assert (await world.sweep()).counts["deleted"] == 1


@pytest.mark.parametrize("driver", [pytest.param(each, marks=pytest.mark.postgres) for each in ("psycopg", "asyncpg")])
async def test_other_schemas_are_looked_at(world, stacks, cellar) -> None:
    """All of them lie in the same database."""
    lay(stacks, key())
    world.sql("CREATE SCHEMA other")
    world.sql("CREATE TABLE other.item (id integer PRIMARY KEY, file jsonb)")
    world.sql("INSERT INTO other.item VALUES (1, CAST(:held AS jsonb))", held=value("a"))
    with pytest.raises(SweepRefusedError, match=r"other\.item\.file"):
        await world.sweep()


@pytest.mark.parametrize("driver", [pytest.param(each, marks=pytest.mark.postgres) for each in ("psycopg", "asyncpg")])
async def test_a_column_that_cannot_be_read_refuses(world, stacks, cellar) -> None:
    """What cannot be looked at may hold anything; the look at the others goes on."""
    lay(stacks, key())
    world.sql("CREATE TABLE broken (id integer, held json)")
    world.sql("""INSERT INTO broken VALUES (1, '{"backend": "\\u0000"}')""")
    stranger(world, json.loads(value("a")))
    with pytest.raises(SweepRefusedError, match=r"broken\.held \(could not be read.*; stranger"):
        await world.sweep()


async def test_models_of_another_metadata_refuse(world, stacks, cellar) -> None:
    """They may live in another database, where no value can be looked at."""
    lone = f"lone-{uuid.uuid4().hex}"

    class Other(DeclarativeBase):
        pass

    class Far(Other):
        __tablename__ = f"far_{uuid.uuid4().hex}"
        id: Mapped[int] = mapped_column(primary_key=True)
        file: Mapped[FileObject | None] = mapped_column(StoredObject(backend=lone))

    storages.register_backend("memory://", key=lone)
    try:
        with pytest.raises(SweepRefusedError, match=f"{Far.__tablename__}.file .'{lone}'."):
            await world.sweep(storages=[lone])
        assert (await world.sweep(storages=[lone], shared=True)).ok
        assert (await world.sweep()).ok
        await world.database.create(Other)
        assert (await world.sweep([Base, Other], storages=[lone])).ok
    finally:
        storages.unregister(lone)


@pytest.mark.parametrize("mariadb_of_the_world", ["mariadb_alone"])
@pytest.mark.parametrize(
    "driver",
    [
        pytest.param("psycopg", marks=pytest.mark.postgres),
        pytest.param("asyncpg", marks=pytest.mark.postgres),
        pytest.param("pymysql", marks=pytest.mark.mariadb),
    ],
)
async def test_prepared_transactions_refuse(world, stacks, cellar) -> None:
    """They may hold any key, and no snapshot shows it; a dry run only says so."""
    held = lay(stacks, key())
    connection = world.engine.connect()
    transaction = connection.begin_twophase("half done")
    connection.exec_driver_sql("INSERT INTO item (id, file) VALUES (1, %s)", (value(held),))
    transaction.prepare()
    try:
        with pytest.raises(SweepRefusedError, match="half done"):
            await world.sweep()
        report = await world.sweep(delete=False)
        assert "half done" in report.notes[0]
    finally:
        transaction.commit()
        connection.close()
    assert (await world.sweep()).counts["unreferenced"] == 0
    assert keys(stacks) == {held}


# Tables without a model: a mapped one would be a stranger to every other sweep in this process.
BOXED = MetaData()
LETTER = Table("letter", BOXED, Column("id", Integer, primary_key=True), Column("file", StoredObject(backend="stacks")))
OUTBOX = Outbox(BOXED)


@pytest.fixture
def letters(world) -> None:
    """The tables of another MetaData, with an outbox, in the same database."""
    with world.engine.begin() as connection:
        BOXED.create_all(connection)


async def test_the_outbox_is_drained_first(world, stacks, letters) -> None:
    """Its drops are deleted before anything is listed; in a dry run they wait, and are not called garbage."""
    dropped = lay(stacks, key())
    drop = "INSERT INTO holdfast_outbox (kind, backend, path, created_at) VALUES ('drop', 'stacks', :path, 1)"
    world.sql(drop, path=dropped)
    garbage = lay(stacks, key())
    options = {"metadata": BOXED, "shared": True}
    report = await world.sweep(delete=False, **options)
    assert [finding.key for finding in report.findings] == [garbage]
    assert keys(stacks) == {dropped, garbage}
    report = await world.sweep(**options)
    assert (report.drained, report.counts["deleted"]) == (1, 1)
    assert keys(stacks) == set()


async def test_what_an_outbox_entry_names_stays(world, stacks, letters) -> None:
    """A take is written by a transaction that committed, or by one whose rows nobody sees yet."""
    taken = lay(stacks, key())
    take = "INSERT INTO holdfast_outbox (kind, backend, path, created_at) VALUES ('take', 'stacks', :path, 9999999999)"
    world.sql(take, path=taken)
    assert (await world.sweep(BOXED, shared=True)).counts["unreferenced"] == 0
    assert keys(stacks) == {taken}


async def test_rows_of_one_base_know_nothing_of_another(world, stacks, cellar, letters) -> None:
    """Both are given together, or the storage is not swept."""
    world.sql("INSERT INTO letter (id, file) VALUES (1, :held)", held=value(lay(stacks, key())))
    with pytest.raises(SweepRefusedError, match=r"letter\.file"):
        await world.sweep()
    assert (await world.sweep([Base, BOXED])).ok
    assert len(keys(stacks)) == 1
