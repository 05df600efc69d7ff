"""What a session has in memory is no proof of what its rows hold, or of who owns a file."""

import copy

import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, configure_mappers, mapped_column

from holdfast import FileObject, StoredObject
from holdfast.errors import ConfigurationError, NotFoundError
from tests.faults.world import STORAGE, Document, World, content


@pytest.fixture
def stored(world: World) -> World:
    """A world with two committed documents."""
    with Session(world.engine) as session:
        session.add(Document(id=1, title="one", file=content("a"), pages=[content("p1"), content("p2")]))
        session.add(Document(id=2, title="two", file=content("b")))
        session.commit()
    return world


def elsewhere(world: World, change) -> None:
    """Change rows in another session, and commit."""
    with Session(world.engine) as session:
        change(session)
        session.commit()


def test_a_list_that_was_edited_elsewhere_does_not_bring_a_deleted_file_back(stored: World) -> None:
    """The stale list names an object that is gone: the flush raises, nothing is written."""

    def story(session: Session) -> None:
        document = session.get_one(Document, 1)
        assert len(document.pages) == 2
        session.commit()
        document.pages  # noqa: B018  # loaded again
        session.expire_on_commit = False
        session.commit()
        elsewhere(stored, lambda other: other.get_one(Document, 1).pages.pop(0))
        document.pages.append(content("p3"))
        with pytest.raises(NotFoundError):
            session.commit()
        session.rollback()

    stored.tell(story)
    assert stored.keys() == stored.referenced()


def test_metadata_of_a_file_that_was_replaced_elsewhere_are_not_written(stored: World) -> None:
    """A row never goes back to a file that is gone."""

    def story(session: Session) -> None:
        session.expire_on_commit = False
        document = session.get_one(Document, 1)
        session.commit()
        elsewhere(stored, lambda other: setattr(other.get_one(Document, 1), "file", content("newer")))
        document.file.metadata["note"] = "late"
        with pytest.raises(NotFoundError):
            session.commit()
        session.rollback()

    stored.tell(story)
    assert stored.keys() == stored.referenced()


def test_a_stale_row_that_is_deleted_drops_what_it_holds_now(stored: World) -> None:
    """Not what it held when it was loaded: that belongs to another row meanwhile."""

    def move(other: Session) -> None:
        one, two = other.get_one(Document, 1), other.get_one(Document, 2)
        one.file, two.file = content("x"), one.file

    def story(session: Session) -> None:
        session.expire_on_commit = False
        document = session.get_one(Document, 1)
        session.commit()
        elsewhere(stored, move)
        session.delete(document)
        session.commit()

    stored.tell(story)
    assert stored.keys() == stored.referenced()


def test_a_listener_that_comes_later_may_still_give_files_to_rows(stored: World) -> None:
    """A history row written by a before_flush listener gets the old file; the row that had it, the new one."""

    def keep_history(session: Session, *_: object) -> None:
        for document in list(session.dirty):
            old = session.identity_map.get(Document.__mapper__.identity_key_from_primary_key((1,)))
            if old is document and "history" not in session.info:
                session.info["history"] = True
                history = event_history(document)
                session.add(Document(id=3, title="history", file=history))

    def event_history(document: Document) -> FileObject | None:
        return document._sa_instance_state.attrs.file.history.deleted[0]

    def story(session: Session) -> None:
        event.listen(session, "before_flush", keep_history)
        document = session.get_one(Document, 1)
        assert document.file.filename == "a"
        document.file = content("newer")
        session.commit()

    stored.tell(story)
    assert stored.keys() == stored.referenced()
    with Session(stored.engine) as session:
        assert session.get_one(Document, 3).file.get_content() == b"a"
        session.delete(session.get_one(Document, 3))
        session.commit()
    assert stored.keys() == stored.referenced()


def test_a_move_that_a_later_listener_stops_is_no_move(stored: World) -> None:
    """Changes of a flush that was given up are not noted."""

    def refuse(*_: object) -> None:
        message = "not today"
        raise ValueError(message)

    def story(session: Session) -> None:
        one, two = session.get_one(Document, 1), session.get_one(Document, 2)
        two.file, one.file = one.file, None
        event.listen(session, "before_flush", refuse)
        with pytest.raises(ValueError, match="not today"):
            session.flush()
        event.remove(session, "before_flush", refuse)
        session.refresh(one)
        session.commit()
        session.delete(one)
        session.commit()

    stored.tell(story)
    assert stored.keys() == stored.referenced()


@pytest.mark.parametrize("how", ["fields", "copy"])
def test_a_value_made_from_anothers_fields_gets_a_copy(stored: World, how: str) -> None:
    """What is known of an object came from somewhere: it may have an owner."""

    def story(session: Session) -> None:
        file = session.get_one(Document, 1).file
        same = FileObject(**file.to_dict()) if how == "fields" else copy.copy(file)
        session.add(Document(id=3, file=same))
        session.commit()
        session.delete(session.get_one(Document, 1))
        session.commit()

    stored.tell(story)
    assert stored.keys() == stored.referenced()


def test_an_upload_of_one_session_is_not_anothers(stored: World) -> None:
    """A file that was uploaded for a transaction that failed is copied when another takes it."""

    def story(session: Session) -> None:
        good = content("good")
        session.add_all([Document(id=3, file=good), Document(id=4, file=FileObject(filename="x", content=iter([1])))])
        with pytest.raises(TypeError):
            session.commit()
        elsewhere(stored, lambda other: other.add(Document(id=3, file=good)))

    stored.tell(story)
    assert stored.keys() == stored.referenced()


def test_a_row_that_replaces_a_deleted_one_drops_its_file(stored: World) -> None:
    """DELETE and INSERT of one primary key become an UPDATE; None in it lets go of the old file."""

    def story(session: Session) -> None:
        session.delete(session.get_one(Document, 1))
        session.add(Document(id=1, title="again", file=None, pages=None))
        session.commit()

    stored.tell(story)
    assert stored.keys() == stored.referenced()
    assert len(stored.keys()) == 1


def test_a_queued_delete_follows_the_primary_key(stored: World) -> None:
    """The row still holds the file under its new key, so it stays."""

    def story(session: Session) -> None:
        document = session.get_one(Document, 1)
        document.file.delete()
        document.id = 99
        session.commit()

    stored.tell(story)
    assert stored.keys() == stored.referenced()


def test_a_queued_delete_asks_for_all_columns_of_the_row(stored: World) -> None:
    """The row holds the file in another column than the one that it was deleted from."""

    def story(session: Session) -> None:
        document = session.get_one(Document, 1)
        document.file = document.pages[0]
        document.file.delete()
        session.commit()

    stored.tell(story)
    assert stored.keys() == stored.referenced()


def test_a_queued_delete_makes_no_file_free(stored: World) -> None:
    """Another row that gets the file gets a copy as long as the first one holds it."""

    def story(session: Session) -> None:
        one, two = session.get_one(Document, 1), session.get_one(Document, 2)
        one.file.delete()
        two.file = one.file
        session.commit()
        session.delete(one)
        session.commit()

    stored.tell(story)
    assert stored.keys() == stored.referenced()


def test_an_autocommit_engine_loses_nothing(stored: World) -> None:
    """Its rows are durable although the session rolled back."""
    engine = create_engine(stored.engine.url, isolation_level="AUTOCOMMIT")
    with Session(engine) as session:
        session.add_all([Document(id=3, title="three", file=content("c")), Document(id=4, title="one")])
        with pytest.raises(Exception, match="UNIQUE"):
            session.commit()
        session.rollback()
    engine.dispose()
    assert stored.referenced() <= stored.keys()


def test_a_discarded_name_that_is_taken_again_stays(stored: World) -> None:
    """An object of a rolled back savepoint is no garbage if a row holds it by the end."""

    def story(session: Session) -> None:
        nested = session.begin_nested()
        session.add(Document(id=3, file=FileObject(filename="r", to_filename="r.pdf", content=b"r")))
        session.flush()
        nested.rollback()
        session.add(Document(id=4, file=FileObject(filename="r.pdf")))
        session.commit()

    stored.tell(story)
    assert stored.keys() == stored.referenced()


def test_a_deleted_file_is_refused(stored: World) -> None:
    """A file whose object was deleted is looked up before a row gets it."""

    def story(session: Session) -> None:
        file = FileObject(backend=STORAGE, filename="x", content=b"x").save()
        file.delete()
        session.add(Document(id=3, file=file))
        with pytest.raises(NotFoundError):
            session.commit()
        session.rollback()

    stored.tell(story)
    assert stored.keys() == stored.referenced()


def test_a_file_as_a_default_is_refused() -> None:
    """All rows would share it."""

    class Base(DeclarativeBase):
        pass

    class Avatar(Base):
        __tablename__ = "avatar"
        id: Mapped[int] = mapped_column(primary_key=True)
        file: Mapped[FileObject] = mapped_column(
            StoredObject(backend=STORAGE), default=FileObject(backend=STORAGE, filename="default.png")
        )

    try:
        with pytest.raises(ConfigurationError, match=r"Avatar\.file has a file as its default"):
            configure_mappers()
    finally:
        Base.registry.dispose()
