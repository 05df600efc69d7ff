"""Rules of a column hold for all that gets into it, and nothing of a refused file stays."""

import asyncio
import copy
import io
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import case, insert, select, update
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, StorageBackend, StoredObject, admission, saving, storages
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.errors import ColumnValueError, FileRejectedError, SpentSourceError
from holdfast.orm import bridge
from holdfast.rules import Candidate, Rules
from holdfast.saving import prepare, save_all, save_all_async
from tests.inspection.samples import EXE, GIF, HTML, JPEG, MARKUP, PDF, PNG, SVG
from tests.orm.conftest import Database, contents, stored

MIB = 1024 * 1024
LIMIT = 11 * MIB  # two parts of a multipart upload


def no_jpeg(found: Candidate) -> str | None:
    """Refuse one type."""
    return "no JPEG, please" if found.content_type == "image/jpeg" else None


class Base(DeclarativeBase):
    pass


class Photo(Base):
    __tablename__ = "photo"

    id: Mapped[int] = mapped_column(primary_key=True)
    image: Mapped[FileObject | None] = mapped_column(StoredObject("docs", accept=["image/*"], max_size=LIMIT))
    images: Mapped[list[FileObject] | None] = mapped_column(StoredObject("docs", True, accept=["image/*"]))
    small: Mapped[FileObject | None] = mapped_column(StoredObject("docs", max_size=10))
    checked: Mapped[FileObject | None] = mapped_column(StoredObject("docs", validators=[no_jpeg], accept=["*/*"]))
    free: Mapped[FileObject | None] = mapped_column(StoredObject("docs"))


class Place:
    """A storage, and how to see that nothing at all is in it."""

    def __init__(self, storage: StorageBackend, leftovers: Callable[[], list[str]]) -> None:
        self.storage, self._leftovers = storage, leftovers

    def is_empty(self) -> bool:
        """Return whether there is no object, no temporary file and no unfinished upload."""
        return not list(self.storage.list()) and not self._leftovers()


@pytest.fixture(params=["memory", "local", "fsspec", pytest.param("s3", marks=pytest.mark.s3)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A storage named docs."""
    root = tmp_path / "docs"
    if request.param == "memory":
        yield Place(storages.register_backend("memory://", key="docs"), list)
    elif request.param == "local":
        storage = storages.register_backend(f"file://{root}/", key="docs", durable=False)
        yield Place(storage, lambda: [str(path) for path in root.rglob("*") if path.is_file()])
    elif request.param == "fsspec":
        storage = storages.register_backend(FSSpecBackend("docs", "file", prefix=str(root)))
        yield Place(storage, lambda: [str(path) for path in root.rglob("*") if path.is_file()])
    else:
        bucket = request.getfixturevalue("s3_bucket")
        storage = storages.register_backend(ObstoreBackend("docs", bucket.url, **bucket.options))
        yield Place(storage, lambda: ["upload"] * bucket.uploads())
    storages._backends.pop("docs", None)


@pytest.fixture
async def db(database: Database) -> Database:
    """A database with the table of photos."""
    return await database.create(Base)


def file(content: Any = PNG, name: str = "a.png", **fields: Any) -> FileObject:
    """Return a pending file."""
    return FileObject(filename=name, content=content, **fields)


async def in_chunks(content: bytes, size: int) -> AsyncIterator[bytes]:
    """Yield chunks."""
    for start in range(0, len(content), size):
        yield content[start : start + size]


def by_chunks(content: bytes, size: int) -> Iterator[bytes]:
    """Yield chunks."""
    for start in range(0, len(content), size):
        yield content[start : start + size]


class Upload:
    """An upload object of a framework, which says what its client said."""

    content_type = "image/png"
    filename = "a.png"
    size = 1  # a lie

    def __init__(self, content: bytes, folder: Path) -> None:
        self.file = io.BytesIO(content)


def written(content: bytes, folder: Path) -> Path:
    """Return a file on disk."""
    path = folder / "a.png"
    path.write_bytes(content)
    return path


CONTENTS: dict[str, Callable[[bytes, Path], Any]] = {
    "bytes": lambda content, folder: content,
    "path": written,
    "file": lambda content, folder: io.BytesIO(content),
    "chunks": lambda content, folder: by_chunks(content, 100_000),
    "one chunk": lambda content, folder: iter([content]),
    "list": lambda content, folder: list(by_chunks(content, MIB)),
    "upload": Upload,
    "awaited": lambda content, folder: in_chunks(content, 100_000),
}


IN_EACH_WORLD = [("pysqlite", kind) for kind in CONTENTS if kind != "awaited"] + [
    ("aiosqlite", kind) for kind in CONTENTS
]
FEW_IN_EACH_WORLD = [each for each in IN_EACH_WORLD if each[1] in {"bytes", "path", "chunks", "awaited"}]


def refused(db_work: Callable[[], Any]) -> FileRejectedError:
    """Return the refusal that a call raises."""
    with pytest.raises(FileRejectedError) as caught:
        db_work()
    return caught.value


def save(value: FileObject, content: bytes) -> None:
    """Save new content of a file, in the world of the session."""
    bridge.do(lambda: value.save(content), lambda: value.save_async(content))


@pytest.mark.parametrize(("database", "kind"), IN_EACH_WORLD, indirect=["database"])
@pytest.mark.parametrize("size", [LIMIT + 1, LIMIT + 3 * MIB], ids=["limit + 1", "far beyond"])
async def test_s9_a_file_that_is_too_large(db: Database, place: Place, kind: str, size: int, tmp_path: Path) -> None:
    """It is refused whatever its length was said to be, nothing of it stays, and the session goes on."""
    content = PNG + bytes(size - len(PNG))

    def work(session: Session) -> None:
        session.add(Photo(id=1, image=file(CONTENTS[kind](content, tmp_path), size=1)))
        error = refused(session.flush)
        assert (error.code, error.field, error.limit, error.filename) == ("too_large", "image", LIMIT, "a.png")
        assert error.found > LIMIT
        session.rollback()
        assert place.is_empty()
        session.add(Photo(id=1, image=file()))
        session.commit()

    await db.run(work)
    assert stored(place.storage) == [PNG]


@pytest.mark.parametrize(("database", "kind"), IN_EACH_WORLD, indirect=["database"])
async def test_s9_a_file_of_just_the_limit(db: Database, place: Place, kind: str, tmp_path: Path) -> None:
    """It is stored whole, in one reading of what can be read once."""
    content = PNG + bytes(LIMIT - len(PNG))

    def work(session: Session) -> None:
        session.add(Photo(id=1, image=file(CONTENTS[kind](content, tmp_path))))
        session.commit()
        image = session.get(Photo, 1).image
        assert (image.content_type, image.size) == ("image/png", LIMIT)

    await db.run(work)
    assert stored(place.storage) == [content]


@pytest.mark.parametrize("size", [11, 3 * MIB])
async def test_s9_a_limit_alone(db: Database, place: Place, size: int) -> None:
    """Without types to accept, nothing is looked at, and the declared type stays."""

    def work(session: Session) -> None:
        session.add(Photo(id=1, small=file(by_chunks(bytes(size), 5), "a.php", content_type="image/gif")))
        assert refused(session.flush).field == "small"
        session.rollback()
        assert place.is_empty()
        session.add(Photo(id=1, small=file(by_chunks(bytes(10), 5), "a.php", content_type="image/gif")))
        session.commit()
        assert session.get(Photo, 1).small.content_type == "image/gif"

    await db.run(work)


BAD: dict[str, tuple[str, bytes, str | None, str, str]] = {
    "a GIF named PHP": ("shell.php", GIF, "image/gif", "type_mismatch", "image/gif"),
    "GIF and PHP": ("shell.php", b"GIF89a<?php x();?>", "image/gif", "type_mismatch", "image/gif"),
    "HTML named PNG": ("x.png", HTML, "image/png", "type_mismatch", "text/html"),
    "HTML without a name": ("x", HTML, None, "type_not_accepted", "text/html"),
    "an EXE": ("x.png", EXE, "image/png", "type_mismatch", "application/vnd.microsoft.portable-executable"),
    "an empty file": ("x.png", b"", "image/png", "type_mismatch", "text/plain"),
    "SVG": ("x.svg", SVG, "image/svg+xml", "type_not_accepted", "image/svg+xml"),
    "PDF and HTML": ("x.png", PDF + HTML, "image/png", "type_mismatch", "application/pdf"),
    **{
        f"markup: {name}": ("x.gif", head, "image/gif", "type_mismatch", kind)
        for name, (head, kind) in MARKUP.items()
        if name in {"a mark", "utf-16", "utf-16 without a mark", "xhtml", "the namespace alone"}
    },
}


@pytest.mark.parametrize(("database", "kind"), FEW_IN_EACH_WORLD, indirect=["database"])
@pytest.mark.parametrize(("name", "content", "declared", "code", "found"), BAD.values(), ids=BAD)
async def test_s11_a_file_that_is_not_what_it_says(  # noqa: PLR0917
    db: Database,
    docs: StorageBackend,
    tmp_path: Path,
    kind: str,
    name: str,
    content: bytes,
    declared: str | None,
    code: str,
    found: str,
) -> None:
    """It is refused before its first byte is stored."""

    def work(session: Session) -> None:
        session.add(Photo(id=1, image=file(CONTENTS[kind](content, tmp_path), name, content_type=declared)))
        error = refused(session.flush)
        assert (error.code, error.found, error.field, error.limit) == (code, found, "image", ["image/*"])

    await db.run(work)
    assert not contents(docs)


async def test_s7_s11_the_row_and_the_storage_get_the_type_that_was_found(db: Database, place: Place) -> None:
    """Not the one that a client declared."""

    def work(session: Session) -> None:
        session.add(Photo(id=1, image=file(JPEG, "photo", content_type="application/octet-stream")))
        session.add(Photo(id=2, images=[file(GIF, "photo.gif", content_type="image/gif; name=x"), file()]))
        session.commit()
        assert session.get(Photo, 1).image.content_type == "image/jpeg"
        assert [each.content_type for each in session.get(Photo, 2).images] == ["image/gif", "image/png"]
        key = session.get(Photo, 1).image.path
        assert place.storage.stat(key).content_type in {"image/jpeg", None}  # None where storages keep no type

    await db.run(work)


async def test_s11_a_polyglot_is_stored_as_what_it_begins_as(db: Database, docs: StorageBackend) -> None:
    """What is promised is the recorded type: with it, and nosniff, a browser runs nothing of it."""

    def work(session: Session) -> None:
        session.add(Photo(id=1, image=file(b"GIF89a/*" + GIF[8:] + b"*/=1;alert(1)", "x.gif")))
        session.commit()
        assert session.get(Photo, 1).image.content_type == "image/gif"

    await db.run(work)


async def test_a_rollback_makes_the_file_what_it_was(db: Database, docs: StorageBackend) -> None:
    """Its declared type, too; content that could be read once is spent."""

    def work(session: Session) -> None:
        once = file(by_chunks(PNG, 5), "a", content_type="application/octet-stream")
        again = file(PNG, "b", content_type="application/octet-stream")
        session.add(Photo(id=1, images=[once, again]))
        session.flush()
        assert once.content_type == again.content_type == "image/png"
        session.rollback()
        assert once.content_type == again.content_type == "application/octet-stream"
        session.add(Photo(id=1, images=[again]))
        session.commit()
        session.add(Photo(id=2, images=[once]))
        with pytest.raises(SpentSourceError):
            session.flush()

    await db.run(work)
    assert stored(docs) == [PNG]


async def test_the_siblings_of_a_refused_file(db: Database, docs: StorageBackend) -> None:
    """None is uploaded, and all of them can be used again, also those that can be read once."""
    siblings = [file(by_chunks(PNG, 5)), file(by_chunks(GIF, 3), "b.gif")]

    def work(session: Session) -> None:
        session.add(Photo(id=1, images=[siblings[0], file(HTML), siblings[1]]))
        assert refused(session.flush).field == "images"
        assert not contents(docs)
        session.rollback()
        session.add(Photo(id=1, images=siblings))
        session.commit()

    await db.run(work)
    assert stored(docs) == sorted([PNG, GIF])


async def test_siblings_that_were_uploaded_already(db: Database, docs: StorageBackend) -> None:
    """A file may turn out to be too large while others are stored; the rollback removes those."""

    def work(session: Session) -> None:
        session.add(Photo(id=1, images=[file(), file()], small=file(by_chunks(bytes(11), 4))))
        session.add(Photo(id=2, free=file(HTML)))
        assert refused(session.commit).field == "small"
        session.rollback()

    await db.run(work)
    assert not contents(docs)


async def test_a_file_of_a_row_that_is_saved_by_hand(db: Database, docs: StorageBackend) -> None:
    """file.save() keeps to the rules of the column that the file is in."""

    def work(session: Session) -> None:
        photo = Photo(id=1, image=file())
        session.add(photo)
        session.commit()
        error = refused(lambda: save(photo.image, HTML))
        assert (error.code, error.field) == ("type_mismatch", "image")
        assert refused(lambda: save(photo.image, PNG + bytes(LIMIT))).code == "too_large"
        save(photo.image, PNG + b"more")
        session.commit()
        assert photo.image.content_type == "image/png"

    await db.run(work)
    assert stored(docs) == [PNG + b"more"]


async def test_a_new_type_by_hand(db: Database, docs: StorageBackend) -> None:
    """What was declared of the old content says nothing of the new one; the name still does."""

    def work(session: Session) -> None:
        photo = Photo(id=1, image=file(PNG, "photo", content_type="image/png"), images=[file(PNG, "photo.png")])
        session.add(photo)
        session.commit()
        save(photo.image, GIF)
        session.commit()
        assert session.get(Photo, 1).image.content_type == "image/gif"
        assert refused(lambda: save(photo.images[0], GIF)).code == "type_mismatch"

    await db.run(work)


@pytest.mark.parametrize(
    ("content", "code"), [(HTML, "type_mismatch"), (PNG + bytes(LIMIT), "too_large"), (b"", "type_mismatch")]
)
async def test_an_object_that_lies_there_already(db: Database, place: Place, content: bytes, code: str) -> None:
    """A row takes it only if it keeps the rules; if not, it stays where it is."""
    place.storage.put("import/a.png", content)

    def work(session: Session) -> None:
        for said in ({}, {"size": 1, "etag": "x"}):
            session.add(Photo(id=1, image=FileObject(backend="docs", filename="import/a.png", **said)))
            error = refused(session.flush)
            assert (error.code, error.field) == (code, "image")
            session.rollback()

    await db.run(work)
    assert stored(place.storage) == [content]


async def test_an_object_that_lies_there_and_keeps_the_rules(db: Database, place: Place) -> None:
    """Its row records what was found."""
    place.storage.put("import/a", JPEG, content_type="application/octet-stream")
    place.storage.put("import/b", PNG)

    def work(session: Session) -> None:
        adopted = FileObject(backend="docs", filename="import/a")
        known = FileObject(backend="docs", filename="import/b", size=len(PNG), etag="x")
        session.add(Photo(id=1, image=adopted, images=[known]))
        session.flush()
        assert adopted.content_type == "image/jpeg"
        session.rollback()
        assert adopted.content_type != "image/jpeg"
        session.add(Photo(id=1, image=adopted, images=[known]))
        session.commit()
        assert session.get(Photo, 1).image.content_type == "image/jpeg"
        assert session.get(Photo, 1).images[0].content_type == "image/png"

    await db.run(work)


async def test_a_copy_for_another_column(db: Database, docs: StorageBackend) -> None:
    """A file that moves or is copied into a column keeps that one's rules, whatever column it came from."""

    def work(session: Session) -> None:
        session.add(Photo(id=1, free=file(HTML, "x.html"), checked=file(PNG, "x", content_type="x/y")))
        with pytest.raises(FileRejectedError):
            session.flush()
        session.rollback()
        session.add(Photo(id=1, free=file(HTML, "x.html"), checked=file(PNG, "x")))
        session.commit()
        photo = session.get(Photo, 1)
        photo.image = photo.free
        assert refused(session.flush).code == "type_not_accepted"
        session.rollback()
        photo.image, photo.free = photo.free, None
        assert refused(session.flush).code == "type_not_accepted"
        session.rollback()
        photo.image = photo.checked
        session.commit()
        assert photo.image.content_type == "image/png"
        assert photo.image != photo.checked

    await db.run(work)
    assert stored(docs) == sorted([HTML, PNG, PNG])


async def test_one_pending_file_for_two_columns(db: Database, docs: StorageBackend) -> None:
    """It is uploaded for the first and copied for the second: both have their say, in either order."""

    def work(session: Session) -> None:
        shared = file(HTML, "x.html")
        session.add(Photo(id=1, free=shared, image=shared))
        assert refused(session.flush).field == "image"
        session.rollback()
        assert not contents(docs)
        shared = file(JPEG, "x", content_type="application/octet-stream")
        session.add(Photo(id=1, image=shared, free=shared, images=[shared]))
        session.commit()
        photo = session.get(Photo, 1)
        assert (photo.image.content_type, photo.images[0].content_type) == ("image/jpeg", "image/jpeg")

    await db.run(work)


async def test_bulk_statements(db: Database, docs: StorageBackend) -> None:
    """INSERT and UPDATE of many rows upload files, too."""

    def work(session: Session) -> None:
        error = refused(
            lambda: session.execute(insert(Photo), [{"id": 1, "image": file()}, {"id": 2, "image": file(HTML)}])
        )
        assert (error.code, error.field) == ("type_mismatch", "image")
        session.rollback()
        assert not contents(docs)
        session.execute(insert(Photo), [{"id": 1, "image": file(JPEG, "a")}, {"id": 2}])
        error = refused(lambda: session.execute(update(Photo).values(small=file(bytes(11)))))
        assert (error.code, error.field) == ("too_large", "small")
        session.rollback()
        session.execute(insert(Photo), [{"id": 1, "image": file(JPEG, "a")}])
        session.commit()
        assert session.scalars(select(Photo)).one().image.content_type == "image/jpeg"

    await db.run(work)
    assert stored(docs) == [JPEG]


async def test_validators(db: Database, docs: StorageBackend) -> None:
    """The application's own rules come last, with its own words."""

    def work(session: Session) -> None:
        session.add(Photo(id=1, checked=file(by_chunks(JPEG, 3), "a.jpg")))
        error = refused(session.flush)
        assert (error.code, str(error), error.field, error.filename) == (
            "invalid",
            "no JPEG, please",
            "checked",
            "a.jpg",
        )
        session.rollback()
        session.add(Photo(id=1, checked=file(HTML, "a.html")))
        session.commit()

    await db.run(work)
    assert stored(docs) == [HTML]


async def test_unchanged_files_are_not_looked_at_again(db: Database, docs: StorageBackend) -> None:
    """A row that is loaded and changed elsewhere keeps a file that the rules would not admit any more."""

    def work(session: Session) -> None:
        session.add(Photo(id=1, images=[file()]))
        session.commit()
        photo = session.get(Photo, 1)
        docs.put(photo.images[0].path, HTML)  # behind its back
        photo.images.append(file(GIF, "b.gif"))
        photo.image = file()
        session.commit()
        assert len(photo.images) == 2

    await db.run(work)


def test_s9_a_file_that_grows_while_it_is_stored(docs: StorageBackend, tmp_path: Path) -> None:
    """What a path or file was found to be when it was handed over does not bind it: the bytes are counted."""
    path = written(PNG, tmp_path)
    growing = file(path)
    path.write_bytes(PNG + bytes(LIMIT))
    assert refused(lambda: saved(growing)).code == "too_large"
    assert not contents(docs)


def test_s11_a_file_that_changes_while_it_is_stored(docs: StorageBackend, tmp_path: Path) -> None:
    """Its beginning is compared with what was looked at."""
    path = written(PNG, tmp_path)

    def swap(_: Candidate) -> None:
        path.write_bytes(HTML)

    column = StoredObject("docs", accept=["image/*"], validators=[swap])
    error = refused(lambda: saved(file(path), column))
    assert (error.code, error.field) == ("type_mismatch", "image")
    assert "was changed" in str(error)
    assert not contents(docs)


def test_s11_a_file_that_is_cut_while_it_is_stored(docs: StorageBackend, tmp_path: Path) -> None:
    """No part of its beginning may be missing."""
    path = written(PNG, tmp_path)
    column = StoredObject("docs", accept=["image/*"], validators=[lambda _: path.write_bytes(PNG[:5]) and None])
    assert "was changed" in str(refused(lambda: saved(file(path), column)))
    assert not contents(docs)


def test_s11_other_bytes_under_the_key_of_a_deleted_file(docs: StorageBackend) -> None:
    """What was known of the old ones says nothing of them."""
    value = file()
    saved(value)
    rules = Photo.__table__.c.image.type.rules.named("image")
    assert admission.stored_type(value, rules) is None
    value.delete()
    docs.put(value.path, HTML)
    assert refused(lambda: admission.stored_type(value, rules)).code == "type_mismatch"


async def test_s11_files_that_sql_moves(db: Database, docs: StorageBackend) -> None:
    """Nobody could look at them, so a column with rules takes none out of another; its own files it may have."""

    def work(session: Session) -> None:
        session.add(Photo(id=1, free=file(HTML, "x.html")))
        session.commit()
        table = Photo.__table__.c
        with pytest.raises(ColumnValueError, match=r"Photo\.image has rules"):
            session.execute(update(Photo).values(image=Photo.free, free=None))
        session.rollback()
        with pytest.raises(ColumnValueError, match=r"Photo\.image has rules"):
            session.get(Photo, 1).image = case((table.id == 1, table.free))
        session.execute(update(Photo).values(free=case((table.id == 1, table.free))))
        session.commit()
        assert session.get(Photo, 1).free.get_content() == HTML

    await db.run(work)


@pytest.mark.parametrize("database", ["pysqlite", "aiosqlite"], indirect=True)
async def test_s11_files_that_an_upsert_moves(db: Database, docs: StorageBackend) -> None:
    """The same goes for the new row of an upsert."""

    def work(session: Session) -> None:
        statement = sqlite.insert(Photo).values(id=1, free=file(HTML, "x.html"))
        moved = statement.on_conflict_do_update(index_elements=["id"], set_={"image": statement.excluded.free})
        with pytest.raises(ColumnValueError, match=r"Photo\.image has rules"):
            session.execute(moved)
        session.rollback()

    await db.run(work)
    assert not contents(docs)


def saved(value: FileObject, column: StoredObject | None = None) -> None:
    """Save a file for a column."""
    value._default_backend("docs")
    rules = (column or Photo.__table__.c.image.type).rules.named("image")
    for failure in save_all([prepare(value, value._source, place=saving.Place(rules=rules))]):
        raise failure


@pytest.mark.parametrize("content", [PNG * 50_000, [PNG, bytes(2 * MIB)]], ids=["file", "list"])
def test_another_attempt_reads_from_the_beginning(docs: StorageBackend, tmp_path: Path, content: Any) -> None:
    """A storage that tries again counts and compares anew."""
    value = file(written(content, tmp_path) if isinstance(content, bytes) else content, backend="docs")
    made = prepare(value, value._source, place=saving.Place(rules=Photo.__table__.c.image.type.rules))
    assert not admission.admit_all([made])
    source = made.request.content
    readings = [b"".join(source.chunks()) for _ in range(2)]
    assert readings[0] == readings[1] == (content if isinstance(content, bytes) else b"".join(content))
    assert not source.spent


async def test_a_cancellation_out_of_the_content(docs: StorageBackend) -> None:
    """It is no verdict: nothing is stored."""

    async def cancelled() -> AsyncIterator[bytes]:
        raise asyncio.CancelledError
        yield b""

    value = file(cancelled(), backend="docs")
    with pytest.raises(asyncio.CancelledError):
        await save_all_async([prepare(value, value._source, place=saving.Place(rules=Rules(accept=("image/*",))))])
    assert not contents(docs)


def test_columns_are_copied_with_their_rules() -> None:
    """As a mixin's columns are, and tables for another schema."""
    column = StoredObject("docs", accept=["image/*"], max_size=3, validators=[no_jpeg])
    for twin in (copy.copy(column), column.copy()):
        assert twin.rules == column.rules
        assert repr(twin) == "StoredObject(backend='docs', max_size=3, accept=['image/*'])"
        assert hash(twin._static_cache_key) == hash(column._static_cache_key)
    assert {type(hash(value)) for value in (column.max_size, column.accept, column.validators, column.sniff)} == {int}


@pytest.mark.parametrize("content", ["bytes", "upload", "awaited", "stored"])
async def test_s10_an_event_loop_is_not_held_up(docs: StorageBackend, tmp_path: Path, content: str) -> None:
    """Files are read in a thread, and the application's rules are asked there."""
    threads = set()

    class Watched(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            threads.add(threading.current_thread())
            return super().read(size)

    def look(_: Candidate) -> None:
        threads.add(threading.current_thread())

    rules = StoredObject("docs", accept=["image/*"], validators=[look]).rules
    if content == "stored":
        docs.put("a.png", PNG)
        await admission.stored_type_async(FileObject(backend="docs", filename="a.png"), rules)
    else:
        value = file({"bytes": PNG, "upload": Watched(PNG), "awaited": in_chunks(PNG, 5)}[content], backend="docs")
        assert not await save_all_async([prepare(value, value._source, place=saving.Place(rules=rules))])
    assert threads
    assert threading.current_thread() not in threads


MEMORY = """
import asyncio, resource, sys
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from holdfast import FileObject, StoredObject, storages

def peak():  # in bytes, of this process alone
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024

class Base(DeclarativeBase): pass

class Film(Base):
    __tablename__ = "film"
    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject] = mapped_column(StoredObject("docs", accept=["image/png"], max_size=1 << 30))

COUNT = 512
def content(count):
    yield bytes.fromhex("89504e470d0a1a0a")
    for _ in range(count):
        yield bytes(1 << 20)

async def content_async(count):
    for chunk in content(count):
        yield chunk

def film(count, chunks):
    return Film(file=FileObject(filename="a.png", content=chunks(count)))

folder, world = sys.argv[1:]
storages.register_backend(f"file://{folder}/docs/", key="docs", durable=False)
if world == "sync":
    engine = create_engine(f"sqlite:///{folder}/db")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(film(1, content))
        session.commit()
        before = peak()
        session.add(large := film(COUNT, content))
        session.commit()
        assert large.file.size == 8 + (COUNT << 20)
else:
    async def main():
        engine = create_async_engine(f"sqlite+aiosqlite:///{folder}/db")
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        async with AsyncSession(engine, expire_on_commit=False) as session:
            session.add(film(1, content_async))
            await session.commit()
            before = peak()
            session.add(large := film(COUNT, content_async))
            await session.commit()
            assert large.file.size == 8 + (COUNT << 20)
        await engine.dispose()
        return before
    before = asyncio.run(main())
assert peak() - before < 100_000_000, peak() - before
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("world", ["sync", "async"])
def test_s10_a_stream_through_rules_takes_bounded_memory(tmp_path: Path, world: str) -> None:
    """512 MiB of unknown length go through a column with rules in less than 100 MB."""
    subprocess.run([sys.executable, "-c", MEMORY, str(tmp_path), world], check=True, timeout=120)
