"""`adopt` over columns of one's own: what it fills, what it leaves alone, and how it goes on."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import JSON, Column, ForeignKey, MetaData, String, Table, create_engine, func, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, Outbox, StorageBackend, StoredObject
from holdfast.backends.wrappers import PrefixBackend
from holdfast.drivers.local import LocalDriver
from holdfast.errors import AccessDeniedError, ConfigurationError, StorageError
from holdfast.maintenance import adopt, verify
from tests.maintenance.stacks import Hooked
from tests.moving.conftest import House, keys


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    path: Mapped[str | None] = mapped_column(String(200))
    bytes: Mapped[int | None] = mapped_column()
    changes: Mapped[int] = mapped_column(default=0, onupdate=lambda: 99)
    paths: Mapped[Any] = mapped_column(JSON, nullable=True)
    must: Mapped[str] = mapped_column(String(20), default="x")
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="notes"))
    files: Mapped[list[FileObject] | None] = mapped_column(StoredObject(backend="notes", multiple=True))
    only: Mapped[FileObject | None] = mapped_column(StoredObject(backend="other", strict=True))


class Part(Base):
    """A table whose primary key has two columns."""

    __tablename__ = "part"
    number: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    note: Mapped[int | None] = mapped_column(ForeignKey("note.id"))
    path: Mapped[str | None] = mapped_column(String(200))
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="notes"))


def at(path: str | None, size: int | None = None) -> FileObject | None:
    """Map a path, and a size where there is one, as an application would."""
    return FileObject(to_filename=path, size=size) if path else None


HOW: dict[str, Any] = {"column": Note.file, "source": Note.path, "mapping": at}


@pytest.fixture
def notes(tmp_path: Path, register: Any) -> Any:
    """A storage that lets something happen before an operation."""
    return register("notes", StorageBackend("notes", Hooked(LocalDriver(tmp_path / "notes", durable=False))))


@pytest.fixture
def other(register: Any) -> Any:
    """Another storage."""
    return register("other", "memory://")


def fill(house: House, storage: Any, *rows: Any, lay: bool = True) -> None:
    """Make the tables and insert rows with these paths, numbered from 1, with their objects."""
    Base.metadata.create_all(house.engine)
    with house.session() as session:
        for number, row in enumerate(rows, 1):
            fields = row if isinstance(row, dict) else {"path": row}
            session.add(Note(id=number, **fields))
            if lay and fields.get("path") and not storage.exists(fields["path"]):
                storage.put(fields["path"], fields["path"].encode())
        session.commit()


def paths(house: House) -> list[str | None]:
    """Return the keys of all notes' files."""
    with house.session() as session:
        return [file and file.path for file in session.scalars(select(Note.file).order_by(Note.id))]


def change(house: House, statement: str) -> Callable[[], None]:
    """Return what changes rows behind the run's back."""

    def do() -> None:
        with house.engine.begin() as connection:
            connection.execute(text(statement))

    return do


def before(storage: Any, operation: str, *hooks: Callable[[], Any]) -> None:
    """Let something happen before the storage's next operation of a kind."""
    storage._plain.before[operation] = list(hooks)


async def test_filled(each_house: House, notes: Any) -> None:
    """Rows get files with what the storage knows; the old column, the objects and `onupdate` stay as they were."""
    fill(each_house, notes, "a/1.txt", None, "b.pdf", "")
    steps = []
    report = await each_house.adopt(Base, **HOW, progress=steps.append)
    counts = {"rows": 3, "adopted": 2, "empty": 1}
    assert (report.ok, {name: report.counts[name] for name in counts}) == (True, counts)
    assert report.to_dict()["dry_run"] is False
    assert [(step.phase, step.done) for step in steps] == [("rows", 3), ("adopt", 3)]
    assert paths(each_house) == ["a/1.txt", None, "b.pdf", None]
    with each_house.session() as session:
        note = session.get_one(Note, 1)
        assert (note.path, note.changes, note.file.filename) == ("a/1.txt", 0, "a/1.txt")
        assert (note.file.size, note.file.content_type, note.file.get_content()) == (7, "text/plain", b"a/1.txt")
        assert note.file.etag == notes.stat("a/1.txt").etag
        assert verify(session, Base).ok
    again = await each_house.adopt(Base, **HOW)
    assert (again.ok, again.counts["rows"], again.counts["adopted"]) == (True, 1, 0)


async def test_interrupted(house: House, notes: Any) -> None:
    """A run that is stopped anywhere goes on where it was; nothing is copied twice."""
    fill(house, notes, "same.txt", *(f"{number}.txt" for number in range(8)), "same.txt")

    def stop(step: Any) -> None:
        if (step.phase, step.done) == ("adopt", 3):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await house.adopt(Base, **HOW, batch=3, progress=stop)
    assert [bool(path) for path in paths(house)] == [True] * 3 + [False] * 7
    before(notes, "copy", lambda: pytest.fail("it was copied again"))
    report = await house.adopt(Base, **HOW, batch=3)
    assert (report.ok, report.counts["adopted"], report.counts["copied"]) == (True, 7, 0)
    found = paths(house)
    assert (found[-1], len(set(found)), len(keys(notes))) == ("same.txt", 10, 10)


async def test_interrupted_within_a_page(house: House, notes: Any) -> None:
    """What was asked of the storage and not filled is asked again; a copy that no row got is for the sweep."""
    fill(house, notes, "same.txt", "same.txt")

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await house.adopt(Base, **HOW, on_finding=stop)
    report = await house.adopt(Base, **HOW)
    assert report.ok
    assert len(set(paths(house))) == 2


async def test_somebody_gives_the_row_a_file(each_house: House, notes: Any) -> None:
    """A file that a row got meanwhile is not overwritten, and a copy that was made for the row goes."""
    fill(each_house, notes, "a.txt", "b.txt", "a.txt")

    def give() -> None:
        with each_house.session() as session:
            session.get_one(Note, 1).file = FileObject(filename="new.txt", content=b"new")
            session.commit()

    before(notes, "stat", give)
    report = await each_house.adopt(Base, **HOW)
    assert (report.ok, report.counts["rows"], report.counts["adopted"]) == (True, 2, 2)
    assert report.counts["copied"] == 0
    with each_house.session() as session:
        given = session.get_one(Note, 1).file
        assert given.get_content() == b"new"
    assert paths(each_house)[1:] == ["b.txt", "a.txt"]
    assert keys(notes) == {given.path, "a.txt", "b.txt"}


async def test_the_old_value_changes(each_house: House, notes: Any) -> None:
    """What the old column says when the row is filled is what counts; letters that differ by case are a change."""
    fill(each_house, notes, "a.txt", "b.txt", "c.txt")
    notes.put("A.txt", b"changed")
    before(
        notes,
        "stat",
        change(each_house, "UPDATE note SET path = 'A.txt' WHERE id = 1"),
        change(each_house, "DELETE FROM note WHERE id = 2"),
        change(each_house, "UPDATE note SET path = NULL WHERE id = 3"),
    )
    report = await each_house.adopt(Base, **HOW)
    assert (report.ok, report.counts["rows"], report.counts["adopted"]) == (True, 1, 1)
    assert report.counts["again"] == 1
    assert paths(each_house) == ["A.txt", None]


async def test_the_file_goes_with_the_old_value(house: House, notes: Any) -> None:
    """A file that is not there is a finding only if the row still names it: it may have been replaced meanwhile."""
    fill(house, notes, "a.txt", "b.txt", "c.txt")

    def replace() -> None:
        change(house, "UPDATE note SET path = 'c.txt' WHERE id = 1")()
        change(house, "UPDATE note SET path = NULL WHERE id = 2")()
        notes.delete(["a.txt", "b.txt"])

    before(notes, "stat", replace)
    report = await house.adopt(Base, **HOW, concurrency=1)
    assert (report.ok, report.counts["missing"], report.counts["rows"], report.counts["again"]) == (True, 0, 2, 1)
    assert paths(house)[1:] == [None, "c.txt"]


async def test_a_row_that_never_rests(house: House, notes: Any) -> None:
    """After some tries it is a finding, and the run goes on with the others."""
    fill(house, notes, "1.txt", "z.txt")
    for number in range(2, 9):
        notes.put(f"{number}.txt", b"n")
    names = iter(range(2, 9))

    def move() -> None:
        number = next(names)
        change(house, f"UPDATE note SET path = '{number}.txt' WHERE id = 1")()
        before(notes, "stat", move)

    before(notes, "stat", move)
    report = await house.adopt(Base, **HOW, concurrency=1, batch=1)
    assert not report.ok
    assert [(finding.kind, finding.rows[0].key) for finding in report.findings] == [("busy", ("1",))]
    assert report.counts["adopted"] == 1


async def test_what_is_not_there(house: House, notes: Any, other: Any) -> None:
    """A row whose file is missing, of another size, unreadable, or elsewhere stays empty, and is reported."""
    rows = [
        {"path": "good.txt", "bytes": 8},
        {"path": "long.txt", "bytes": 3},
        {"path": "short.txt", "bytes": 30},
        {"path": "locked.txt"},
        {"path": "../up.txt"},
        {"path": "nowhere:x.txt"},
        {"path": "fails"},
        {"path": "gone.txt"},
        {"path": "pending"},
        {"path": "two"},
    ]
    fill(house, notes, *rows, lay=False)
    for name in ("good.txt", "long.txt", "short.txt", "locked.txt", "fails"):
        notes.put(name, name.encode())
    notes._plain.broken.add("locked.txt")

    def mapping(path: str, size: int | None) -> Any:
        storage, _, name = path.rpartition(":")
        if path == "fails":
            return {}["no such bucket"]
        if path == "pending":
            return FileObject(filename="a.txt", content=b"x")
        if path == "two":
            return [at("good.txt"), at("long.txt")]
        return FileObject(backend=storage or None, to_filename=name, size=size)

    found = []
    report = await house.adopt(
        Base, column="note.file", source=["path", "bytes"], mapping=mapping, on_finding=found.append
    )
    assert not report.ok
    assert paths(house) == ["good.txt", *[None] * 9]
    kinds = {int(finding.rows[0].key[0]): (finding.kind, finding.detail) for finding in found}
    assert kinds == {
        2: ("corrupt", "it has 8 bytes, the row says 3"),
        3: ("truncated", "it has 9 bytes, the row says 30"),
        4: ("unreadable", kinds[4][1]),
        5: ("malformed", kinds[5][1]),
        6: ("unregistered", kinds[6][1]),
        7: ("malformed", "KeyError: 'no such bucket'"),
        8: ("missing", "there is no such object"),
        9: ("malformed", kinds[9][1]),
        10: ("malformed", "2 files for a column of one"),
    }
    assert "nowhere" in kinds[6][1]
    strict = await house.adopt(Base, column=Note.only, source=Note.path, mapping=lambda path: at("notes/x", None))
    assert strict.counts["malformed"] == 0
    strict = await house.adopt(
        Base, column=Note.only, source="path", mapping=lambda path: FileObject(backend="notes", filename="x")
    )
    assert strict.counts["malformed"] == 10


async def test_unchecked(house: House, notes: Any) -> None:
    """With check=False the storage is not asked, and only what the mapping says is known."""
    fill(house, notes, "a.txt", "gone.txt", lay=False)
    notes.put("a.txt", b"12345")
    notes._plain.calls.clear()
    report = await house.adopt(Base, **HOW, check=False)
    assert (report.ok, notes._plain.calls) == (True, [])
    with house.session() as session:
        assert session.get_one(Note, 1).file.size is None
        assert verify(session, Base).counts["missing"] == 1


async def test_cleared(each_house: House, notes: Any) -> None:
    """With clear=True the old columns are emptied in the same statement, of the rows that were filled only."""
    fill(each_house, notes, {"path": "a.txt", "bytes": 5}, {"path": "b.txt", "bytes": 50})
    how: dict[str, Any] = {"column": Note.file, "source": [Note.path, Note.bytes], "mapping": at, "clear": True}
    report = await each_house.adopt(Base, **how)
    assert report.counts["truncated"] == 1
    with each_house.session() as session:
        found = session.execute(select(Note.path, Note.bytes).order_by(Note.id)).all()
        assert [tuple(row) for row in found] == [(None, None), ("b.txt", 50)]


async def test_shared_and_interrupted(house: House, notes: Any) -> None:
    """The row that gets the object is the last to be filled: no copy is made of what a row may delete already."""
    fill(house, notes, "same.txt", "a.txt", "same.txt")

    def stop(step: Any) -> None:
        if step.phase == "adopt":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await house.adopt(Base, **HOW, batch=1, progress=stop)
    with house.session() as session:
        first = session.get_one(Note, 1).file
        assert (first.path != "same.txt", first.get_content()) == (True, b"same.txt")
        session.delete(session.get_one(Note, 1))
        session.commit()
    assert (await house.adopt(Base, **HOW)).ok
    assert paths(house) == ["a.txt", "same.txt"]


async def test_shared_with_rows_that_have_files(house: House, notes: Any, register: Any) -> None:
    """What another row holds, in any table and under any name of the place, is copied; and so within one list."""
    fill(house, notes, "in/a.txt", {"paths": ["in/b.txt", "in/c.txt", "in/b.txt"]})
    notes.put("in/b.txt", b"b")
    notes.put("in/c.txt", b"c")
    register("inner", PrefixBackend("inner", notes, "in"))
    value = {"backend": "inner", "filename": "a.txt"}
    with house.session() as session:
        insert = text("INSERT INTO part (number, name, file) VALUES (:number, 'x', :file)")
        session.execute(insert, {"number": uuid.UUID(int=1).hex, "file": json.dumps(value)})
        session.commit()
    report = await house.adopt(Base, **HOW)
    assert (report.counts["adopted"], report.counts["copied"]) == (1, 1)
    assert paths(house)[0] != "in/a.txt"

    def listed(names: Any) -> list[FileObject]:
        return [FileObject(to_filename=name) for name in names]

    report = await house.adopt(Base, column=Note.files, source=Note.paths, mapping=listed)
    assert (report.ok, report.counts["copied"]) == (True, 1)
    with house.session() as session:
        files = session.get_one(Note, 2).files
        assert [file.get_content() for file in files] == [b"b", b"c", b"b"]
        assert len({file.path for file in files}) == 3


async def test_rows_that_come_meanwhile(house: House, notes: Any) -> None:
    """A row that appears behind the page and names what an earlier one has gets a copy; rows left out count, too."""
    fill(house, notes, "a.txt", "b.txt", "b.txt")
    insert = "INSERT INTO note (id, path, changes, must) VALUES (9, 'a.txt', 0, 'x')"
    before(notes, "stat", change(house, insert))
    report = await house.adopt(Base, **HOW, batch=1, where="id <> 3")
    assert (report.ok, report.counts["adopted"], report.counts["copied"]) == (True, 3, 2)
    found = paths(house)
    assert (found[0], found[2]) == ("a.txt", None)
    assert len(set(found)) == 4
    assert (await house.adopt(Base, **HOW, where=Note.id == 3)).counts["copied"] == 0
    assert paths(house)[2] == "b.txt"


async def test_two_runs_at_once(house: House, notes: Any) -> None:
    """The second finds that the first has filled the rows, and leaves nothing behind."""
    fill(house, notes, "same.txt", "same.txt", "a.txt")

    def run() -> None:
        with house.session() as session:
            assert adopt(session, Base, **HOW).ok

    before(notes, "stat", run)
    report = await house.adopt(Base, **HOW)
    # Two rows have just what this run would have given them.
    assert (report.ok, report.counts["copied"]) == (True, 0)
    assert keys(notes) == set(paths(house))
    assert len(keys(notes)) == 3


async def test_keys_of_two_columns(each_house: House, notes: Any) -> None:
    """Pages follow each other in the order of any primary key."""
    fill(each_house, notes)
    with each_house.session() as session:
        for number in range(5):
            notes.put(f"{number}.txt", b"x")
            for name in "ab":
                session.add(Part(number=uuid.UUID(int=number), name=name, path=f"{number}.txt"))
        session.commit()
    mapping = {"column": Part.file, "source": "path", "mapping": at}
    report = await each_house.adopt(Base, **mapping, batch=3)
    assert (report.ok, report.counts["adopted"], report.counts["copied"]) == (True, 10, 5)
    with each_house.session() as session:
        assert len({part.file.path for part in session.scalars(select(Part))}) == 10


async def test_outbox(house: House, notes: Any) -> None:
    """What waits to be deleted is deleted first, so that no row is given it."""

    class Own(DeclarativeBase):
        pass

    class Thing(Own):
        __tablename__ = "thing"
        id: Mapped[int] = mapped_column(primary_key=True)
        path: Mapped[str | None] = mapped_column(String(200))
        file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="notes"))

    outbox = Outbox(Own, triggers=True)
    Own.metadata.create_all(house.engine)
    notes.put("a.txt", b"x")
    notes.put("b.txt", b"x")
    with house.session() as session:
        session.add_all([Thing(id=1, path="a.txt"), Thing(id=2, path="b.txt")])
        session.add(Thing(id=3, file=FileObject(filename="a.txt")))
        session.commit()
        session.connection().exec_driver_sql("DELETE FROM thing WHERE id = 3")  # only the trigger sees it
        session.commit()
    report = await house.adopt(Own, column=Thing.file, source=Thing.path, mapping=at)
    assert (report.counts["missing"], report.counts["adopted"]) == (1, 1)
    with house.session() as session:
        assert outbox.drain(session) == 0
        assert session.get_one(Thing, 2).file.get_content() == b"x"
        assert session.scalar(select(func.count()).where(outbox.table.c.kind == "drop")) == 0


async def test_storage_that_is_down(house: House, notes: Any) -> None:
    """Where nothing works the run ends, instead of a finding for each of a million rows."""
    fill(house, notes, *(f"{number}.txt" for number in range(120)))
    notes._plain.broken.update(f"{number}.txt" for number in range(120))
    with pytest.raises(AccessDeniedError):
        await house.adopt(Base, **HOW)
    assert issubclass(AccessDeniedError, StorageError)


def test_in_memory(notes: Any) -> None:
    """A database with one connection works, as long as the session is not in a transaction."""
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    notes.put("a.txt", b"x")
    with Session(engine) as session:
        session.add(Note(id=1, path="a.txt"))
        session.commit()
        session.get_one(Note, 1)
        with pytest.raises(ConfigurationError, match="in a transaction"):
            adopt(session, Base, **HOW)
        session.rollback()
        assert adopt(session, Base, **HOW).ok
        assert session.get_one(Note, 1).file.get_content() == b"x"
    engine.dispose()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"column": "note.nothing"}, "has no column 'nothing'; it has id, path"),
        ({"column": "nothing.file"}, "no model with file columns called 'nothing'"),
        ({"column": Note.path}, r"note\.path is no StoredObject"),
        ({"column": 7}, "7 is not a column"),
        ({"source": []}, "other columns of 'note'"),
        ({"source": Note.file}, "other columns of 'note'"),
        ({"source": Part.path}, "other columns of 'note'"),
        ({"source": ["path", "must"], "clear": True}, "can be NULL: must of 'note' cannot"),
        ({"batch": 0}, "batch=0 must be at least 1"),
        ({"concurrency": 0}, "concurrency=0 must be at least 1"),
    ],
)
def test_arguments(options: Any, complaint: str) -> None:
    """What cannot work is refused before any row is read."""
    engine = create_engine("sqlite://")
    with Session(engine) as session, pytest.raises(ConfigurationError, match=complaint):
        adopt(session, Base, **HOW | options)
    engine.dispose()


def test_table_without_a_key() -> None:
    """Rows that cannot be told apart cannot be filled."""
    metadata = MetaData()
    table = Table("loose", metadata, Column("path", String(9)), Column("file", StoredObject(backend="notes")))
    engine = create_engine("sqlite://")
    with Session(engine) as session, pytest.raises(ConfigurationError, match="'loose' has no primary key"):
        adopt(session, metadata, column=table.c.file, source=table.c.path, mapping=at)
    engine.dispose()
