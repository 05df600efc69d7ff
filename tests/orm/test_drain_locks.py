"""A drain does not wait for transactions that are still open."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, Outbox, StorageBackend, StoredObject
from holdfast.saving import Ref
from tests.orm.conftest import stored


class Base(DeclarativeBase):
    pass


outbox = Outbox(Base)


class Note(Base):
    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))


SERVERS = {
    "psycopg": ("postgres", "SET lock_timeout = 1000"),
    "pymysql": ("mariadb", "SET innodb_lock_wait_timeout = 1"),
}
"""The databases with several writers, and what makes them give up waiting after a second."""


@pytest.fixture(params=[pytest.param(name, marks=getattr(pytest.mark, SERVERS[name][0])) for name in SERVERS])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An engine whose statements wait a second for locks."""
    fixture, impatient = SERVERS[request.param]
    made = create_engine(request.getfixturevalue(fixture).url(request.param))

    @event.listens_for(made, "connect")
    def connect(connection: Any, _: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(impatient)
        connection.commit()

    Base.metadata.create_all(made)
    yield made
    made.dispose()


@pytest.mark.usefixtures("quiet")
def test_entries_of_open_transactions_are_left_alone(engine: Engine, docs: StorageBackend) -> None:
    """A commit deletes its files and entries while another transaction has written entries of its own."""
    with engine.connect() as other, Session(engine) as session:
        session.add_all([Note(id=number, file=FileObject(filename="n.txt", content=b"n")) for number in range(1, 7)])
        session.commit()
        outbox.write(other, [("drop", Ref("docs", "a file"), "note", '["9"]')])
        for note in session.scalars(select(Note)).all():
            session.delete(note)
        session.commit()
        assert stored(docs) == []
        assert session.scalars(select(outbox.table.c.path)).all() == []
