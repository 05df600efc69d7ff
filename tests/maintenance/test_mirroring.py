"""`mirror` makes up for copies that failed, gives back what the first storage has lost, and deletes with care."""

import os
import time
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, Outbox, StorageBackend, StoredObject, storages
from holdfast.backends.obstore import ObstoreBackend
from holdfast.backends.wrappers import LimitedBackend, MirrorBackend
from holdfast.drivers.local import LocalDriver
from holdfast.errors import ConfigurationError, SweepRefusedError
from holdfast.keys import default_key, new_id
from holdfast.maintenance import mirror, mirror_async
from holdfast.testing.contents import BIG, checksum
from holdfast.testing.faults import Fault, FaultyDriver
from tests.orm.conftest import Database

NOW = timedelta(0)


class Base(DeclarativeBase):
    pass


class Deed(Base):
    __tablename__ = "deed"
    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="safe"))


outbox = Outbox(Base.metadata)


class Safe:
    """A mirror of a disk and another one, and the command."""

    def __init__(self, database, folder):
        self.database, self.folder = database, folder
        self.driver = FaultyDriver(LocalDriver(folder / "two", durable=False))
        self.first = StorageBackend("first", LocalDriver(folder / "one", durable=False))
        self.second = StorageBackend("second", self.driver)
        self.storage = storages.register_backend(MirrorBackend("safe", [self.first, self.second]))

    async def mirror(self, **options):
        """Run it without a grace period."""
        options = {"grace": NOW} | options
        if self.database.is_async:
            async with AsyncSession(self.database.engine) as session:
                return await mirror_async(session, Base, **options)
        with Session(self.database.engine) as session:
            return mirror(session, Base, **options)

    async def add(self, content=b"bytes"):
        """Add a row, and return the key of its file."""

        def work(session):
            deed = Deed(file=FileObject(filename="a.txt", content=content))
            session.add(deed)
            session.commit()
            return deed.file.path

        return await self.database.run(work)

    def keys(self):
        """What lies where."""
        return [[info.key for info in storage.list()] for storage in (self.first, self.second)]


@pytest.fixture(params=["pysqlite", "aiosqlite"])
async def safe(request, tmp_path):
    """A mirror and a database."""
    database = Database(f"sqlite+{request.param}:///{tmp_path}/test.db", is_async=request.param == "aiosqlite")
    await database.create(Base)
    yield Safe(database, tmp_path)
    storages._backends.pop("safe", None)
    await database.dispose()


async def test_copies_that_failed(safe, caplog):
    """What was logged as not written is written, whatever its size; then there is nothing to do."""
    keys = []
    for number in range(3):
        safe.driver.fail(Fault("put", error=OSError(110, "timed out")))
        keys.append(await safe.add(BIG if number == 1 else b"bytes"))
    assert len(safe.keys()[1]) == 0
    report = await safe.mirror()
    assert report.ok
    counts = report.storages["safe/second"].counts
    assert (counts["objects"], counts["missing"], counts["copied"]) == (3, 3, 3)
    assert counts["copied_bytes"] == len(BIG) + 10
    safe.second.verify(keys[1], checksum(BIG))
    assert not (await safe.mirror()).counts["copied"]


async def test_a_dry_run(safe):
    """It says what would be copied, and changes nothing."""
    key = await safe.add()
    safe.second.delete(key)
    report = await safe.mirror(dry_run=True)
    assert [(finding.kind, finding.key) for finding in report.findings] == [("missing", key)]
    assert safe.keys() == [[key], []]


async def test_copies_that_are_old(safe):
    """One of another size, or from before the last change, is made anew; another one only by its bytes, deep."""
    for name in ("size", "old", "same", "bytes"):
        safe.storage.put(name, b"bytes")
    safe.second.put("size", b"longer bytes")
    safe.second.put("old", b"other"), safe.second.put("bytes", b"other")
    past = time.time() - 60
    os.utime(safe.folder / "two/old", (past, past))
    report = await safe.mirror()
    assert {finding.key for finding in report.findings if finding.kind == "different"} == {"size", "old"}
    assert safe.second.read("size") == safe.second.read("old") == b"bytes"
    report = await safe.mirror(deep=True)
    assert [finding.key for finding in report.findings] == ["bytes"]
    assert safe.second.read("bytes") == b"bytes"


async def test_what_the_first_has_lost(safe):
    """What a row holds is given back; what no row holds stays where it is, and is not given back."""
    held, dropped = await safe.add(), default_key(new_id(), "b.txt")
    safe.first.delete(held)
    safe.second.put(dropped, b"bytes")
    report = await safe.mirror()
    assert {(finding.kind, finding.key) for finding in report.findings} == {("lost", held), ("extra", dropped)}
    assert safe.keys() == [[held], sorted([held, dropped])]
    assert safe.first.read(held) == b"bytes"


async def test_delete(safe):
    """Only what Holdfast named, what is old enough, and what neither a row nor the first storage has."""
    held = await safe.add()
    safe.first.delete(held)
    old = default_key(new_id(time.time() - 7200), "old.txt")
    young = default_key(new_id(), "young.txt")
    for key in (old, young, "by/hand.txt"):
        safe.second.put(key, b"bytes")
    past = time.time() - 7200
    os.utime(safe.folder / "two" / old, (past, past))
    assert (await safe.mirror()).counts["deleted"] == 0
    report = await safe.mirror(delete=True, grace=timedelta(hours=1))
    assert report.counts["deleted"] == 1
    assert safe.keys() == [[held], sorted([held, young, "by/hand.txt"])]


async def test_a_first_storage_that_is_empty(safe):
    """A disk that was replaced is filled again; deleting does not empty the others."""
    keys = sorted([await safe.add(), await safe.add(), await safe.add()])
    safe.first.delete(keys)
    await safe.mirror(delete=True)
    assert safe.keys() == [keys, keys]


async def test_delete_is_refused(safe):
    """While columns that are not shown may name the mirror."""

    class OtherBase(DeclarativeBase):
        pass

    class Other(OtherBase):
        __tablename__ = "other"
        id: Mapped[int] = mapped_column(primary_key=True)
        file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="safe"))

    with pytest.raises(SweepRefusedError):
        await safe.mirror(delete=True)
    OtherBase.registry.dispose()


async def test_a_storage_that_fails(safe):
    """It is reported, and the run can be repeated."""
    key = await safe.add()
    safe.second.delete(key)
    safe.driver.fail(Fault("put", error=PermissionError(13, "no")))
    report = await safe.mirror()
    assert "no" in report.errors["safe/second"]
    assert (report.counts["failed"], report.counts["copied"]) == (1, 0)
    assert (await safe.mirror()).counts["copied"] == 1


async def test_what_is_deleted_while_it_is_copied(safe):
    """It does not come back to life in the copy."""
    key = await safe.add()
    safe.second.delete(key)
    put = safe.driver.driver.put

    def slow(path, body, options):
        safe.first.delete(path)
        return put(path, body, options)

    async def slow_async(path, body, options):
        safe.first.delete(path)
        return await type(safe.driver.driver).put_async(safe.driver.driver, path, body, options)

    safe.driver.put, safe.driver.put_async = slow, slow_async
    report = await safe.mirror()
    assert report.ok, report.errors
    assert safe.keys() == [[], []]


async def test_a_run_goes_on(safe, tmp_path, monkeypatch):
    """After an interrupt the same call does not begin anew."""
    monkeypatch.setattr("holdfast.maintenance.mirroring.PAGE", 2)
    monkeypatch.setattr("holdfast.maintenance.checkpoint._SECONDS", 0.0)
    for number in range(9):
        safe.first.put(f"{number}", b"bytes")
    seen = []

    def stop(step):
        seen.append(step.done)
        if len(seen) == 3:
            raise KeyboardInterrupt

    state = tmp_path / "state"
    with pytest.raises(KeyboardInterrupt):
        await safe.mirror(state=state, progress=stop)
    report = await safe.mirror(state=state)
    assert "goes on after '3'" in report.notes[0]
    assert safe.keys()[0] == safe.keys()[1]
    assert report.counts["objects"] == 9
    assert report.counts["copied"] == 7  # and two in the page that was interrupted
    assert not state.exists()


async def test_mirrors_are_found(safe):
    """By name, behind other wrappers, and an error says what is none."""
    storages.register_backend(LimitedBackend("limited", safe.storage))
    storages.register_backend(ObstoreBackend("plain", "memory://"))
    try:
        assert list((await safe.mirror()).storages) == ["safe/second"]
        assert list((await safe.mirror(storages=["limited"])).storages) == ["limited/second"]
        with pytest.raises(ConfigurationError, match="'plain' is no mirror"):
            await safe.mirror(storages=["plain"])
        storages.unregister("safe"), storages.unregister("limited")
        with pytest.raises(ConfigurationError, match="no mirror is registered"):
            await safe.mirror()
    finally:
        for name in ("limited", "plain"):
            storages._backends.pop(name, None)
