"""A column of several files: each edit in place is seen, and each file follows its fate."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from holdfast import storages
from tests.orm.conftest import Database, stored
from tests.orm.documents import Base, Document, file

pytestmark = pytest.mark.usefixtures("docs", "archive")

EDITS = {
    "append": (lambda pages: pages.append(file(b"new")), b"0 1 2 new"),
    "extend": (lambda pages: pages.extend([file(b"new"), file(b"newer")]), b"0 1 2 new newer"),
    "+=": (lambda pages: pages.__iadd__([file(b"new")]), b"0 1 2 new"),
    "insert": (lambda pages: pages.insert(1, file(b"new")), b"0 new 1 2"),
    "[i] =": (lambda pages: pages.__setitem__(1, file(b"new")), b"0 new 2"),
    "[:] =": (lambda pages: pages.__setitem__(slice(0, 2), [file(b"new")]), b"new 2"),
    "[::2] =": (lambda pages: pages.__setitem__(slice(None, None, 2), [file(b"a"), file(b"b")]), b"a 1 b"),
    "del [i]": (lambda pages: pages.__delitem__(0), b"1 2"),
    "del [:]": (lambda pages: pages.__delitem__(slice(1, None)), b"0"),
    "pop": (lambda pages: pages.pop(), b"0 1"),
    "pop first": (lambda pages: pages.pop(0), b"1 2"),
    "remove": (lambda pages: pages.remove(pages[1]), b"0 2"),
    "clear": (lambda pages: pages.clear(), b""),
    "reverse": (lambda pages: pages.reverse(), b"2 1 0"),
    "sort": (lambda pages: pages.sort(key=lambda page: -int(page.filename)), b"2 1 0"),
    "swap": (lambda pages: pages.__setitem__(slice(0, 2), [pages[1], pages[0]]), b"1 0 2"),
    "*=": (lambda pages: pages.__imul__(0), b""),
}


@pytest.fixture
async def db(database: Database) -> Database:
    """A database with a document of three pages."""
    await database.create(Base)

    def work(session: Session) -> None:
        session.add(Document(id=1, pages=[file(b"%d" % number, filename=str(number)) for number in range(3)]))
        session.commit()

    await database.run(work)
    return database


async def pages_of(db: Database) -> bytes:
    """Return what a new session reads, joined."""
    return await db.run(lambda session: b" ".join(page.get_content() for page in session.get(Document, 1).pages))


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("end", ["commit", "rollback", "savepoint"])
async def test_b47_edits_in_place(db: Database, docs, edit: str, end: str) -> None:
    """The row holds the edited list, and the storage holds its files and no others; or all is as before."""
    change, expected = EDITS[edit]

    def work(session: Session) -> None:
        row = session.get(Document, 1)
        if end == "savepoint":
            with session.begin_nested() as savepoint:
                change(row.pages)
                session.flush()
                savepoint.rollback()
            session.commit()
            return
        change(row.pages)
        session.flush()
        getattr(session, end)()

    await db.run(work)
    assert await pages_of(db) == (expected if end == "commit" else b"0 1 2")
    assert stored(docs) == sorted((await pages_of(db)).split())


async def test_b47_edits_after_a_flush_and_after_a_commit(db: Database, docs) -> None:
    """The list stays tracked in its session, also where nothing is expired."""

    def work(session: Session) -> None:
        row = session.get(Document, 1)
        for number in range(3, 6):
            row.pages.append(file(b"%d" % number))
            session.flush()
            row.pages.pop(0)
            session.commit()

    await db.run(work, expire_on_commit=False)
    assert await pages_of(db) == b"3 4 5"
    assert stored(docs) == [b"3", b"4", b"5"]


@pytest.mark.parametrize("how", ["a list", "a tuple", "a generator's list", "its own slice", "its own sum"])
async def test_assigned_lists(db: Database, docs, how: str) -> None:
    """A new list takes the place of the old one; what both hold stays."""

    def work(session: Session) -> None:
        row = session.get(Document, 1)
        row.pages = {
            "a list": [file(b"new")],
            "a tuple": (file(b"new"),),
            "a generator's list": [file(b"new") for _ in range(1)],
            "its own slice": row.pages[1:],
            "its own sum": [*row.pages, file(b"new")],
        }[how]
        row.pages.append(file(b"after"))
        session.commit()

    await db.run(work)
    expected = {"its own slice": b"1 2 after", "its own sum": b"0 1 2 new after"}.get(how, b"new after")
    assert await pages_of(db) == expected
    assert stored(docs) == sorted(expected.split())


async def test_the_callers_list_is_not_the_rows(db: Database, docs) -> None:
    """A plain list that was assigned stays the caller's; the row's own list is the tracked one."""

    def work(session: Session) -> None:
        mine = [file(b"new")]
        row = session.get(Document, 1)
        row.pages = mine
        mine.append(file(b"not in the row"))
        session.commit()

    await db.run(work)
    assert await pages_of(db) == b"new"


async def test_metadata_of_a_page(db: Database) -> None:
    """A change inside one page's metadata is a change of the row."""

    def work(session: Session) -> None:
        row = session.get(Document, 1)
        row.pages[1].metadata["a"] = {"b": 1}
        session.commit()
        row.pages[1].metadata["a"]["b"] = 2
        session.commit()

    await db.run(work)
    assert await db.run(lambda session: session.get(Document, 1).pages[1].metadata) == {"a": {"b": 2}}


async def test_a_page_that_left_its_list(db: Database) -> None:
    """It does not mark a row that no longer holds it."""

    def work(session: Session) -> None:
        row = session.get(Document, 1)
        page = row.pages.pop()
        session.commit()
        page.update_metadata({"a": 1})
        assert not session.dirty

    await db.run(work, expire_on_commit=False)


async def test_one_file_twice(db: Database, docs) -> None:
    """The same content twice in one list gets two objects: one key, one owner."""

    def work(session: Session) -> None:
        row = session.get(Document, 1)
        twice = file(b"x")
        row.pages = [twice, twice]
        session.commit()
        assert len({page.path for page in row.pages}) == 2
        del row.pages[0]
        session.commit()

    await db.run(work)
    assert await pages_of(db) == b"x"


async def test_a_pickled_row(db: Database, docs) -> None:
    """A row that came back from a pickle is tracked again once it is merged or added."""

    def load(session: Session) -> bytes:
        row = session.get(Document, 1)
        assert len(row.pages) == 3
        return pickle.dumps(row)

    def work(session: Session) -> None:
        row = pickle.loads(data)
        session.add(row)
        row.pages.append(file(b"new"))
        row.pages[0].update_metadata({"a": 1})
        session.commit()
        assert row.pages[0].metadata == {"a": 1}

    data = await db.run(load)
    await db.run(work)
    assert await pages_of(db) == b"0 1 2 new"


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("append")),
        st.tuples(st.just("pop"), st.integers(-3, 3)),
        st.tuples(st.just("set"), st.integers(-3, 3)),
        st.tuples(st.just("insert"), st.integers(-3, 3)),
        st.tuples(st.just("reverse")),
        st.tuples(st.just("move"), st.integers(0, 3), st.integers(0, 3)),
        st.tuples(st.sampled_from(["flush", "commit"])),
    ),
    max_size=12,
)


@given(operations=OPERATIONS)
def test_any_edits(operations) -> None:
    """Whatever is done to a list between flushes, the row and the storage end as a plain list says."""
    storage = storages.register_backend("memory://", key="docs")
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    plain: list[bytes] = []
    with Session(engine) as session:
        row = Document(id=1, pages=[])
        session.add(row)
        for number, (name, *indexes) in enumerate(operations):
            content = b"%d" % number
            before = list(plain)
            for pages, new in ((plain, content), (row.pages, file(content))):
                try:
                    if name in {"append", "reverse"}:
                        pages.append(new) if name == "append" else pages.reverse()
                    elif name == "pop":
                        pages.pop(*indexes)
                    elif name == "set":
                        pages[indexes[0]] = new
                    elif name == "insert":
                        pages.insert(indexes[0], new)
                    elif name == "move":
                        pages.insert(indexes[1], pages.pop(indexes[0]))
                except IndexError:
                    assert plain == before or name == "move"
            if name in {"flush", "commit"}:
                getattr(session, name)()
        session.commit()
        assert [page.get_content() for page in row.pages] == plain
    engine.dispose()
    assert stored(storage) == sorted(plain)
