"""Two sessions that change the files of the same row at once, in the orders that could lose one."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from holdfast import FileObject
from holdfast.errors import AlreadyExistsError
from tests.faults.duel import Duel, Story
from tests.faults.world import content

DATABASES = {
    "sqlite": ("sqlite", "pysqlite", False, None),
    "sqlite-async": ("sqlite", "aiosqlite", True, None),
    "postgres": ("postgres", "psycopg", False, "READ COMMITTED"),
    "postgres-async": ("postgres", "asyncpg", True, "READ COMMITTED"),
    "postgres-snapshot": ("postgres", "psycopg", False, "REPEATABLE READ"),
    "mariadb": ("mariadb", "pymysql", False, "READ COMMITTED"),
    "mariadb-async": ("mariadb", "asyncmy", True, "READ COMMITTED"),
    "mariadb-snapshot": ("mariadb", "pymysql", False, "REPEATABLE READ"),
}
MARKS = {"sqlite": [], "postgres": [pytest.mark.postgres], "mariadb": [pytest.mark.mariadb]}
WAITS = {"postgres", "postgres-async", "mariadb", "mariadb-async", "mariadb-snapshot"}
"""Where the second session waits for the first one's row lock and goes on with what it finds then."""

BOXED = {"sqlite-async", "postgres", "mariadb-snapshot"}
"""Where the tables have an outbox."""


@pytest.fixture(params=[pytest.param(name, marks=MARKS[name.partition("-")[0]]) for name in DATABASES])
def database(request: pytest.FixtureRequest) -> str:
    """Each database, in each world, at the isolation levels that people use."""
    return request.param


@pytest.fixture
def make_duel(request: pytest.FixtureRequest, database: str, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Open a duel over an empty database."""
    server, driver, is_async, level = DATABASES[database]
    if server == "sqlite":
        url = f"sqlite+{driver}:///{tmp_path}/db.sqlite"
    else:
        url = request.getfixturevalue(server).url(driver)
    options = {"isolation_level": level} if level is not None else {}

    def make(*, versioned: bool = False, outbox: bool = False) -> Any:
        return Duel(url, tmp_path / "files", is_async=is_async, versioned=versioned, outbox=outbox, **options).opened()

    return make


@pytest.fixture
def duel(database: str, make_duel: Callable[..., Any]) -> Iterator[Duel]:
    """A duel over one row with a file and two pages, and one without; on some databases with an outbox."""
    with make_duel(outbox=database in BOXED) as duel:
        fill(duel)
        yield duel


def fill(duel: Duel) -> None:
    """Commit the rows that are fought for."""

    def add(session: Session) -> None:
        session.add(duel.document(id=1, file=content("old"), pages=[content("p1"), content("p2")]))
        session.add(duel.document(id=2))
        session.commit()

    assert duel.fight(add) == [None]


def first(duel: Duel, change: Callable[[Any], None], end: Callable[[Session], None] = Session.commit) -> Story:
    """Return the story of a session that holds the row until the second one comes for it."""

    def story(session: Session) -> None:
        document = session.get_one(duel.document, 1)
        assert document.pages
        duel.meetings.wait("second has loaded")
        change(document)
        session.flush()
        duel.meetings.tell("first has written")
        duel.meetings.wait("second is at the row")
        end(session)

    return story


def second(duel: Duel, change: Callable[[Any], None]) -> Story:
    """Return the story of a session that has loaded the row before the first one changed it."""

    def story(session: Session) -> None:
        document = session.get_one(duel.document, 1)
        assert document.pages
        duel.meetings.tell("second has loaded")
        duel.meetings.wait("first has written")
        duel.tell_before(session, "second is at the row", "SELECT")
        try:
            change(document)
            session.commit()
        finally:
            duel.meetings.tell("second is at the row")

    return story


def replace(name: str) -> Callable[[Any], None]:
    """Return what gives a document another file."""

    def change(document: Any) -> None:
        document.file = content(name)

    return change


def append(name: str) -> Callable[[Any], None]:
    """Return what adds a page."""
    return lambda document: document.pages.append(content(name))


def delete(document: Any) -> None:
    """Delete a document."""
    Session.object_session(document).delete(document)


def is_second_late(database: str, failure: BaseException | None, kind: type[BaseException] = DBAPIError) -> bool:
    """Return whether the second session came too late; it does where it cannot wait for a row lock."""
    if database in WAITS:
        assert failure is None
        return False
    assert isinstance(failure, kind)
    return True


def test_the_later_replacement_wins(database: str, duel: Duel) -> None:
    """It finds the other one's file under the lock, not the one that it had loaded."""
    won, late = duel.fight(first(duel, replace("first")), second(duel, replace("second")))
    assert won is None
    expected = b"first" if is_second_late(database, late) else b"second"
    assert duel.rows() == {1: (expected, [b"p1", b"p2"]), 2: (None, [])}


def test_with_a_version_column_the_earlier_replacement_wins(database: str, make_duel: Callable[..., Any]) -> None:
    """The later one fails, and what it had uploaded is gone."""
    with make_duel(versioned=True) as duel:
        fill(duel)
        won, late = duel.fight(first(duel, replace("first")), second(duel, replace("second")))
        assert won is None
        assert isinstance(late, StaleDataError if database in WAITS else DBAPIError)
        assert duel.rows() == {1: (b"first", [b"p1", b"p2"]), 2: (None, [])}


def test_a_replacement_that_is_rolled_back_takes_nothing_along(duel: Duel) -> None:
    """The second session gets the row as it was before."""
    _, late = duel.fight(first(duel, replace("first"), end=Session.rollback), second(duel, replace("second")))
    # SQLite has no lock to wait for: it depends on the moment.
    assert duel.rows() == {1: (b"second" if late is None else b"old", [b"p1", b"p2"]), 2: (None, [])}


def test_the_later_of_two_lists_wins(database: str, duel: Duel) -> None:
    """A list is one value: the page that the other session appended goes, those that both have stay."""
    won, late = duel.fight(first(duel, append("first")), second(duel, append("second")))
    assert won is None
    expected = b"first" if is_second_late(database, late) else b"second"
    assert duel.rows() == {1: (b"old", [b"p1", b"p2", expected]), 2: (None, [])}


def test_a_list_cannot_keep_a_page_that_was_deleted_meanwhile(duel: Duel) -> None:
    """The later list still names it: there the flush fails, or the page is copied while it is there."""

    def remove(document: Any) -> None:
        document.pages.pop(0)

    won, late = duel.fight(first(duel, remove), second(duel, append("second")))
    assert won is None
    pages = [b"p2"] if late is not None else [b"p1", b"p2", b"second"]
    assert duel.rows() == {1: (b"old", pages), 2: (None, [])}


def test_a_row_that_was_deleted_takes_no_file(database: str, duel: Duel) -> None:
    """Neither the old file nor the one for its replacement stays."""
    won, late = duel.fight(first(duel, delete), second(duel, replace("second")))
    assert won is None
    assert isinstance(late, StaleDataError if database in WAITS else DBAPIError)
    assert duel.rows() == {2: (None, [])}


def test_a_row_that_is_deleted_drops_what_it_holds_then(database: str, duel: Duel) -> None:
    """That is the file which the other session gave it, not the one that was loaded."""
    won, late = duel.fight(first(duel, replace("first")), second(duel, delete))
    assert won is None
    expected: dict[int, Any] = {2: (None, [])}
    if is_second_late(database, late):
        expected[1] = (b"first", [b"p1", b"p2"])
    assert duel.rows() == expected


def test_a_file_that_both_move_arrives_once(database: str, duel: Duel) -> None:
    """The second session finds it where it wanted to put it."""

    def move(document: Any) -> None:
        other = Session.object_session(document).get_one(duel.document, 2)
        other.file, document.file = document.file, None

    won, late = duel.fight(first(duel, move), second(duel, move))
    assert won is None
    is_second_late(database, late)
    assert duel.rows() == {1: (None, [b"p1", b"p2"]), 2: (b"old", [])}


def test_a_file_that_is_about_to_be_deleted_is_copied(database: str, duel: Duel) -> None:
    """The first session's clean-up has decided on it already: a row never takes the object itself."""

    def move(document: Any) -> None:
        other = Session.object_session(document).get_one(duel.document, 2)
        other.file, document.file = document.file, None

    def take(session: Session) -> None:
        try:
            second(duel, move)(session)
        finally:
            duel.meetings.tell("delete")

    duel.pause_deletion("-old")
    won, late = duel.fight(first(duel, replace("first")), take)
    assert won is None
    if is_second_late(database, late):
        assert duel.rows() == {1: (b"first", [b"p1", b"p2"]), 2: (None, [])}
    else:
        assert duel.rows() == {1: (None, [b"p1", b"p2"]), 2: (b"old", [])}


def test_a_clean_up_that_is_late_deletes_nothing_new(duel: Duel) -> None:
    """The row is replaced again between the first session's COMMIT and its deletions."""

    def slow(session: Session) -> None:
        session.get_one(duel.document, 1).file = content("first")
        session.commit()

    def quick(session: Session) -> None:
        duel.meetings.wait("deleting")
        try:
            session.get_one(duel.document, 1).file = content("second")
            session.commit()
        finally:
            duel.meetings.tell("delete")

    duel.pause_deletion()
    assert duel.fight(slow, quick) == [None, None]
    assert duel.rows() == {1: (b"second", [b"p1", b"p2"]), 2: (None, [])}


def test_two_drains_at_once_delete_each_file_once(make_duel: Callable[..., Any]) -> None:
    """One that stands still in the middle does not hold up another, and both end well."""
    with make_duel(outbox=True) as duel:
        fill(duel)
        counts: list[int] = []

        def slow(session: Session) -> None:
            counts.append(duel.outbox.drain(session))

        def quick(session: Session) -> None:
            duel.meetings.wait("deleting")
            try:
                counts.append(duel.outbox.drain(session))
            finally:
                duel.meetings.tell("delete")

        duel.drop(3)
        duel.pause_deletion()
        assert duel.fight(slow, quick) == [None, None]
        assert sum(counts) >= 3
        assert duel.rows() == {1: (b"old", [b"p1", b"p2"]), 2: (None, [])}
        assert duel.entries() == []


def test_a_key_that_the_other_session_has_taken_stays_its_own(duel: Duel) -> None:
    """Whoever comes second to a named key fails, and its rollback leaves the object alone."""

    def named(number: int) -> Any:
        return duel.document(id=number, file=FileObject(to_filename="same.txt", filename="n", content=bytes([number])))

    def take(session: Session) -> None:
        session.add(named(3))
        session.flush()
        duel.meetings.tell("taken")
        duel.meetings.wait("refused")
        session.commit()

    def want(session: Session) -> None:
        duel.meetings.wait("taken")
        try:
            session.add(named(4))
            with pytest.raises(AlreadyExistsError):
                session.flush()
            session.rollback()
        finally:
            duel.meetings.tell("refused")

    assert duel.fight(take, want) == [None, None]
    assert duel.rows() == {1: (b"old", [b"p1", b"p2"]), 2: (None, []), 3: (b"\x03", [])}
