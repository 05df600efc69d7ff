"""`settle` moves the objects of a storage that moves, while it is in use, and loses none of them."""

import asyncio
import itertools
import os
import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, StoredObject, storages
from holdfast.backends.base import StorageBackend
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.backends.wrappers import GradualBackend, LimitedBackend, PrefixBackend, ReadOnlyBackend
from holdfast.drivers.local import LocalDriver
from holdfast.errors import ConfigurationError, SweepRefusedError
from holdfast.maintenance import settle, settle_async, settling, sweep, verify
from holdfast.testing.contents import BIG, checksum
from holdfast.testing.faults import Fault, FaultyDriver


def _options(bucket):
    return {name: value for name, value in bucket.obstore.items() if name != "bucket"}


CONTENTS = {"a": b"bytes", "b/c": b"", "b/large": BIG, "z": b"\0" * 1000}


class Watched(LocalDriver):
    """A disk that calls back: after an object was read to its end, after a put, and before a description."""

    def __init__(self, root):
        super().__init__(root, durable=False)
        self.after_read = self.after_put = self.before_stat = lambda key: None

    def read(self, key, start, end, chunk_size):
        yield from super().read(key, start, end, chunk_size)
        self.after_read(key)

    def put(self, key, body, options):
        info = super().put(key, body, options)
        self.after_put(key)
        return info

    def stat(self, key):
        self.before_stat(key)
        return super().stat(key)


class Move:
    """A storage on its way from one disk to another, which fail on cue, and both halves of the command."""

    def __init__(self, folder, *, is_async):
        self.is_async = is_async
        self.drivers = Watched(folder / "new"), Watched(folder / "old")
        self.faulty = tuple(map(FaultyDriver, self.drivers))
        self.new, self.old = (
            StorageBackend(name, driver) for name, driver in zip(("new", "old"), self.faulty, strict=True)
        )
        self.storage = GradualBackend("deeds", new=self.new, old=self.old)

    def settle(self, storage=None, **options):
        """Run it."""
        if self.is_async:
            return asyncio.run(settle_async(storage or self.storage, **options))
        return settle(storage or self.storage, **options)

    def fill(self, contents=None):
        """Put objects where they were before the move began."""
        for key, content in (contents or CONTENTS).items():
            self.old.put(key, content)

    def keys(self):
        """What lies where: in the new one, in the old one."""
        return [[info.key for info in storage.list()] for storage in (self.new, self.old)]

    def check(self, contents=None):
        """Everything is there, and everything is in the new one."""
        contents = contents or CONTENTS
        assert self.keys() == [sorted(contents), []]
        for key, content in contents.items():
            self.new.verify(key, checksum(content))


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def move(request, tmp_path):
    """Two disks."""
    return Move(tmp_path, is_async=request.param)


@pytest.fixture
def at_once(monkeypatch):
    """Copies of others are taken for done at once: there are no others."""
    monkeypatch.setattr(settling, "PATIENCE", 0.0)


def test_everything_moves(move):
    """Whatever its size; the old storage is empty then, and there is nothing left to do."""
    move.fill()
    told = []
    report = move.settle(progress=told.append)
    assert report.ok
    size = sum(map(len, CONTENTS.values()))
    expected = {"objects": 4, "bytes": size, "copied": 4, "copied_bytes": size, "deleted": 4}
    assert {name: count for name, count in report.counts.items() if count} == expected
    assert [(each.phase, each.storage, each.done, each.size) for each in told] == [("move", "deeds", 4, size)]
    move.check()
    assert not move.settle().counts["objects"]
    assert move.storage.remaining() == 0


def test_what_an_object_has_besides(move):
    """Content type and metadata go with it, and it is written with the settings of the new storage, then its own."""
    new = ObstoreBackend("new", "memory://", object_settings={"storage_class": "COLD", "cache_control": "no-store"})
    old = FSSpecBackend("old", "memory")
    old.put("a", b"bytes", content_type="image/png", metadata={"a": [1, "é"]})
    written = []
    for name in ("put", "put_async"):
        call = getattr(new._plain, name)
        setattr(new._plain, name, lambda *args, call=call: written.append(args[2].settings) or call(*args))
    storage = GradualBackend("deeds", new=new, old=old, object_settings={"storage_class": "HOT"})
    assert move.settle(storage).ok
    info = new.stat("a")
    assert (info.content_type, info.metadata) == ("image/png", {"a": [1, "é"]})
    assert (written[0].storage_class, written[0].cache_control) == ("HOT", "no-store")


def test_inside_a_service(move, ministack):
    """Objects that S3 copies from one bucket to another do not pass through here."""
    one, two = ministack.make_bucket(), ministack.make_bucket()
    new, old = (ObstoreBackend(each.name, f"s3://{each.name}/a/", **_options(each)) for each in (one, two))
    old.put("x", b"bytes", content_type="image/png")
    old._plain.read = old._plain.read_async = None  # nobody is to read it
    report = move.settle(GradualBackend("deeds", new=new, old=old))
    assert (report.ok, report.counts["copied"], report.errors) == (True, 1, {})
    assert new.stat("x").content_type == "image/png"
    assert [two.keys(), one.keys()] == [[], ["a/x"]]


def test_a_dry_run(move):
    """It counts, and changes nothing."""
    move.fill()
    move.new.put("a", b"bytes")
    move.new.put("z", b"other")
    report = move.settle(dry_run=True)
    assert (report.counts["missing"], report.counts["there"], report.counts["different"]) == (2, 1, 1)
    assert move.keys() == [["a", "z"], sorted(CONTENTS)]
    assert not report.ok
    assert report.to_dict()["dry_run"] is True


def test_keeping_the_old_ones(move, monkeypatch):
    """They stay until a run that deletes them, which has compared them first, byte by byte."""
    move.fill()
    report = move.settle(keep=True)
    assert (report.ok, report.counts["copied"], report.counts["deleted"]) == (True, 4, 0)
    assert move.keys() == [sorted(CONTENTS)] * 2
    assert move.settle(keep=True).counts["there"] == 4
    (move.drivers[0].native / "a").write_bytes(b"BYTES")
    monkeypatch.setattr(settling, "PATIENCE", 0.0)
    report = move.settle()
    assert (report.counts["there"], report.counts["deleted"]) == (4, 3)
    assert [(finding.kind, finding.key) for finding in report.findings] == [("different", "a")]
    assert move.keys()[1] == ["a"]


def test_copies_of_others_are_left_alone_for_a_while(move, monkeypatch):
    """Who made one may be about to take it back: the original goes when that is past."""
    move.fill()
    move.settle(keep=True)
    monkeypatch.setattr(settling, "PATIENCE", 0.3)
    begun = time.monotonic()
    assert move.settle().ok
    assert time.monotonic() - begun >= 0.3
    move.check()


# --- deletes


def test_an_object_that_is_deleted_while_it_is_copied(move):
    """It does not come back, neither if it was deleted before the copy was there nor after it."""
    move.fill({"a": b"bytes", "b": b"bytes", "c": b"bytes"})
    move.drivers[1].after_read = lambda key: key == "a" and move.storage.delete("a")
    move.drivers[0].after_put = lambda key: key == "b" and move.storage.delete("b")
    report = move.settle()
    assert (report.ok, report.counts["gone"], report.counts["copied"]) == (True, 2, 1)
    assert move.keys() == [["c"], []]


def test_an_object_that_is_deleted_when_it_was_copied_long_ago(move, monkeypatch):
    """Another run may have moved it by then, so the copy stays; it is told, and left to the sweep."""
    monkeypatch.setattr(settling, "PATIENCE", 0.0)
    move.fill({"a": b"bytes"})
    move.drivers[1].after_read = move.storage.delete
    report = move.settle()
    assert [(finding.kind, finding.key) for finding in report.findings] == [("unclear", "a")]
    assert report.ok
    assert move.keys() == [["a"], []]


def test_a_new_storage_that_cannot_say_who_was_first(move, rclone_bucket):
    """Where two runs may both have created a copy, none takes it back: with retries, or on a server that lets both."""
    bucket = ObstoreBackend("s3", f"s3://{rclone_bucket.name}/", **_options(rclone_bucket))
    for new in (LimitedBackend("limited", move.new), bucket):
        move.fill({"a": b"bytes"})
        storage = GradualBackend("deeds", new=new, old=move.old)
        move.drivers[1].after_read = storage.delete
        assert [finding.kind for finding in move.settle(storage).findings] == ["unclear"]
        assert [info.key for info in new.list()] == ["a"]
        assert not move.old.exists("a")


def test_an_object_that_is_deleted_and_made_anew(move):
    """What is under its key now is somebody's own, and stays."""
    move.fill({"a": b"bytes"})

    def again(key):
        move.drivers[1].before_stat = lambda key: None
        if move.new.exists(key):
            move.storage.delete(key)
            move.storage.put(key, b"later")
        else:
            move.drivers[1].before_stat = again

    move.drivers[1].before_stat = again
    assert move.settle().counts["gone"] == 1
    assert move.storage.read("a") == b"later"


# --- replaced objects


def test_an_object_that_was_replaced(move, at_once):
    """The new one is what everybody reads: it stays, and the old one as well, unless the run is told otherwise."""
    move.fill({"a": b"old", "b": b"same", "c": b"other"})
    past = time.time() - 60
    for key in "abc":
        path = move.drivers[1].native / key
        os.utime(path, (past, past))
    for key, content in [("a", b"newer"), ("b", b"same")]:
        move.storage.put(key, content)
    move.new.put("c", b"OTHER")
    os.utime(move.drivers[0].native / "c", (past, past))
    report = move.settle()
    assert {finding.key: finding.kind for finding in report.findings} == {"a": "replaced", "c": "different"}
    assert not report.ok
    assert move.keys() == [["a", "b", "c"], ["a", "c"]]
    report = move.settle(replaced=True)
    assert report.counts["deleted"] == 1
    assert move.keys() == [["a", "b", "c"], ["c"]]
    assert [move.storage.read(key) for key in "abc"] == [b"newer", b"same", b"OTHER"]


def test_an_object_that_is_replaced_while_it_is_copied(move, at_once):
    """The put wins, whoever came first."""
    move.fill({"a": b"bytes"})
    replaced = []

    def replace(key):
        if not replaced:
            replaced.append(move.storage.put(key, b"newer"))

    move.drivers[1].after_read = replace
    report = move.settle()
    assert report.counts["there"] == 1
    assert move.storage.read("a") == b"newer"


def test_an_object_that_changes_in_the_old_storage(move):
    """Somebody who does not know of the move wrote there: the copy is made anew, not kept."""
    move.fill({"a": b"bytes"})
    writes = iter([b"other"])

    def write(key):
        for content in writes:
            move.old.put(key, content)

    move.drivers[0].after_put = write
    assert move.settle().ok
    move.check({"a": b"other"})
    move.old.put("b", b"0")
    move.drivers[0].after_put = lambda key: move.old.put(key, str(time.monotonic_ns()).encode())
    report = move.settle()
    assert [finding.kind for finding in report.findings] == ["busy"]
    assert move.keys() == [["a"], ["b"]]


def test_a_copy_with_other_bytes(move):
    """With `deep` it is found, and the original stays."""
    move.fill({"a": b"bytes"})
    move.drivers[0].after_put = lambda key: (move.drivers[0].native / key).write_bytes(b"BYTES")
    report = move.settle(deep=True)
    assert [finding.kind for finding in report.findings] == ["different"]
    assert move.keys() == [["a"], ["a"]]


def test_a_copy_that_is_lost_while_it_is_compared(move, at_once):
    """The original is the last one then, and stays."""
    move.fill({"a": b"bytes"})
    move.new.put("a", b"bytes")
    move.drivers[0].after_read = move.new.delete
    assert [finding.kind for finding in move.settle().findings] == ["busy"]
    assert move.keys() == [[], ["a"]]


# --- several at once, and interruptions


def test_another_run_in_the_middle(move, monkeypatch):
    """It moves what this one has just copied; this one must not take it for deleted."""
    monkeypatch.setattr(settling, "PATIENCE", 0.2)
    move.fill({"a": b"bytes"})

    def run(key):
        move.drivers[0].after_put = lambda key: None
        thread = threading.Thread(target=settle, args=[move.storage])  # in no event loop
        thread.start()
        thread.join(30)

    move.drivers[0].after_put = run
    move.settle()
    move.check({"a": b"bytes"})


def test_two_runs_at_once(move, monkeypatch):
    """Together they move everything, once, and lose nothing."""
    monkeypatch.setattr(settling, "PATIENCE", 0.5)
    contents = {f"{number:03}": str(number).encode() for number in range(150)}
    move.fill(contents)
    reports = []
    threads = [threading.Thread(target=lambda: reports.append(move.settle())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [report.errors for report in reports] == [{}] * 3
    assert sum(report.counts["copied"] for report in reports) <= 150
    move.settle()
    move.check(contents)


class StopError(BaseException):
    """What ends a process, as far as the run can tell."""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("operation", ["stat", "read", "put", "delete", "list"])
def test_a_run_that_is_killed(tmp_path, at_once, operation, when):
    """Wherever it stops, every object is there, and the next run does the rest."""
    contents = {"a": b"1", "b": b"22", "c": b"333"}
    for number in itertools.count():
        move = Move(tmp_path / str(number), is_async=False)
        move.fill(contents)
        for driver in move.faulty:
            driver.fail(Fault(operation, when, StopError(), skip=number))
        try:
            settle(move.storage, concurrency=1)
        except StopError:
            stopped = True
        else:
            stopped = False
        for driver in move.faulty:
            driver._faults.clear()
        assert {key: move.storage.read(key) for key in contents} == contents
        assert move.settle().ok
        move.check(contents)
        if not stopped:
            break
    assert number >= 1


def test_going_on_after_an_interrupt(move, tmp_path, monkeypatch):
    """A run that keeps the old ones goes on where it was, and its report is that of both."""
    monkeypatch.setattr("holdfast.maintenance.listing.PAGE", 2)
    monkeypatch.setattr("holdfast.maintenance.checkpoint._SECONDS", 0.0)
    move.fill()
    calls = itertools.count()

    def interrupt(progress):
        if next(calls):
            raise KeyboardInterrupt

    state = tmp_path / "state.json"
    with pytest.raises(KeyboardInterrupt):
        settle(move.storage, keep=True, state=state, progress=interrupt)
    report = settle(move.storage, keep=True, state=state)
    assert (report.counts["objects"], report.counts["copied"], report.counts["there"]) == (4, 2, 2)
    assert "goes on after 'b/c'" in report.notes[0]
    assert not state.exists()
    state.write_text('{"run": {}, "storages": {}}')
    with pytest.raises(ConfigurationError, match="other arguments"):
        settle(move.storage, state=state)


# --- failures


@pytest.mark.parametrize(("number", "operation"), [(0, "put"), (0, "stat"), (1, "stat"), (1, "delete"), (1, "list")])
def test_a_storage_that_fails(move, at_once, number, operation):
    """It is told, nothing is lost, and another run does it."""
    move.fill()
    for skip in range(9):
        move.faulty[number].fail(Fault(operation, skip=skip, error=OSError(110, "timed out")))
    report = move.settle()
    assert "timed out" in report.errors["deeds"]
    assert not report.ok
    for driver in move.faulty:
        driver._faults.clear()
    for key, content in CONTENTS.items():
        move.storage.verify(key, checksum(content))
    assert move.settle().ok
    move.check()


def test_a_storage_that_is_down(move):
    """It is given up, instead of being asked for each object."""
    move.fill({f"{number:04}": b"" for number in range(120)})
    for skip in range(120):
        move.faulty[0].fail(Fault("stat", skip=skip, error=OSError(110, "timed out")))
    report = move.settle()
    assert "timed out" in report.errors["deeds"]
    assert not report.counts["failed"]


def test_an_old_storage_that_is_only_read(move):
    """Nothing can be deleted from it, so it has to be said that all is kept."""
    move.fill()
    storage = GradualBackend("deeds", new=move.new, old=ReadOnlyBackend("archive", move.old))
    with pytest.raises(ConfigurationError, match="keep=True"):
        move.settle(storage)
    assert move.settle(storage, keep=True).counts["copied"] == 4


def test_what_does_not_move(move):
    """Any other storage; and a number that makes no sense."""
    with pytest.raises(ConfigurationError, match="'new' does not move"):
        move.settle(move.new)
    with pytest.raises(ConfigurationError, match="concurrency"):
        move.settle(concurrency=0)


def test_keys_that_no_row_can_hold(move):
    """Others put names into buckets that Holdfast cannot ask for: they stay, and are counted."""
    old = FSSpecBackend("old", "memory")
    old.put("a/c", b"bytes")
    old.native.store["/a//b"] = old.native.store["/a/c"]
    report = move.settle(GradualBackend("deeds", new=move.new, old=old))
    assert (report.counts["copied"], report.counts["foreign"]) == (1, 1)


# --- rows


class Base(DeclarativeBase):
    pass


class Deed(Base):
    __tablename__ = "settled_deed"
    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="deeds"))


@pytest.fixture
def registered(move):
    """The storage under the name that rows know, and no other."""
    storages.register_backend(move.storage)
    yield move
    for name in ("deeds", "disk", "folder"):
        storages._backends.pop(name, None)


def test_rows_stay_as_they_are(registered):
    """They name the storage by the name that it had; verify and sweep find nothing amiss, before or after."""
    move = registered
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    storages.register_backend(StorageBackend("deeds", move.drivers[1]))
    with Session(engine) as session:
        session.add_all([Deed(file=FileObject(filename="a.txt", content=b"bytes")) for _ in range(3)])
        session.commit()
        storages.register_backend(move.storage)
        session.add(Deed(file=FileObject(filename="b.txt", content=b"later")))
        session.commit()
        values = session.connection().exec_driver_sql("SELECT file FROM settled_deed").all()
        for _ in range(2):
            report = verify(session, Base, deep=True, grace=timedelta(0))
            assert (report.ok, report.counts["hashed"], report.counts["unreferenced"]) == (True, 4, 0)
            assert not sweep(session, Base, grace=timedelta(0), delete=True).counts["unreferenced"]
            assert move.settle("deeds").ok
        assert move.storage.remaining() == 0
        assert session.connection().exec_driver_sql("SELECT file FROM settled_deed").all() == values
        deed = session.get(Deed, 1)
        assert deed.file.get_content() == b"bytes"
        key = deed.file.path
        session.delete(deed)
        session.commit()
        assert not move.storage.exists(key)


def test_rows_that_may_name_the_old_storage(registered):
    """What they hold would be gone: no other registered name may lead there, unless it is said to be empty."""
    move = registered
    move.fill()
    storages.register_backend(PrefixBackend("disk", move.old, "b"))
    with pytest.raises(SweepRefusedError, match="'disk' leads to the old storage of 'deeds'"):
        move.settle()
    assert move.settle(keep=True).ok
    storages.unregister("disk")
    storages.register_backend(PrefixBackend("folder", move.storage, "b"))
    storages.register_backend(GradualBackend("disk", new=move.new, old=move.old))
    assert move.settle("folder", dry_run=True).counts["there"] == 4
    storages.register_backend(ReadOnlyBackend("disk", move.old))
    assert move.settle(shared=True).counts["there"] == 4


# --- in use


class Users:
    """Who reads, writes, lists and deletes while objects move."""

    def __init__(self, storage, contents):
        self.storage, self.contents = storage, contents
        self.kept, self.doomed = sorted(contents)[::2], sorted(contents)[1::2]
        self.failures, self.over = [], threading.Event()
        self.threads = [threading.Thread(target=self._work, args=[each]) for each in (self.read, self.write, self.show)]
        self.deleter = threading.Thread(target=self._work, args=[self.delete])

    def _work(self, step):
        numbers = range(len(self.doomed)) if step == self.delete else itertools.count()
        try:
            for number in numbers:
                if self.over.is_set():
                    return
                step(number)
        except BaseException as error:
            self.failures.append(error)
            raise

    def read(self, number):
        """Find what nobody deletes."""
        key = self.kept[number % len(self.kept)]
        assert self.storage.read(key) == b"".join(self.storage.stream(key)) == self.contents[key]
        assert self.storage.stat(key).size == len(self.contents[key])

    def write(self, number):
        """Find what was just written, and not what was just deleted."""
        key = f"new/{number:05}"
        self.storage.put(key, b"bytes", if_absent=True)
        assert self.storage.read(key) == b"bytes"
        if number % 2:
            self.storage.delete(key)
            assert not self.storage.exists(key)

    def show(self, _):
        """Find all of it in each list, once and in order."""
        found = [info.key for info in self.storage.list("old")]
        assert found == sorted(set(found))
        assert set(self.kept) <= set(found)

    def delete(self, number):
        """Delete every other one."""
        self.storage.delete(self.doomed[number])


def test_nobody_notices(move, monkeypatch):
    """Who reads, writes, lists and deletes while runs go on finds everything, and nothing comes back."""
    monkeypatch.setattr(settling, "PATIENCE", 1.0)
    contents = {f"old/{number:03}": str(number).encode() for number in range(120)}
    move.fill(contents)
    users = Users(move.storage, contents)
    for thread in (*users.threads, users.deleter):
        thread.start()
    try:
        reports = [move.settle(concurrency=4), move.settle(concurrency=4)]
        users.deleter.join(60)
    finally:
        users.over.set()
        for thread in (*users.threads, users.deleter):
            thread.join(60)
    assert users.failures == []
    assert [report.errors for report in reports] == [{}, {}]
    unclear = {finding.key for report in reports for finding in report.findings}
    assert {info.key for info in move.storage.list("old")} - unclear == set(users.kept)
