"""Bulk statements of the ORM: files are found, uploaded, copied and dropped as in a flush."""

from typing import Any

import pytest
from sqlalchemy import ForeignKey, String, bindparam, delete, event, func, insert, null, select, text, update
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, aliased, mapped_column

from holdfast import FileObject, StoredObject
from holdfast.errors import AlreadyExistsError, ColumnValueError, ConfigurationError, PendingFileError
from tests.orm.conftest import Database, contents, stored

pytestmark = pytest.mark.usefixtures("quiet")


class Base(DeclarativeBase):
    pass


class Paper(Base):
    """A file under another column's name, a list, and a unique column."""

    __tablename__ = "paper"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str | None] = mapped_column(String(40), unique=True)
    kind: Mapped[str | None] = mapped_column(String(40))
    file: Mapped[FileObject | None] = mapped_column("file_json", StoredObject(backend="docs"))
    scan: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))
    pages: Mapped[list[FileObject] | None] = mapped_column(StoredObject(backend="docs", multiple=True))


class Draft(Base):
    __tablename__ = "draft"
    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))


@pytest.fixture
async def db(each_database: Database, docs: Any) -> Database:
    """Each database, with three papers in the storage `docs`: a, b and c."""

    def fill(session: Session) -> None:
        for name in "abc":  # the database numbers them
            session.add(Paper(title=name, kind="old", file=new(name)))
            session.flush()
        session.commit()

    await each_database.create(Base)
    await each_database.run(fill)
    return each_database


def paper(number: int, name: str) -> Paper:
    """Return a row with a file."""
    return Paper(id=number, title=name, kind="old", file=new(name))


def new(name: str) -> FileObject:
    """Return a pending file."""
    return FileObject(backend="docs", filename=f"{name}.txt", content=name.encode())


def held(session: Session) -> dict[int, str | None]:
    """Return the content of each paper's file, as the database has it."""
    session.expire_all()
    rows = session.scalars(select(Paper).order_by(Paper.id))
    return {row.id: row.file.get_content().decode() if row.file else None for row in rows}


async def test_update_uploads_and_drops(db: Database, docs) -> None:
    """A pending file in values() is uploaded; the file that it replaces goes after the commit, not before."""

    def work(session: Session) -> None:
        result = session.execute(update(Paper).where(Paper.title == "a").values(file=new("A"), kind="new"))
        assert result.rowcount == 1
        assert stored(docs) == [b"A", b"a", b"b", b"c"]
        session.commit()
        assert held(session) == {1: "A", 2: "b", 3: "c"}

    await db.run(work)
    assert stored(docs) == [b"A", b"b", b"c"]


async def test_update_that_is_rolled_back(db: Database, docs) -> None:
    """The new file goes, the old one stays, and the value is pending again."""

    def work(session: Session) -> None:
        value = new("A")
        session.execute(update(Paper).where(Paper.id == 1).values(file=value))
        assert not value.has_pending_data
        session.rollback()
        assert value.has_pending_data
        assert held(session) == {1: "a", 2: "b", 3: "c"}

    await db.run(work)
    assert stored(docs) == [b"a", b"b", b"c"]


async def test_update_of_several_rows(db: Database, docs) -> None:
    """Each row gets a file of its own, so that deleting one row leaves the others theirs."""

    def work(session: Session) -> None:
        session.execute(update(Paper).where(Paper.id < 3).values(file=new("same")))
        session.commit()
        assert held(session) == {1: "same", 2: "same", 3: "c"}
        session.execute(delete(Paper).where(Paper.id == 1))
        session.commit()
        assert held(session) == {2: "same", 3: "c"}

    await db.run(work)
    assert stored(docs) == [b"c", b"same"]


async def test_update_of_no_row(db: Database, docs) -> None:
    """Nothing is uploaded for a condition that finds nothing."""

    def work(session: Session) -> None:
        value = new("A")
        assert session.execute(update(Paper).where(Paper.id == 99).values(file=value)).rowcount == 0
        session.commit()
        assert value.has_pending_data

    await db.run(work)
    assert stored(docs) == [b"a", b"b", b"c"]


@pytest.mark.parametrize("value", [None, null()], ids=["None", "null()"])
async def test_update_to_none(db: Database, docs, value: Any) -> None:
    """Files of all rows go."""

    def work(session: Session) -> None:
        session.execute(update(Paper).values(file=value))
        session.commit()
        assert held(session) == {1: None, 2: None, 3: None}

    await db.run(work)
    assert stored(docs) == []


async def test_update_of_other_columns_costs_nothing(db: Database, docs) -> None:
    """Where no file column is set, no row is selected."""

    def work(session: Session) -> None:
        sent = []
        event.listen(session.get_bind(), "before_cursor_execute", lambda *args: sent.append(args[2]))
        session.execute(update(Paper).values(kind="x"))
        assert len(sent) == 1
        session.commit()

    await db.run(work)
    assert stored(docs) == [b"a", b"b", b"c"]


async def test_update_by_columns_of_the_row(db: Database, docs) -> None:
    """SQL may move a file inside its row; what the row lets go of is deleted, what it keeps is not."""

    def work(session: Session) -> None:
        # In this order: MariaDB evaluates from left to right.
        session.execute(update(Paper).where(Paper.id == 1).ordered_values((Paper.scan, Paper.file), (Paper.file, None)))
        session.execute(update(Paper).where(Paper.id == 2).values(scan=new("s")))
        session.execute(update(Paper).where(Paper.id == 2).ordered_values((Paper.file, Paper.scan), (Paper.scan, None)))
        session.commit()
        assert held(session) == {1: None, 2: "s", 3: "c"}
        assert session.get_one(Paper, 1).scan.get_content() == b"a"

    await db.run(work)
    assert stored(docs) == [b"a", b"c", b"s"]


async def test_files_of_other_rows_by_sql_are_refused(db: Database, docs) -> None:
    """A subquery, another table's column or INSERT … SELECT would make two rows share a file."""
    other = aliased(Paper)
    statements = [
        update(Paper).where(Paper.id == 1).values(file=select(other.file).where(other.id == 2).scalar_subquery()),
        update(Paper).where(Paper.id == Draft.id).values(file=Draft.file),
        insert(Draft).from_select(["id", "file"], select(Paper.id, Paper.file)),
        insert(Draft).values(id=1, file=select(Paper.file).where(Paper.id == 1).scalar_subquery()),
    ]

    def work(session: Session) -> None:
        for statement in statements:
            with pytest.raises(ColumnValueError, match="files of other rows"):
                session.execute(statement)
        session.rollback()

    await db.run(work)
    assert stored(docs) == [b"a", b"b", b"c"]


async def test_a_file_of_another_row_is_copied(db: Database, docs) -> None:
    """UPDATE and INSERT give a row its own copy of a file that another row holds, or their own file back."""

    def work(session: Session) -> None:
        a, b = session.get_one(Paper, 1), session.get_one(Paper, 2)
        session.execute(update(Paper).where(Paper.id == 2).values(file=a.file))
        session.execute(insert(Paper), [{"id": 4, "title": "d", "file": a.file}])
        session.execute(update(Paper).where(Paper.id == 3).values(file=session.get_one(Paper, 3).file))
        session.commit()
        assert held(session) == {1: "a", 2: "a", 3: "c", 4: "a"}
        session.delete(a)
        session.commit()
        assert held(session) == {2: "a", 3: "c", 4: "a"}
        assert b.file.path != session.get_one(Paper, 4).file.path

    await db.run(work)
    assert stored(docs) == [b"a", b"a", b"c"]


async def test_a_file_that_was_let_go_moves(db: Database, docs) -> None:
    """What one bulk statement drops, another may give to a row: no copy, no loss, in either direction."""

    def work(session: Session) -> None:
        files = {row.id: row.file for row in session.scalars(select(Paper))}
        paths = {number: value.path for number, value in files.items()}
        session.execute(update(Paper).where(Paper.id == 1).values(file=None))
        session.execute(update(Paper).where(Paper.id == 2).values(file=files[1]))
        session.execute(update(Paper).where(Paper.id == 1).values(file=files[2]))
        session.commit()
        assert held(session) == {1: "b", 2: "a", 3: "c"}
        assert session.get_one(Paper, 1).file.path == paths[2]

    await db.run(work)
    assert stored(docs) == [b"a", b"b", b"c"]


async def test_a_file_that_is_put_back_stays(db: Database, docs) -> None:
    """Dropped and taken again in one transaction, whichever of bulk and flush does what."""

    def work(session: Session) -> None:
        a, b = session.get_one(Paper, 1), session.get_one(Paper, 2)
        file_a, file_b = a.file, b.file
        session.execute(update(Paper).where(Paper.id == 1).values(file=None))
        a.file = file_a
        session.flush()
        b.file = None
        session.flush()
        session.execute(update(Paper).where(Paper.id == 2).values(file=file_b))
        session.commit()
        assert held(session) == {1: "a", 2: "b", 3: "c"}

    await db.run(work)
    assert stored(docs) == [b"a", b"b", b"c"]


async def test_update_by_primary_key(db: Database, docs) -> None:
    """An executemany has no WHERE: its rows are found by the keys in its parameters."""

    def work(session: Session) -> None:
        rows = [{"id": 1, "file": new("A")}, {"id": 2, "file": None}, {"id": 3, "file": new("C")}]
        session.execute(update(Paper), rows)
        session.commit()
        assert held(session) == {1: "A", 2: None, 3: "C"}

    await db.run(work)
    assert stored(docs) == [b"A", b"C"]


async def test_update_with_a_bound_parameter(db: Database, docs) -> None:
    """A file may come as a parameter of the statement."""
    statement = update(Paper).where(Paper.id == bindparam("which")).values(file=bindparam("what"))

    def work(session: Session) -> None:
        session.execute(statement, {"which": 2, "what": new("B")})
        session.commit()
        assert held(session) == {1: "a", 2: "B", 3: "c"}

    await db.run(work)
    assert stored(docs) == [b"B", b"a", b"c"]


async def test_update_of_lists(db: Database, docs) -> None:
    """A list's new files are uploaded, those that it loses go."""

    def work(session: Session) -> None:
        session.execute(update(Paper).where(Paper.id == 1).values(pages=[new("p"), new("q")]))
        session.commit()
        pages = session.get_one(Paper, 1).pages
        session.execute(update(Paper).where(Paper.id.in_([1, 2])).values(pages=[pages[1], new("r")]))
        session.commit()
        for number in (1, 2):
            assert [page.get_content() for page in session.get_one(Paper, number).pages] == [b"q", b"r"]
        session.execute(update(Paper).where(Paper.id == 2).values(pages=[]))
        session.commit()

    await db.run(work)
    assert stored(docs) == [b"a", b"b", b"c", b"q", b"r"]


async def test_ordered_values(db: Database, docs) -> None:
    """The other way to write values."""

    def work(session: Session) -> None:
        session.execute(update(Paper).where(Paper.id == 1).ordered_values((Paper.kind, "k"), (Paper.file, new("A"))))
        session.commit()

    await db.run(work)
    assert stored(docs) == [b"A", b"b", b"c"]


async def test_loaded_rows_see_the_new_file(db: Database, docs) -> None:
    """An object that is loaded already has the new file after the statement, and works on with it."""

    def work(session: Session) -> None:
        row = session.get_one(Paper, 1)
        session.execute(update(Paper).where(Paper.id == 1).values(file=new("A")))
        assert row.file.get_content() == b"A"
        row.file.metadata["seen"] = True
        session.commit()
        assert row.file.metadata == {"seen": True}
        row.file = None
        session.commit()

    await db.run(work)
    assert stored(docs) == [b"b", b"c"]


async def test_query_update_and_delete(db: Database, docs) -> None:
    """The older interface passes the same way."""

    def work(session: Session) -> None:
        session.query(Paper).filter(Paper.id == 1).update({"file": new("A")})
        session.query(Paper).filter_by(title="b").update({Paper.file: new("B")}, synchronize_session=False)
        assert session.query(Paper).filter(Paper.id > 2).delete() == 1
        session.commit()
        assert held(session) == {1: "A", 2: "B"}

    await db.run(work)
    assert stored(docs) == [b"A", b"B"]


async def test_delete(db: Database, docs) -> None:
    """Files of deleted rows go after the commit; a rollback keeps them."""

    def work(session: Session) -> None:
        session.execute(delete(Paper).where(Paper.id == 1))
        session.rollback()
        assert held(session) == {1: "a", 2: "b", 3: "c"}
        session.execute(delete(Paper).where(Paper.id >= 2))
        assert stored(docs) == [b"a", b"b", b"c"]
        session.commit()

    await db.run(work)
    assert stored(docs) == [b"a"]


async def test_delete_by_another_table(db: Database, docs) -> None:
    """A condition over other tables finds the same rows as the statement."""

    def work(session: Session) -> None:
        session.add(Draft(id=2, file=new("draft")))
        session.execute(delete(Paper).where(Paper.id.in_(select(Draft.id))))
        session.commit()
        assert held(session) == {1: "a", 3: "c"}

    await db.run(work)
    assert stored(docs) == [b"a", b"c", b"draft"]


async def test_savepoints(db: Database, docs) -> None:
    """What a bulk statement did inside a savepoint shares its fate."""

    def work(session: Session) -> None:
        savepoint = session.begin_nested()
        session.execute(update(Paper).where(Paper.id == 1).values(file=new("gone")))
        session.execute(delete(Paper).where(Paper.id == 2))
        savepoint.rollback()
        with session.begin_nested():
            session.execute(update(Paper).where(Paper.id == 3).values(file=new("C")))
        session.commit()
        assert held(session) == {1: "a", 2: "b", 3: "C"}

    await db.run(work)
    assert stored(docs) == [b"C", b"a", b"b"]


INSERTS = {
    "parameters": lambda session, files: session.execute(
        insert(Paper), [{"id": 10 + number, "file": value} for number, value in enumerate(files)]
    ),
    "without keys": lambda session, files: session.execute(insert(Paper), [{"file": value} for value in files]),
    "values": lambda session, files: [session.execute(insert(Paper).values(file=value)) for value in files],
    "several values": lambda session, files: session.execute(
        insert(Paper).values([{"id": 10 + number, Paper.file: value} for number, value in enumerate(files)])
    ),
    "one set of parameters": lambda session, files: [
        session.execute(insert(Paper), {"file": value, "kind": "k"}) for value in files
    ],
}


@pytest.mark.parametrize("how", INSERTS)
@pytest.mark.parametrize("commit", [True, False], ids=["commit", "rollback"])
async def test_insert(db: Database, docs, how: str, commit: bool) -> None:
    """Pending files are uploaded, and go again if the transaction is rolled back."""

    def work(session: Session) -> None:
        INSERTS[how](session, [new("x"), new("y"), None])
        (session.commit if commit else session.rollback)()
        assert sorted(filter(None, held(session).values())) == ["a", "b", "c", *(["x", "y"] if commit else [])]

    await db.run(work)
    assert stored(docs) == [b"a", b"b", b"c", *([b"x", b"y"] if commit else [])]


async def test_insert_of_one_file_for_several_rows(db: Database, docs) -> None:
    """Each row gets a file of its own."""

    def work(session: Session) -> None:
        value = new("x")
        session.execute(insert(Paper).values([{"id": 10, "file": value}, {"id": 11, "file": value}]))
        session.commit()
        session.execute(delete(Paper).where(Paper.id == 10))
        session.commit()
        assert held(session) == {1: "a", 2: "b", 3: "c", 11: "x"}

    await db.run(work)
    assert stored(docs) == [b"a", b"b", b"c", b"x"]


async def test_returning(db: Database, docs) -> None:
    """The forms with RETURNING give their rows as ever."""

    def work(session: Session) -> None:
        made = session.scalars(insert(Paper).returning(Paper), [{"title": "x", "file": new("x")}]).one()
        assert made.file.get_content() == b"x"
        name = session.get_bind().dialect.name
        if name not in {"mysql", "mariadb"}:  # it has RETURNING for INSERT and DELETE only
            changed = session.scalars(update(Paper).where(Paper.id == 1).values(file=new("A")).returning(Paper)).one()
            assert changed.file.get_content() == b"A"
        assert session.execute(delete(Paper).where(Paper.id == 2).returning(Paper.title)).all() == [("b",)]
        session.commit()

    await db.run(work)
    kept = [b"A"] if b"A" in stored(docs) else [b"a"]
    assert stored(docs) == [*kept, b"c", b"x"]


def upsert(session: Session, rows: Any, how: str) -> Any:
    """Return an upsert in the words of the session's database: the title decides."""
    name = session.get_bind().dialect.name
    if name in {"mysql", "mariadb"}:
        statement: Any = mysql.insert(Paper).values(rows)
        if how == "nothing":
            return statement.prefix_with("IGNORE")
        return statement.on_duplicate_key_update(file_json=statement.inserted.file_json)
    statement = (postgresql if name == "postgresql" else sqlite).insert(Paper).values(rows)
    if how == "nothing":
        return statement.on_conflict_do_nothing(index_elements=["title"])
    return statement.on_conflict_do_update(index_elements=["title"], set_={"file_json": statement.excluded.file_json})


async def test_upsert(db: Database, docs) -> None:
    """Rows that are there lose their files, new rows get theirs."""

    def work(session: Session) -> None:
        rows = [{"title": "a", "file": new("A")}, {"title": "d", "file": new("D")}]
        session.execute(upsert(session, rows, "update"))
        session.commit()
        assert sorted(held(session).values()) == ["A", "D", "b", "c"]

    await db.run(work)
    assert stored(docs) == [b"A", b"D", b"b", b"c"]


@pytest.mark.filterwarnings("ignore:.*Duplicate entry")
async def test_insert_that_skips_rows(db: Database, docs) -> None:
    """A file for a row that was not inserted goes after the commit; the row that was there keeps its own."""

    def work(session: Session) -> None:
        rows = [{"title": "a", "file": new("A")}, {"title": "d", "file": new("D")}]
        session.execute(upsert(session, rows, "nothing"))
        session.commit()
        assert sorted(held(session).values()) == ["D", "a", "b", "c"]

    await db.run(work)
    assert stored(docs) == [b"D", b"a", b"b", b"c"]


async def test_upsert_that_is_rolled_back(db: Database, docs) -> None:
    """Everything is as it was."""

    def work(session: Session) -> None:
        rows = [{"title": "a", "file": new("A")}, {"title": "d", "file": new("D")}]
        session.execute(upsert(session, rows, "update"))
        session.rollback()
        assert held(session) == {1: "a", 2: "b", 3: "c"}

    await db.run(work)
    assert stored(docs) == [b"a", b"b", b"c"]


async def test_replace(tmp_path: Any, docs) -> None:
    """INSERT OR REPLACE deletes the row that was there."""
    db = await Database(f"sqlite:///{tmp_path}/replace.db", is_async=False).create(Base)

    def work(session: Session) -> None:
        session.add_all([paper(1, "a"), paper(2, "b")])
        session.commit()
        session.execute(insert(Paper).prefix_with("OR REPLACE").values(title="a", file=new("A")))
        session.commit()
        assert held(session) == {2: "b", 3: "A"}

    await db.run(work)
    await db.dispose()
    assert stored(docs) == [b"A", b"b"]


async def test_the_same_file_in_the_set_of_an_upsert(tmp_path: Any, docs) -> None:
    """``values(**data)`` and ``set_=data`` hold one and the same file."""
    db = await Database(f"sqlite:///{tmp_path}/upsert.db", is_async=False).create(Base)

    def work(session: Session) -> None:
        for content in ("x", "y"):
            data = {"title": "a", "file_json": new(content)}
            statement = sqlite.insert(Paper).values(**data)
            session.execute(statement.on_conflict_do_update(index_elements=["title"], set_=data))
            session.commit()
        assert held(session) == {1: "y"}

    await db.run(work)
    await db.dispose()
    assert stored(docs) == [b"y"]


async def test_a_statement_that_fails(db: Database, docs) -> None:
    """Nothing is lost and nothing stays, whether the transaction is rolled back or, where that works, committed."""

    def work(session: Session) -> None:
        with pytest.raises(IntegrityError):
            session.execute(insert(Paper), [{"id": 9, "file": new("x")}, {"id": 1, "file": new("y")}])
        if session.get_bind().dialect.name == "postgresql":
            session.rollback()
        session.commit()
        for row in session.scalars(select(Paper)):
            assert row.file.exists()
        assert len(contents(docs)) == len(held(session))

    await db.run(work)


async def test_an_upload_that_fails(db: Database, docs) -> None:
    """The statement is not sent, and the files that did go up are taken away."""

    def work(session: Session) -> None:
        taken = FileObject(backend="docs", filename="n", to_filename="named.txt", content=b"n")
        docs.put("named.txt", b"somebody else's")
        with pytest.raises(AlreadyExistsError):
            session.execute(insert(Paper), [{"file": new("x")}, {"file": taken}])
        session.rollback()
        assert held(session) == {1: "a", 2: "b", 3: "c"}

    await db.run(work)
    assert stored(docs) == [b"a", b"b", b"c", b"somebody else's"]


async def test_misuse_is_refused(db: Database, docs) -> None:
    """What cannot be done right says so, before anything happens."""

    def work(session: Session) -> None:
        wrong = [
            (update(Paper).where(Paper.id == 1).values(id=9, file=new("x")), "primary key and files of Paper"),
            (update(Paper).values(file="a path"), "takes a FileObject"),
            (insert(Paper).values(pages=new("x")), "takes a list"),
        ]
        for statement, message in wrong:
            with pytest.raises(ColumnValueError, match=message):
                session.execute(statement)
        with pytest.raises(ColumnValueError, match="several sets of parameters"):
            session.execute(insert(Paper).values(file=new("x")), [{"title": "1"}, {"title": "2"}])
        with pytest.raises(ConfigurationError, match="no storage is registered"):
            session.execute(insert(Draft).values(id=1, file=FileObject(filename="a", backend="nowhere", content=b"")))
        session.rollback()

    await db.run(work)
    assert stored(docs) == [b"a", b"b", b"c"]


async def test_a_new_primary_key(db: Database, docs) -> None:
    """A row that a bulk statement gives another key keeps its file, whatever happened to it before."""

    def work(session: Session) -> None:
        session.get_one(Paper, 1).file = new("A")
        session.flush()
        session.execute(update(Paper).where(Paper.id == 1).values(id=9))
        session.commit()
        assert held(session) == {2: "b", 3: "c", 9: "A"}

    await db.run(work)
    assert stored(docs) == [b"A", b"b", b"c"]


async def test_pending_changes_are_flushed_first(db: Database, docs) -> None:
    """The rows are selected as the statement will find them."""

    def work(session: Session) -> None:
        session.add(paper(4, "d"))
        session.get_one(Paper, 1).title = "z"
        session.execute(delete(Paper).where(Paper.title.in_(["d", "z"])))
        session.commit()

    await db.run(work)
    assert stored(docs) == [b"b", b"c"]


async def test_core_statements_stay_refused(db: Database, docs) -> None:
    """Below the ORM nothing is uploaded, so what was never stored does not get through."""

    def work(session: Session) -> None:
        with pytest.raises(PendingFileError):
            session.execute(update(Paper.__table__).values(file_json=new("x")))
        session.rollback()
        session.execute(text("DELETE FROM paper WHERE id = 1"))
        session.commit()

    await db.run(work)
    assert stored(docs) == [b"a", b"b", b"c"]  # raw SQL is found by triggers or the sweep


class Staff(Base):
    """The root of a joined hierarchy, of which one class shares its table with another."""

    __tablename__ = "staff"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    badge: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "staff"}  # noqa: RUF012


class Guest(Staff):
    """In its parent's table."""

    photo: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))
    __mapper_args__ = {"polymorphic_identity": "guest"}  # noqa: RUF012


class Boss(Staff):
    """In a table of its own."""

    __tablename__ = "boss"
    id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    desk: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))
    __mapper_args__ = {"polymorphic_identity": "boss"}  # noqa: RUF012


async def test_inheritance(db: Database, docs) -> None:
    """Rows of classes in other tables, and columns of other classes in the same table, are found."""

    def work(session: Session) -> None:
        session.execute(delete(Paper))
        boss = Boss(id=1, badge=new("badge"), desk=new("desk"))
        guest = Guest(id=2, photo=new("photo"))
        session.add_all([boss, guest, Staff(id=3, badge=new("other"))])
        session.commit()
        session.execute(update(Boss), [{"id": 1, "desk": new("DESK")}])
        session.commit()
        assert boss.desk.get_content() == b"DESK"
        session.execute(update(Boss).where(Boss.id == 1).values(desk=new("table")))
        session.execute(update(Staff).where(Staff.id == 2).values({Guest.photo: boss.badge}))
        session.commit()
        assert guest.photo.path != boss.badge.path
        assert guest.photo.get_content() == boss.badge.get_content() == b"badge"
        if session.get_bind().dialect.name in {"sqlite", "postgresql"}:
            name = session.get_bind().dialect.name
            statement: Any = (
                (postgresql if name == "postgresql" else sqlite).insert(Boss).values(id=1, desk=new("Desk"))
            )
            change = {"desk": statement.excluded.desk}
            session.execute(statement.on_conflict_do_update(index_elements=["id"], set_=change))
            session.commit()
            assert session.get_one(Staff, 3).badge.get_content() == b"other"
        else:
            session.execute(update(Boss).values(desk=new("Desk")))
            session.commit()
        session.execute(delete(Boss))
        session.execute(delete(Staff))
        session.commit()

    await db.run(work)
    assert stored(docs) == []


async def test_a_copy_belongs_to_its_row(db: Database, docs) -> None:
    """What a bulk statement gave to a row is copied when another row gets it."""

    def work(session: Session) -> None:
        one, three = session.get_one(Paper, 1), session.get_one(Paper, 3)
        session.execute(update(Paper).where(Paper.id == 3).values(file=one.file))
        session.add(Paper(id=5, file=three.file))
        mine = new("mine").save()
        for number in (1, 2):
            session.execute(update(Paper).where(Paper.id == number).values(file=mine))
        session.commit()
        session.delete(three)
        session.delete(one)
        session.commit()
        assert held(session) == {2: "mine", 5: "a"}

    await db.run(work)
    assert stored(docs) == [b"a", b"mine"]


async def test_a_row_that_is_not_found_again(db: Database, docs) -> None:
    """An index that the models do not know decides about a conflict: the table is searched before anything goes."""

    def work(session: Session) -> None:
        name = session.get_bind().dialect.name
        if name in {"mysql", "mariadb"}:
            return  # has no index on expressions
        session.execute(text("CREATE UNIQUE INDEX lower_title ON paper (lower(title))"))
        session.commit()
        statement: Any = (postgresql if name == "postgresql" else sqlite).insert(Paper)
        statement = statement.values(title="A", file=new("X"))
        elements = {"index_elements": [text("lower(title)")]}
        change = {"file_json": statement.excluded.file_json}
        session.execute(statement.on_conflict_do_update(**elements, set_=change))
        session.commit()
        assert held(session) == {1: "X", 2: "b", 3: "c"}
        again = statement.values(title="B", file=new("never")).on_conflict_do_nothing()
        session.execute(again)
        session.commit()
        assert held(session) == {1: "X", 2: "b", 3: "c"}

    await db.run(work)
    assert b"never" not in stored(docs)


async def test_parameters_that_change_the_key(db: Database, docs) -> None:
    """A primary key in the parameters of an UPDATE is seen."""

    def work(session: Session) -> None:
        with pytest.raises(ColumnValueError, match="primary key and files"):
            session.execute(update(Paper).where(Paper.title == "a"), {"id": 9, "file": new("A")})
        session.rollback()
        assert held(session) == {1: "a", 2: "b", 3: "c"}

    await db.run(work)
    assert stored(docs) == [b"a", b"b", b"c"]


async def test_a_failed_statement_leaves_its_files_to_their_rows(tmp_path: Any, docs) -> None:
    """SQLite keeps the rows before the one that failed: their files are not free for others."""
    db = await Database(f"sqlite:///{tmp_path}/failed.db", is_async=False).create(Base)

    def work(session: Session) -> None:
        first = new("x")
        session.add(paper(1, "a"))
        session.commit()
        with pytest.raises(IntegrityError):
            session.execute(insert(Paper), [{"id": 8, "file": first}, {"id": 1, "file": new("y")}])
        session.add(Paper(id=20, file=first))
        session.commit()
        found = session.scalars(select(Paper)).all()
        assert len({row.file.path for row in found}) == len(found)
        for row in found:
            assert row.file.exists()

    await db.run(work)
    await db.dispose()


async def test_one_file_in_two_columns_is_refused(db: Database, docs) -> None:
    """A column may be copied to another only if it is set itself, and only once."""

    def work(session: Session) -> None:
        for values in ({"scan": Paper.file}, {"scan": Paper.file, "file": Paper.file}):
            with pytest.raises(ColumnValueError, match="two columns"):
                session.execute(update(Paper).values(**values))
        session.execute(update(Paper).values(scan=Paper.file, file=Paper.scan))  # a swap
        session.rollback()

    await db.run(work)
    assert stored(docs) == [b"a", b"b", b"c"]


async def test_upserts_of_several_rows_name_one_file(tmp_path: Any, docs) -> None:
    """One file in the SET cannot go to several rows, nor can that of another row by SQL."""
    db = await Database(f"sqlite:///{tmp_path}/set.db", is_async=False).create(Base)
    other = aliased(Paper)

    def work(session: Session) -> None:
        statement = sqlite.insert(Paper).values([{"id": 1}, {"id": 2}])
        with pytest.raises(ColumnValueError, match="cannot go to 2 rows"):
            session.execute(statement.on_conflict_do_update(index_elements=["id"], set_={"file_json": new("F")}))
        query = select(other.file).where(other.id == 2).scalar_subquery()
        with pytest.raises(ColumnValueError, match="files of other rows"):
            session.execute(statement.on_conflict_do_update(index_elements=["id"], set_={"file_json": query}))
        session.rollback()

    await db.run(work)
    await db.dispose()
    assert stored(docs) == []


async def test_statements_inside_a_flush(db: Database, docs) -> None:
    """A listener of a flush may execute them."""

    def work(session: Session) -> None:
        def listener(*_: Any) -> None:
            session.execute(update(Paper).where(Paper.id == 3).values(file=new("C")))

        event.listen(session, "before_flush", listener, once=True)
        session.get_one(Paper, 1).file = new("A")
        session.commit()
        assert held(session) == {1: "A", 2: "b", 3: "C"}

    await db.run(work)
    assert stored(docs) == [b"A", b"C", b"b"]


async def test_rows_selected_from_a_statement(db: Database, docs) -> None:
    """``select(…).from_statement(update(…).returning(…))``."""

    def work(session: Session) -> None:
        if session.get_bind().dialect.name in {"mysql", "mariadb"}:
            return
        statement = update(Paper).where(Paper.id == 1).values(file=new("A")).returning(Paper)
        options = {"populate_existing": True}
        changed = session.scalars(select(Paper).from_statement(statement), execution_options=options).one()
        assert changed.file.get_content() == b"A"
        gone = delete(Paper).where(Paper.id == 2).returning(Paper)
        assert session.scalars(select(Paper).from_statement(gone)).one().title == "b"
        session.commit()

    await db.run(work)
    assert len(stored(docs)) in {2, 3}


async def test_an_update_by_key_with_a_condition(db: Database, docs) -> None:
    """Rows that the condition leaves out keep their files."""

    def work(session: Session) -> None:
        statement = update(Paper).where(Paper.title != "b")
        rows = [{"id": 1, "file": new("A")}, {"id": 2, "file": new("B")}, {"id": 99, "file": new("Z")}]
        session.connection()
        session.execute(statement, rows, execution_options={"synchronize_session": None})
        session.commit()
        assert held(session) == {1: "A", 2: "b", 3: "c"}

    await db.run(work)
    assert stored(docs) == [b"A", b"b", b"c"]


async def test_many_rows_at_once(db: Database, docs) -> None:
    """Thousands of rows lose their files in a few statements; giving files to as many is refused."""

    def work(session: Session) -> None:
        session.execute(insert(Paper), [{"kind": "many"} for _ in range(2000)])
        session.commit()
        sent: list[str] = []
        event.listen(session.get_bind(), "before_cursor_execute", lambda *args: sent.append(args[2]))
        session.execute(update(Paper).ordered_values((Paper.scan, Paper.file), (Paper.file, None)))
        assert len(sent) < 20
        with pytest.raises(ColumnValueError, match="500 rows at most"):
            session.execute(update(Paper).values(file=new("x")))
        session.execute(delete(Paper).where(Paper.kind == "many"))
        session.commit()
        assert held(session) == {1: None, 2: None, 3: None}

    await db.run(work)
    assert stored(docs) == [b"a", b"b", b"c"]


async def test_conditions_that_change_rows_are_refused(postgres: Any, docs) -> None:
    """A DELETE in the WITH of a condition would be executed twice."""
    db = await Database(postgres.url("psycopg"), is_async=False).create(Base)

    def work(session: Session) -> None:
        gone = delete(Draft).returning(Draft.id).cte("gone")
        with pytest.raises(ColumnValueError, match="itself changes rows"):
            session.execute(delete(Paper).where(Paper.id.in_(select(gone.c.id))))

    await db.run(work)
    await db.dispose()


async def test_a_condition_that_others_rows_fulfil_afterwards(db: Database, docs) -> None:
    """What is deleted is told by the keys, not by asking the condition again."""

    def work(session: Session) -> None:
        if session.get_bind().dialect.name in {"mysql", "mariadb"}:
            return  # cannot read the table that it deletes from
        session.execute(delete(Paper).where(Paper.id == select(func.max(Paper.id)).scalar_subquery()))
        session.delete(session.get_one(Paper, 2))
        session.commit()
        assert held(session) == {1: "a"}

    await db.run(work)
    assert len(stored(docs)) in {1, 3}
