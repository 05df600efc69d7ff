"""A storage that fails at each of its calls, before and after the effect."""

import logging

import pytest
from sqlalchemy.orm import Session

from holdfast import FileObject
from holdfast.errors import NotFoundError, StorageError
from holdfast.testing.faults import Fault
from tests.faults.world import Document, World, content

MOMENTS = pytest.mark.parametrize("when", ["before", "after"])


@pytest.fixture
def stored(world: World) -> World:
    """A world with one committed document of three files."""

    def story(session: Session) -> None:
        session.add(Document(id=1, title="one", file=content("a"), pages=[content("p1"), content("p2")]))
        session.commit()

    world.tell(story)
    return world


@MOMENTS
@pytest.mark.parametrize("skip", [0, 1, 2])
def test_a_failing_upload_commits_nothing_and_leaves_the_session_usable(stored: World, when: str, skip: int) -> None:
    """Whichever of three uploads fails, nothing of the transaction stays, and the next one works."""
    before = stored.keys()

    def story(session: Session) -> None:
        stored.driver.fail(Fault("put", when, skip=skip))
        session.add(Document(id=2, file=content("x"), pages=[content("y"), content("z")]))
        with pytest.raises(StorageError, match="put of"):
            session.commit()
        session.rollback()
        assert stored.keys() == before
        session.add(Document(id=3, file=content("later")))
        session.commit()

    stored.tell(story)
    assert stored.keys() == stored.referenced()
    assert len(stored.keys()) == len(before) + 1


@MOMENTS
def test_a_commit_can_be_tried_again_after_a_failing_upload(stored: World, when: str) -> None:
    """A flush that failed before it sent SQL rolls nothing back: the next commit uploads what is missing."""

    def story(session: Session) -> None:
        stored.driver.fail(Fault("put", when, skip=1))
        session.add(Document(id=2, file=content("x"), pages=[content("y"), content("z")]))
        with pytest.raises(StorageError):
            session.commit()
        session.commit()

    stored.tell(story)
    assert stored.keys() == stored.referenced()
    assert len(stored.keys()) == 6


@MOMENTS
def test_a_failing_delete_after_commit_loses_nothing_and_is_logged(
    stored: World, when: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The commit stands, no error reaches the caller, and what may be left over is named at ERROR."""
    old = stored.keys()

    def story(session: Session) -> None:
        document = session.get_one(Document, 1)
        document.file = content("new")
        stored.driver.fail(Fault("delete", when))
        session.commit()

    with caplog.at_level(logging.ERROR, logger="holdfast"):
        stored.tell(story)
    leftovers = stored.keys() - stored.referenced()
    assert len(leftovers) == (1 if when == "before" else 0)
    assert leftovers <= old
    (record,) = caplog.records
    assert "could not be deleted" in record.getMessage()
    assert all(key in record.getMessage() for key in leftovers)


def test_a_failing_delete_after_rollback_leaves_only_unreferenced_objects(stored: World) -> None:
    """The new object stays for the sweep; the committed ones are untouched."""
    before = stored.keys()

    def story(session: Session) -> None:
        session.get_one(Document, 1).file = content("new")
        session.flush()
        stored.driver.fail(Fault("delete"))
        session.rollback()

    stored.tell(story)
    assert before == stored.referenced()
    assert len(stored.keys() - before) == 1


@MOMENTS
def test_a_failing_copy_commits_nothing(stored: World, when: str) -> None:
    """A file given to a second row is copied; where that fails, the flush raises and the copy is gone."""
    before = stored.keys()

    def story(session: Session) -> None:
        stored.driver.fail(Fault("copy", when))
        session.add(Document(id=2, file=session.get_one(Document, 1).file))
        with pytest.raises(StorageError, match="copy of"):
            session.commit()
        session.rollback()

    stored.tell(story)
    assert stored.keys() == before == stored.referenced()


def test_a_reference_to_a_missing_object_is_refused(stored: World) -> None:
    """An existing object of which nothing is known is looked up when it is flushed."""

    def story(session: Session) -> None:
        session.add(Document(id=2, file=FileObject(backend="faulty", filename="no/such.pdf")))
        with pytest.raises(NotFoundError, match=r"no/such\.pdf"):
            session.commit()

    stored.tell(story)
    assert stored.keys() == stored.referenced()


@MOMENTS
def test_an_object_that_was_there_before_survives_a_refused_upload(stored: World, when: str) -> None:
    """A key that the caller names may be taken: the flush refuses it, and the rollback does not touch what is there."""
    stored.storage.put("named.txt", b"somebody else's")

    def story(session: Session) -> None:
        session.add(Document(id=2, file=FileObject(filename="n", to_filename="named.txt", content=b"mine")))
        with pytest.raises(FileExistsError, match=r"named\.txt"):
            session.commit()
        session.rollback()
        stored.driver.fail(Fault("put", when))
        session.add(Document(id=3, file=FileObject(filename="n", to_filename="free.txt", content=b"mine")))
        with pytest.raises(StorageError):
            session.commit()
        session.rollback()

    stored.tell(story)
    assert stored.storage.read("named.txt") == b"somebody else's"


def test_an_object_written_under_a_named_key_goes_with_its_transaction(stored: World) -> None:
    """What this transaction wrote itself is deleted when it rolls back, whoever chose the key."""

    def story(session: Session) -> None:
        session.add(Document(id=2, file=FileObject(filename="n", to_filename="free.txt", content=b"mine")))
        session.flush()
        assert stored.storage.exists("free.txt")
        session.rollback()

    stored.tell(story)
    assert stored.keys() == stored.referenced()


def test_a_failing_look_up_is_no_proof_of_absence(stored: World) -> None:
    """A storage that does not answer makes the flush raise, and the object stays."""
    stored.storage.put("by/hand.txt", b"hand")

    def story(session: Session) -> None:
        stored.driver.fail(Fault("stat", error=TimeoutError("no answer")))
        session.add(Document(id=2, file=FileObject(backend="faulty", filename="by/hand.txt")))
        with pytest.raises(OSError, match="no answer"):
            session.commit()
        session.rollback()
        session.add(Document(id=2, file=FileObject(backend="faulty", filename="by/hand.txt")))
        session.commit()

    stored.tell(story)
    assert stored.keys() == stored.referenced()
