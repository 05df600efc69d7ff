"""The guide's way without a pause: adopting while the application reads, replaces and deletes, with both libraries."""

import gc
import random
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from libcloud.storage.drivers.local import LocalStorageDriver
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy_file import File, FileField
from sqlalchemy_file.storage import StorageManager

from holdfast import FileObject, StoredObject
from holdfast.errors import NotFoundError
from holdfast.maintenance import verify
from holdfast.maintenance.adopting import from_sqlalchemy_file
from tests.moving.conftest import House, keys

ROWS = 40


class Base(DeclarativeBase):
    pass


class Book(Base):
    """The model of the third deployment: it reads new, else old, and writes new and empties old."""

    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    words: Mapped[str] = mapped_column()  # what is in the file
    old: Mapped[Any] = mapped_column(FileField(upload_storage="books"), nullable=True)
    new: Mapped[FileObject | None] = mapped_column(StoredObject(backend="books"))

    @property
    def file(self) -> Any:
        return self.new or from_sqlalchemy_file(self.old)

    @file.setter
    def file(self, file: FileObject | None) -> None:
        self.new, self.old = file, None


@pytest.fixture
def books(tmp_path: Path, register: Any) -> Iterator[Any]:
    """A container of libcloud and the same folder as a storage."""
    folder = tmp_path / "uploads" / "books"
    folder.mkdir(parents=True)
    StorageManager.add_storage("books", LocalStorageDriver(str(folder.parent)).get_container("books"))
    yield register("books", folder.as_uri())
    StorageManager._clear()


def write_old(house: House) -> None:
    """Write rows as the second deployment did."""
    Base.metadata.create_all(house.engine)
    if house.engine.dialect.name == "sqlite":
        with house.engine.connect() as connection:  # readers do not wait for writers then
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the library leaves its temporary files open
        with house.session() as session:
            for number in range(ROWS):
                session.add(Book(id=number, words=f"old {number}", old=File(content=f"old {number}".encode())))
            session.commit()
        gc.collect()


class Application:
    """What goes on meanwhile, in threads; an error in one of them ends the test."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.done = threading.Event()
        # Of two sessions that drop one file at once, the library fails the second: it always did.
        self.one_writer = threading.Lock()
        self.errors: list[BaseException] = []
        self.counts = dict.fromkeys(("read", "replaced", "deleted"), 0)

    def run(self, work: Callable[[random.Random], None], seed: int) -> threading.Thread:
        """Do something again and again."""

        def loop() -> None:
            chance = random.Random(seed)
            try:
                while not self.done.wait(0.002):
                    try:
                        work(chance)
                    except OperationalError:
                        continue  # SQLite was locked: the application tries again
            except BaseException as error:  # noqa: BLE001  # shown by the test
                self.errors.append(error)

        thread = threading.Thread(target=loop)
        thread.start()
        return thread

    def read(self, chance: random.Random) -> None:
        """Read a row's file; if it is not there, the row must have changed."""
        number = chance.randrange(ROWS)
        for _ in range(20):
            with self.house.session() as session:
                book = session.get(Book, number)
                if book is None:
                    return
                try:
                    assert book.file.get_content() == book.words.encode()
                except NotFoundError:
                    words = book.words
                    session.rollback()
                    changed = session.scalar(select(Book.words).where(Book.id == number))
                    assert changed != words, f"book {number} has lost its file"
                    continue
                self.counts["read"] += 1
                return

    def replace(self, chance: random.Random) -> None:
        """Give a row another file."""
        with self.one_writer, self.house.session() as session:
            if book := session.get(Book, chance.randrange(ROWS)):
                book.words = f"new {chance.random()}"
                book.file = FileObject(filename="new.txt", content=book.words.encode())
                session.commit()
                self.counts["replaced"] += 1

    def delete(self, chance: random.Random) -> None:
        """Delete a row, of the last few only."""
        with self.one_writer, self.house.session() as session:
            if book := session.get(Book, chance.randrange(ROWS - 10, ROWS)):
                session.delete(book)
                session.commit()
                self.counts["deleted"] += 1


async def test_adopting_meanwhile(house: House, books: Any) -> None:
    """No reader misses a file, no replacement is lost, and in the end nothing names an object twice or not at all."""
    write_old(house)
    application = Application(house)
    works = [application.read, application.replace, application.read, application.delete]
    threads = [application.run(work, seed) for seed, work in enumerate(works)]
    how: dict[str, Any] = {"column": Book.new, "source": "old", "mapping": from_sqlalchemy_file}
    try:
        while not all(application.counts.values()) and not application.errors:
            report = await house.adopt(Base, **how, clear=True, where="id < 20", batch=1)
            assert report.ok, report.findings
        report = await house.adopt(Base, **how, clear=True, batch=3)
        assert report.ok, report.findings
    finally:
        application.done.set()
        for thread in threads:
            thread.join()
    assert application.errors == []
    with house.session() as session:
        found = session.scalars(select(Book)).all()
        assert all(book.old is None for book in found)
        assert {book.id: book.new.get_content() for book in found} == {book.id: book.words.encode() for book in found}
        assert verify(session, Base).ok
        named = {book.new.path for book in found}
    # The library's second files are no objects of anybody's.
    assert {key for key in keys(books) if not key.endswith(".metadata.json")} == named
