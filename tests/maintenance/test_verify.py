"""`verify` finds what is wrong, says where, and calls the rest well."""

import json
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import Column, MetaData, Table, create_engine, text
from sqlalchemy.orm import Session

from holdfast import StoredObject
from holdfast.errors import ConfigurationError, UnknownStorageError
from holdfast.maintenance import verify
from holdfast.objects import ObjectInfo
from tests.maintenance.stacks import DAY, Base, Box, Item, file, key, keys, lay, value
from tests.orm.conftest import Database

HOUR = timedelta(hours=1)


async def fill(world, count: int = 3) -> None:
    """Store some rows of every shape."""

    def store(session) -> None:
        for number in range(count):
            pages = [file(b"page %d" % page) for page in range(number)]
            session.add(Item(file=file(b"file %d" % number), pages=pages, spare=file(b"spare")))
            session.add(Box(number=uuid.UUID(int=number), name="Top", lid=file(b"lid")))
        session.add(Item())
        session.commit()

    await world.run(store)


def kinds(report) -> dict[str, int]:
    """Return the counts of findings."""
    names = {finding.kind for finding in report.findings}
    return {name: report.counts[name] for name in sorted(names)}


async def test_what_is_well_is_well(world, stacks, cellar) -> None:
    """Files of every kind of column are counted, and none is complained about."""
    await fill(world)
    report = await world.verify(deep=True)
    assert report.ok
    assert report.findings == []
    assert report.rows.counts == {"rows": 12 + 1 - 1, "held": 12}
    assert report.storages["stacks"].counts["objects"] == report.storages["stacks"].counts["files"] == 9
    assert report.storages["cellar"].counts["objects"] == 3
    assert report.counts["hashed"] == 12
    assert "stat" not in stacks._plain.calls


async def test_each_kind_of_damage_is_found(world, stacks, cellar) -> None:
    """Missing, truncated, corrupt, unreferenced: each with its row."""
    await fill(world, 1)
    intact = keys(stacks)
    world.insert(10, value(key(), size=1))
    world.insert(11, value(lay(stacks, key(), b"12"), size=3))
    world.insert(12, value(lay(stacks, key(), b"1234"), size=3))
    left = lay(stacks, key(), b"left")
    report = await world.verify()
    assert not report.ok
    found = {finding.kind: finding for finding in report.findings}
    assert kinds(report) == {"corrupt": 1, "missing": 1, "truncated": 1, "unreferenced": 1}
    assert found["missing"].rows == (("item", "file", ("10",)),)
    assert found["truncated"].rows == (("item", "file", ("11",)),)
    assert "2 bytes" in found["truncated"].detail
    assert "the row says 3" in found["truncated"].detail
    assert found["corrupt"].rows == (("item", "file", ("12",)),)
    assert (found["unreferenced"].key, found["unreferenced"].storage) == (left, "stacks")
    assert intact <= keys(stacks)
    assert json.loads(json.dumps(report.to_dict()))["counts"]["missing"] == 1


async def test_a_missing_page_is_found_in_its_list(world, stacks, cellar) -> None:
    """Lists, columns with another name and primary keys of any type are read and asked again."""
    await fill(world, 3)
    pages, lids = [], []

    def look(session) -> None:
        pages.extend(file.path for item in session.query(Item) for file in item.pages or [])
        lids.extend(box.lid.path for box in session.query(Box))

    await world.run(look)
    stacks.delete([pages[0], lids[1]])
    report = await world.verify()
    assert sorted(finding.rows[0] for finding in report.findings) == [
        ("box", "cover", (str(uuid.UUID(int=1)), "TOP")),
        ("item", "pages", ("2",)),
    ]
    assert {finding.key for finding in report.findings} == {pages[0], lids[1]}


async def test_deep_reads_every_byte(world, stacks, cellar) -> None:
    """Bytes that changed without changing their number are found only by reading."""
    await fill(world, 2)
    victim = min(keys(stacks))
    size = stacks.stat(victim).size
    stacks.put(victim, b"?" * size)
    assert (await world.verify()).ok
    report = await world.verify(deep=True, concurrency=2)
    assert kinds(report) == {"corrupt": 1}
    assert report.findings[0].key == victim


async def test_a_sample_is_a_share_and_the_same_again(world, stacks, cellar) -> None:
    """Which files are read depends on their keys and the seed alone."""
    await fill(world, 12)
    hashed = [(await world.verify(deep=True, sample=0.5, seed=seed)).counts["hashed"] for seed in (1, 1, 2, 3, 4)]
    total = (await world.verify(deep=True)).counts["hashed"]
    assert hashed[0] == hashed[1]
    assert all(0 < count < total for count in hashed)
    assert len(set(hashed)) > 1
    assert (await world.verify(deep=True, sample=0)).counts["hashed"] == 0


async def test_unknown_sizes_are_no_errors(world, stacks, cellar) -> None:
    """Rows of advanced-alchemy may know neither size nor checksum, and name the key as filename."""
    name = lay(stacks, "plain.txt")
    world.insert(1, json.dumps({"backend": "stacks", "filename": name, "metadata": {}}))
    world.insert(2, value(lay(stacks, key()), size=1, checksum="crc32:00"))
    report = await world.verify()
    assert report.ok
    assert (report.counts["unknown"], report.counts["objects"]) == (1, 2)
    deep = await world.verify(deep=True)
    assert deep.ok
    assert (deep.counts["unknown"], deep.counts["hashed"]) == (2, 0)


@pytest.mark.parametrize(
    "malformed",
    ["5", '"text"', "[]", "{}", '{"backend": "stacks", "filename": "../up"}', value("a", size="big"), "[[[]]]"],
)
async def test_malformed_values_are_reported(world, stacks, cellar, malformed: str) -> None:
    """A value that is no file is named with its row, and ends nothing."""
    await fill(world, 1)
    world.insert(7, malformed)
    report = await world.verify()
    assert not report.ok
    assert kinds(report) == {"malformed": 1}
    assert report.findings[0].rows == (("item", "file", ("7",)),)


@pytest.mark.parametrize("driver", ["pysqlite", "aiosqlite"])
@pytest.mark.parametrize(
    "raw", [b"{", b"\xff\xfe", b"[" * 100_000, b"1e999", b'{"backend": "\\ud800", "filename": "a"}']
)
async def test_what_is_no_json_is_reported(world, stacks, cellar, raw: bytes) -> None:
    """SQLite keeps anything in a JSON column: bytes that are not even text do not end the reading."""
    await fill(world, 1)
    world.sql("INSERT INTO item (id, file) VALUES (7, CAST(:raw AS TEXT))", raw=raw)
    report = await world.verify()
    assert kinds(report) in ({"malformed": 1}, {"unregistered": 1})
    assert report.counts["files"] == 3


async def test_json_null_is_no_file(world, stacks, cellar) -> None:
    """A client's null and an empty list hold nothing."""
    world.insert(1, "null")
    world.insert(2, "[]", column="pages")
    report = await world.verify()
    assert report.ok
    assert report.counts["files"] == 0


async def test_two_places_of_one_key_are_reported(world, stacks, cellar) -> None:
    """One key has one owner; a list that holds a file twice is one place."""
    name = lay(stacks, key())
    world.insert(1, value(name))
    world.insert(2, value(name))
    twice = json.loads(value(lay(stacks, key())))
    world.insert(3, json.dumps([twice, twice]), column="pages")
    report = await world.verify()
    assert report.ok
    assert kinds(report) == {"shared": 1}
    assert sorted(report.findings[0].rows) == [("item", "file", ("1",)), ("item", "file", ("2",))]


async def test_young_objects_are_only_counted(driver, world, local, cellar) -> None:
    """Their rows may not be committed yet; the later of the file's and the key's time counts."""
    lay(local, key(), age=2 * DAY)  # its key is fresh
    lay(local, key(2 * DAY))  # its file is fresh
    old = lay(local, key(2 * DAY), age=2 * DAY)
    report = await world.verify(grace=timedelta(hours=24))
    assert report.ok
    assert [finding.key for finding in report.findings] == [old]
    assert report.counts["recent"] == 2


async def test_unregistered_storages_are_reported(world, stacks, cellar) -> None:
    """A file whose storage nobody knows cannot be looked at; other storages can."""
    await fill(world, 1)
    world.insert(5, value(key(), storage="gone"))
    report = await world.verify()
    assert not report.ok
    assert kinds(report) == {"unregistered": 1}
    assert "'gone'" in report.findings[0].detail
    assert report.counts["objects"] == 3
    assert (await world.verify(storages=["stacks"])).ok
    with pytest.raises(UnknownStorageError):
        await world.verify(storages=["gone"])


async def test_storages_that_only_values_name_are_looked_at(world, stacks, cellar, register) -> None:
    """Their other objects may be anybody's and are not called unreferenced."""
    annex = register("annex")
    lay(annex, key())
    await world.run(lambda session: (session.add(Item(id=1, file=file(backend="annex"))), session.commit()))
    assert (await world.verify()).findings == []
    annex.delete(list(keys(annex)))
    report = await world.verify()
    assert kinds(report) == {"missing": 1}
    assert report.findings[0].storage == "annex"


async def test_a_storage_that_fails_does_not_stop_the_others(world, stacks, cellar) -> None:
    """What could not be looked at is in the report, which is not well then."""
    await fill(world, 1)
    cellar.delete(list(keys(cellar)))

    def fail() -> None:
        raise PermissionError(13, "no entry")

    stacks._plain.before["list"] = [fail]
    report = await world.verify()
    assert not report.ok
    assert list(report.errors) == ["stacks"]
    assert kinds(report) == {"missing": 1}


async def test_an_object_that_cannot_be_read_is_reported(world, stacks, cellar) -> None:
    """One failure is that object's; the others are read."""
    await fill(world, 3)
    stacks._plain.broken = {min(keys(stacks))}
    report = await world.verify(deep=True)
    assert not report.ok
    assert kinds(report) == {"unreadable": 1}
    assert report.findings[0].key in stacks._plain.broken
    assert report.counts["hashed"] == 12


async def test_a_storage_in_which_nothing_works_is_given_up(world, stacks, cellar) -> None:
    """It is one error, and not one finding for each of its objects."""
    stacks._plain.broken = {lay(stacks, key()) for _ in range(150)}
    report = await world.verify()
    assert list(report.errors) == ["stacks"]
    assert "refused" in report.errors["stacks"] or "no entry" in report.errors["stacks"]
    assert report.findings == []


async def test_the_report_keeps_the_first_thousand(world, stacks, cellar) -> None:
    """All findings are counted and told."""
    with world.engine.begin() as connection:
        rows = [{"number": number, "value": value(key(), size=1)} for number in range(1, 1101)]
        connection.execute(text("INSERT INTO item (id, file) VALUES (:number, :value)"), rows)
    told = []
    report = await world.verify(on_finding=told.append)
    assert (report.counts["missing"], len(report.findings), len(told)) == (1100, 1000, 1100)


async def test_progress_is_told(world, stacks, cellar) -> None:
    """By phase and storage, in numbers that grow."""
    await fill(world, 2)
    told = []
    await world.verify(progress=told.append)
    assert {(each.phase, each.storage) for each in told} == {
        ("list", "stacks"),
        ("list", "cellar"),
        ("rows", None),
        ("compare", "stacks"),
        ("compare", "cellar"),
    }
    assert all(each.done > 0 for each in told)


@pytest.mark.parametrize(
    "options", [{"sample": 2}, {"grace": -HOUR}, {"concurrency": 0}, {"metadata": object()}, {"metadata": [Item, 5]}]
)
async def test_arguments_that_cannot_work_are_refused(world, stacks, cellar, options) -> None:
    """Before anything is read."""
    with pytest.raises(ConfigurationError):
        await world.verify(**options)


async def test_several_metadata_are_one(world, stacks, cellar) -> None:
    """A base, its MetaData, both."""
    await fill(world, 1)
    assert (await world.verify([Base, Base.metadata])).counts["files"] == (await world.verify()).counts["files"]


async def test_the_sessions_own_state_does_not_matter(world, stacks, cellar) -> None:
    """Rows that are not committed do not count, and the session goes on as it was."""
    await fill(world, 1)

    def work(session) -> None:
        session.add(Item(id=99, file=file(b"new")))
        session.flush()
        report = verify(session, Base, grace=timedelta(hours=1))
        assert report.ok
        assert report.counts["recent"] == 1
        session.commit()

    await world.run(work)
    assert (await world.verify()).findings == []


@pytest.mark.parametrize("driver", ["pysqlite", "aiosqlite"])
async def test_a_database_in_memory_keeps_the_sessions_transaction(driver, stacks, cellar) -> None:
    """It has one connection: verifying on it must neither end what the session began nor see nothing of it."""
    database = await Database(f"sqlite+{driver}://", is_async=driver == "aiosqlite").create(Base)

    def work(session) -> None:
        session.add(Item(id=1, file=file()))
        session.flush()
        assert verify(session, Base).ok
        session.add(Item(id=2, file=file()))
        session.commit()

    await database.run(work)
    found = []
    await database.run(lambda session: found.extend(verify(session, Base, grace=timedelta(0)).storages.items()))
    await database.dispose()
    assert dict(found)["stacks"].counts["files"] == 2


@pytest.mark.parametrize("driver", ["pysqlite"])
def test_a_joined_session_keeps_its_outer_transaction(stacks, cellar) -> None:
    """The usual recipe of test suites, with a database in memory."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            session.add(Item(id=1, file=file()))
            session.commit()
            assert verify(session, Base, grace=timedelta(0)).findings == []
        assert connection.scalar(text("SELECT count(*) FROM item")) == 1
        outer.rollback()
    engine.dispose()


async def test_keys_that_no_row_can_hold_are_only_counted(world, register, cellar) -> None:
    """Others put such names into buckets; nothing can be asked about them, and nothing is."""
    stacks = register("stacks")

    class Odd(type(stacks._plain)):
        def list(self, prefix, after):
            yield ObjectInfo(f"folder//{key(3600)}", 0, 1.0)
            yield ObjectInfo(f"folder/{key(3600)}/", 0, 1.0)

    stacks._plain.__class__ = Odd
    stacks._driver.list = stacks._plain.list
    report = await world.verify()
    assert report.ok
    assert report.findings == []
    assert report.counts["foreign"] == 2
    report = await world.sweep(all_keys=True)
    assert report.ok
    assert (report.counts["foreign"], report.counts["unreferenced"]) == (2, 0)


async def test_a_table_without_a_primary_key_is_read(world, stacks, cellar) -> None:
    """Its rows are named by their value."""
    metadata = MetaData()
    Table("loose", metadata, Column("file", StoredObject(backend="stacks")))
    with world.engine.begin() as connection:
        metadata.create_all(connection)
    world.sql("INSERT INTO loose (file) VALUES (:held)", held=value(key(), size=1))
    world.sql("INSERT INTO loose (file) VALUES (:held)", held=value(lay(stacks, key()), size=1))
    report = await world.verify(metadata)
    assert kinds(report) == {"missing": 1}
    assert report.findings[0].key in report.findings[0].rows[0].key[0]
