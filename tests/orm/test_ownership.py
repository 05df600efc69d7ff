"""One key, one owner: a stored file given to another row is copied, unless it moves there."""

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session, make_transient

from holdfast import FileObject
from tests.orm.conftest import Database, stored
from tests.orm.documents import Base, Document, file

pytestmark = pytest.mark.usefixtures("docs", "archive", "quiet")


@pytest.fixture
async def db(database: Database) -> Database:
    """A database with two documents, of the files `1` and `2`."""
    await database.create(Base)

    def work(session: Session) -> None:
        session.add_all([Document(id=1, file=file(b"1", metadata={"n": 1})), Document(id=2, file=file(b"2"))])
        session.commit()

    await database.run(work)
    return database


def both(session: Session) -> list[Document]:
    """Return the rows by their ids."""
    return list(session.scalars(select(Document).order_by(Document.id)))


async def files_of(db: Database) -> list[bytes | None]:
    """Return what each row reads, in a new session; and check that no two rows share a key."""

    def work(session: Session) -> list[bytes | None]:
        files = [value for row in both(session) for value in (row.file, row.late, *(row.pages or ())) if value]
        assert len({value.path for value in files}) == len(files)
        return [row.file and row.file.get_content() for row in both(session)]

    return await db.run(work)


async def test_a_value_given_to_another_row_is_copied(db: Database, docs) -> None:
    """Deleting one of the two leaves the other whole; name, type and metadata are copied too."""

    def work(session: Session) -> None:
        one, two = both(session)
        two.file = one.file
        session.commit()
        assert (two.file.metadata, two.file.checksum) == ({"n": 1}, one.file.checksum)
        assert two.file != one.file

    await db.run(work)
    assert await files_of(db) == [b"1", b"1"]

    def delete(session: Session) -> None:
        session.delete(both(session)[0])
        session.commit()

    await db.run(delete)
    assert await files_of(db) == [b"1"]
    assert stored(docs) == [b"1"]


@pytest.mark.parametrize("end", ["commit", "rollback", "savepoint"])
async def test_a_swap(db: Database, docs, end: str) -> None:
    """Two rows exchange their files without any copy, and a rollback exchanges nothing."""
    made: list[str] = []

    def work(session: Session) -> None:
        savepoint = session.begin_nested() if end == "savepoint" else None
        one, two = both(session)
        paths = [one.file.path, two.file.path]
        one.file, two.file = two.file, one.file
        session.flush()
        assert [two.file.path, one.file.path] == paths
        made.extend(paths)
        getattr(savepoint or session, "rollback" if end != "commit" else "commit")()
        session.commit()

    await db.run(work)
    assert await files_of(db) == ([b"2", b"1"] if end == "commit" else [b"1", b"2"])
    assert stored(docs) == [b"1", b"2"]


MOVES = {
    "then None": lambda session, one, two: (setattr(two, "file", one.file), setattr(one, "file", None)),
    "then deleted": lambda session, one, two: (setattr(two, "file", one.file), session.delete(one)),
    "then replaced": lambda session, one, two: (setattr(two, "file", one.file), setattr(one, "file", file(b"new"))),
    "None first, and flushed": lambda session, one, two: (
        taken := one.file,
        setattr(one, "file", None),
        session.flush(),
        setattr(two, "file", taken),
    ),
}


@pytest.mark.parametrize("end", ["commit", "rollback"])
@pytest.mark.parametrize("move", MOVES)
async def test_a_move(db: Database, docs, move: str, end: str) -> None:
    """A file whose row lets go of it in the same transaction moves: its key stays."""
    before = await db.run(lambda session: both(session)[0].file.path)

    def work(session: Session) -> None:
        MOVES[move](session, *both(session))
        session.flush()
        getattr(session, end)()

    await db.run(work)
    found = await files_of(db)
    if end == "rollback":
        assert found == [b"1", b"2"]
    else:
        assert found[-1] == b"1"
        assert await db.run(lambda session: both(session)[-1].file.path) == before
    assert stored(docs) == sorted(content for content in found if content)


@pytest.mark.parametrize("stored_first", [True, False])
async def test_one_file_for_several_rows(db: Database, docs, stored_first: bool) -> None:
    """The same content added to many rows at once gets a key for each."""

    def work(session: Session) -> None:
        shared = file(b"shared", backend="docs")
        if stored_first:
            shared.save()
        session.add_all([Document(file=shared) for _ in range(3)])
        session.commit()

    await db.run(work)
    assert (await files_of(db))[2:] == [b"shared"] * 3
    assert stored(docs).count(b"shared") == 3


async def test_two_columns_of_one_row(db: Database, docs) -> None:
    """They are two owners as well."""

    def work(session: Session) -> None:
        one = both(session)[0]
        one.late = one.file
        one.pages = [one.file]
        session.commit()
        one.file = None
        session.commit()
        assert (one.late.get_content(), one.pages[0].get_content()) == (b"1", b"1")

    await db.run(work)
    assert await files_of(db) == [None, b"2"]


async def test_into_a_list_and_out_of_it(db: Database, docs) -> None:
    """A file moves from a column of one into a list, and back."""

    def work(session: Session) -> None:
        one, two = both(session)
        path = one.file.path
        two.pages = [one.file]
        one.file = None
        session.commit()
        assert two.pages[0].path == path
        one.file = two.pages.pop()
        session.commit()
        assert one.file.path == path

    await db.run(work)
    assert await files_of(db) == [b"1", b"2"]


async def test_a_duplicated_row(db: Database, docs) -> None:
    """make_transient, the usual way to copy a row, copies the file as well."""

    def work(session: Session) -> None:
        one = both(session)[0]
        assert one.file.size == 1
        session.expunge(one)
        make_transient(one)
        one.id = 3
        session.add(one)
        session.commit()

    await db.run(work)
    assert await files_of(db) == [b"1", b"2", b"1"]


async def test_a_row_from_another_session(db: Database, docs) -> None:
    """A value that another session loaded is another row's."""
    loaded = await db.run(lambda session: both(session)[0].file)

    def work(session: Session) -> None:
        both(session)[1].file = loaded
        session.commit()

    await db.run(work)
    assert await files_of(db) == [b"1", b"1"]


async def test_the_same_value_again(db: Database, docs) -> None:
    """Setting what is there already, or an equal value, neither copies nor deletes."""

    def work(session: Session) -> None:
        one = both(session)[0]
        one.file = FileObject.from_row(one.file.to_dict())
        session.commit()
        one.file = one.file
        session.commit()

    await db.run(work)
    assert stored(docs) == [b"1", b"2"]


async def test_a_delete_and_an_insert_of_one_primary_key(db: Database, docs) -> None:
    """SQLAlchemy turns them into an UPDATE; the old file goes, the new one stays."""

    def work(session: Session) -> None:
        one = both(session)[0]
        session.delete(one)
        session.add(Document(id=1, file=file(b"new")))
        session.commit()

    await db.run(work)
    assert await files_of(db) == [b"new", b"2"]
    assert stored(docs) == [b"2", b"new"]


async def test_a_failing_statement(db: Database, docs) -> None:
    """A flush whose INSERT fails leaves neither the row nor its file."""

    def work(session: Session) -> None:
        def fail(mapper, connection, target) -> None:
            raise ZeroDivisionError

        event.listen(Document, "after_insert", fail)
        try:
            session.add(Document(id=9, file=file(b"new")))
            with pytest.raises(ZeroDivisionError):
                session.flush()
        finally:
            event.remove(Document, "after_insert", fail)
        session.rollback()

    await db.run(work)
    assert await files_of(db) == [b"1", b"2"]
    assert stored(docs) == [b"1", b"2"]
