"""Forms whose files go straight to a storage: what arrives, what is refused, and that nothing else stays."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import Column, create_engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, StorageBackend, StoredObject, storages
from holdfast.backends.obstore import ObstoreBackend
from holdfast.errors import (
    ConfigurationError,
    FileRejectedError,
    InvalidFormError,
    MissingExtraError,
    NotFoundError,
    UnavailableError,
)
from holdfast.testing import Fault, FaultyDriver
from holdfast.uploads.forms import Form, form, form_async
from tests.orm.conftest import Database
from tests.uploads.forms import BOUNDARY, CONTENT_TYPE, Receiver, as_async, body, part, pieces, random_bytes

STORAGE = "forms"


class Base(DeclarativeBase):
    pass


class Document(Base):
    __tablename__ = "form_document"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(default="", unique=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend=STORAGE))
    small: Mapped[FileObject | None] = mapped_column(StoredObject(backend=STORAGE, max_size=1000))
    pages: Mapped[list[FileObject] | None] = mapped_column(StoredObject(backend=STORAGE, multiple=True))


FILE = {"file": Document.file}


@pytest.fixture(params=["memory", "local"])
def storage(request: pytest.FixtureRequest, tmp_path: Any) -> StorageBackend:
    """A storage of one kind, and of the other, where the columns look for it."""
    url = "memory://" if request.param == "memory" else f"file://{tmp_path}/forms/"
    return storages.register_backend(url, key=STORAGE)


@pytest.fixture(autouse=True)
def registry() -> Iterator[None]:
    """Leave no storage behind."""
    before = dict(storages.all())
    yield
    storages._backends.clear()
    storages._backends.update(before)


@pytest.fixture
def sessions(tmp_path: Any) -> Iterator[Any]:
    """Make sessions of a database with the table."""
    engine = create_engine(f"sqlite:///{tmp_path}/forms.db")
    Base.metadata.create_all(engine)
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Session(engine, **options))
    engine.dispose()


@pytest.fixture(params=["pysqlite", "aiosqlite"])
async def database(request: pytest.FixtureRequest, tmp_path: Any) -> Any:
    """A database with the table, in each world."""
    url = f"sqlite+{request.param}:///{tmp_path}/forms.db"
    made = await Database(url, is_async=request.param == "aiosqlite").create(Base)
    yield made
    await made.dispose()


@pytest.fixture(params=["sync", "async"])
def receive(request: pytest.FixtureRequest) -> Receiver:
    """Receive forms in each world."""
    return Receiver(request.param)


def keys(storage: StorageBackend) -> list[str]:
    """Return what lies in a storage."""
    return [info.key for info in storage.list()]


async def nothing(received: Form) -> None:
    """Do nothing with a form."""


# --- what arrives


@pytest.mark.parametrize("size", [1, 7, 1000, 10_000_000])
async def test_fields_and_files_in_any_order(storage: StorageBackend, receive: Receiver, size: int) -> None:
    """Before, between and after the files, however the body is cut."""
    first, second = random_bytes(700 if size < 1000 else 300_000), b"--x-holdfast-boundary\r\n"
    data = body(
        part("title", "Übersicht\r\n".encode()),
        part("file", first, "Übersicht (1).pdf", "application/pdf"),
        part("tag", b"a"),
        part("pages", second, "1.txt"),
        part("tag", b""),
        part("pages", b"", "empty.txt", "Text/Plain; charset=utf-8"),
    )

    async def look(received: Form) -> None:
        assert dict(received) == {"title": "Übersicht\r\n", "tag": "a"}
        assert received.getlist("tag") == ["a", ""]
        assert received.getlist("none") == []
        file, pages = received.files["file"], received.files["pages"]
        assert (file.filename, file.content_type, file.size) == ("Übersicht (1).pdf", "application/pdf", len(first))
        assert file.get_content() == first
        assert file.checksum.startswith("sha256:")
        assert file._owned is False
        assert [(page.filename, page.content_type, page.get_content()) for page in pages] == [
            ("1.txt", "text/plain", second),
            ("empty.txt", "text/plain", b""),
        ]
        assert len(keys(storage)) == 3

    await receive(pieces(data, size), {**FILE, "pages": Document.pages}, look)
    assert keys(storage) == []


async def test_no_file_was_chosen(storage: StorageBackend, receive: Receiver) -> None:
    """Browsers send an empty part without a name then."""

    async def look(received: Form) -> None:
        assert received.files == {}
        assert list(received) == ["title"]

    await receive([body(part("file", b"", ""), part("title", b"t"))], FILE, look)


async def test_a_key_scheme_knows_the_column(receive: Receiver) -> None:
    """The table and the attribute, as at a flush."""
    storage = storages.register_backend(ObstoreBackend(STORAGE, "memory://", key_scheme="{model}/{column}/{id}"))

    async def look(received: Form) -> None:
        assert keys(storage)[0].startswith("form_document/file/")

    await receive([body(part("file", b"x", "a.txt"))], FILE, look)


async def test_a_key_scheme_that_needs_the_row(receive: Receiver) -> None:
    """There is none yet, which is said."""
    scheme = lambda row, _: f"{row.title}/{row.id}"  # noqa: E731
    storages.register_backend(ObstoreBackend(STORAGE, "memory://", key_scheme=scheme))
    with pytest.raises(ConfigurationError, match="key scheme of 'file' uses the row"):
        await receive([body(part("file", b"x", "a.txt"))], FILE, nothing)


async def test_types_that_are_none(storage: StorageBackend, receive: Receiver) -> None:
    """What is no media type does not reach the row: the name decides."""
    sent = [part("pages", b"x", "a.png", kind) for kind in ("nonsense", "image/png\x01", "a/" + "b" * 500, "")]

    async def look(received: Form) -> None:
        assert {file.content_type for file in received.files["pages"]} == {"image/png"}

    await receive([body(*sent)], {"pages": Document.pages}, look)


def test_the_form_shows_no_content(storage: StorageBackend) -> None:
    """Its repr has names only."""
    with form([body(part("password", b"secret"), part("file", b"x", "a.txt"))], CONTENT_TYPE, files=FILE) as received:
        assert repr(received) == "<Form fields=['password'] files=['file']>"
        assert len(received) == 1


# --- what a row takes


async def test_a_row_takes_it(storage: StorageBackend, database: Any) -> None:
    """The very object that was stored: no second upload, no copy."""

    async def work(received: Form) -> None:
        [key] = keys(storage)
        await database.run(lambda session: add_and_commit(session, received))
        assert keys(storage) == [key]

    await Receiver("async" if database.is_async else "sync")(pieces(FORM), FILE, work)
    assert len(keys(storage)) == 1
    assert await database.run(lambda session: session.get(Document, 1).file.get_content()) == b"content"


FORM = body(part("title", b"t"), part("file", b"content", "a.txt"))


def add_and_commit(session: Session, received: Form) -> None:
    """Commit a row with the file of a form."""
    session.add(Document(title=received["title"], file=received.files["file"]))
    session.commit()


@pytest.mark.parametrize("expire", [True, False])
def test_a_committed_row_keeps_it(
    storage: StorageBackend, sessions: Any, expire: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Also while its session goes on, and rolls back something else: that is none of the file's business."""
    session = sessions(expire_on_commit=expire)
    with form([FORM], CONTENT_TYPE, files=FILE) as received:
        document = Document(title="t", file=received.files["file"])
        session.add(document)
        session.commit()
        document.title = "other"
        session.flush()
    session.rollback()
    assert received.files["file"].get_content() == b"content"
    assert session.get(Document, document.id).file.get_content() == b"content"
    assert caplog.messages == []


def test_a_commit_after_the_block(storage: StorageBackend, sessions: Any) -> None:
    """What a row in a session holds shares the fate of its transaction: here it is committed."""
    session = sessions()
    with form([FORM], CONTENT_TYPE, files=FILE) as received:
        document = Document(title="t", file=received.files["file"])
        session.add(document)
    session.commit()
    assert session.get(Document, document.id).file.get_content() == b"content"


@pytest.mark.parametrize("commit_within", [True, False])
def test_a_list_of_files(storage: StorageBackend, sessions: Any, commit_within: bool) -> None:
    """A column of several takes them as they are; one that is left out goes."""
    session = sessions()
    with form([body(*TWO_FILES, part("pages", b"third", "3.txt"))], CONTENT_TYPE, files=FILES) as received:
        document = Document(title="t", pages=received.files["pages"][:2])
        session.add(document)
        if commit_within:
            session.commit()
    session.commit()
    assert [page.get_content() for page in session.get(Document, document.id).pages] == [b"first", b"second"]
    assert len(keys(storage)) == 2


@pytest.mark.parametrize("flush", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_a_rollback_after_the_block(storage: StorageBackend, sessions: Any, flush: bool, fails: bool) -> None:
    """Here it is rolled back, whether the block ended well or not."""
    session = sessions()
    try:
        with form([FORM], CONTENT_TYPE, files=FILE) as received:
            session.add(Document(title="t", file=received.files["file"]))
            if flush:
                session.flush()
            assert not fails
    except AssertionError:
        pass
    assert len(keys(storage)) == 1
    session.rollback()
    assert keys(storage) == []


def test_a_rollback_in_the_block(storage: StorageBackend, sessions: Any) -> None:
    """The file is free again, and may get another row."""
    session = sessions()
    with form([FORM], CONTENT_TYPE, files=FILE) as received:
        session.add(Document(title="t", file=received.files["file"]))
        session.flush()
        session.rollback()
        session.add(Document(title="again", file=received.files["file"]))
        session.commit()
    assert session.query(Document).one().file.get_content() == b"content"


def test_a_database_that_refuses(storage: StorageBackend, sessions: Any) -> None:
    """Nothing stays of the file."""
    session = sessions()
    session.add(Document(title="t"))
    session.commit()
    with pytest.raises(IntegrityError), form([FORM], CONTENT_TYPE, files=FILE) as received:
        add_and_commit(session, received)
    assert keys(storage) == []


def test_a_file_that_is_used_too_late(storage: StorageBackend, sessions: Any) -> None:
    """Its block has deleted it: the flush finds out, and no row points to nothing."""
    session = sessions()
    with form([FORM], CONTENT_TYPE, files=FILE) as received:
        document = Document(title="t", file=received.files["file"])
    session.add(document)
    with pytest.raises(NotFoundError):
        session.commit()


def test_an_exception_in_the_block(storage: StorageBackend) -> None:
    """It comes out, and the files go."""
    with pytest.raises(ZeroDivisionError), form([FORM], CONTENT_TYPE, files=FILE):
        _ = 1 / 0
    assert keys(storage) == []


# --- what is refused

TWO_FILES = [part("pages", b"first", "1.txt"), part("pages", b"second", "2.txt")]
FILES = {"file": Document.file, "pages": Document.pages, "small": Document.small}

REFUSED = {
    "cut in a header": (body(*TWO_FILES, part("file", b"x", "a"))[:-60], {}, "malformed"),
    "cut in a part": (body(*TWO_FILES, part("file", b"x" * 5000, "a"))[:-100], {}, "malformed"),
    "cut before the end": (body(*TWO_FILES)[:-6], {}, "malformed"),
    "empty": (b"", {}, "malformed"),
    "another boundary": (body(*TWO_FILES).replace(BOUNDARY.encode(), b"other"), {}, "malformed"),
    "no line ends": (body(*TWO_FILES).replace(b"\r\n", b"\n"), {}, "malformed"),
    "no disposition": (body(*TWO_FILES, f"--{BOUNDARY}\r\nA: b\r\n\r\nx\r\n".encode()), {}, "malformed"),
    "a text where a file must be": (body(*TWO_FILES, part("file", b"x")), {}, "malformed"),
    "a file where none must be": (body(*TWO_FILES, part("other", b"x", "a.txt")), {}, "malformed"),
    "no UTF-8": (body(*TWO_FILES, part("title", b"\xff")), {}, "malformed"),
    "a long field": (body(*TWO_FILES, part("title", b"x" * 2000)), {"max_field_size": 1999}, "too_large"),
    "many fields": (body(*TWO_FILES, *[part("tag", b"x")] * 6), {"max_fields": 5}, "too_large"),
    "many files": (body(*TWO_FILES, part("pages", b"x", "3")), {"max_files": 2}, "too_large"),
    "two files for one": (body(*TWO_FILES, *[part("file", b"x", "a")] * 2), {}, "too_large"),
    "many parts": (body(*TWO_FILES, *[part("tag", b"x")] * 200), {}, "too_large"),
    "a large header": (body(*TWO_FILES, part("x" * 5000, b"x")), {}, "too_large"),
    "many headers": (body(*TWO_FILES, part("t", b"x", None, "a/b" + "\r\nX: y" * 50)), {}, "too_large"),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("size", [1000, 10_000_000])
async def test_s14_bad_forms(storage: StorageBackend, receive: Receiver, case: str, size: int) -> None:
    """One typed error, and nothing stays of the files that came before."""
    data, limits, code = REFUSED[case]
    with pytest.raises(InvalidFormError) as caught:
        await receive(pieces(data, size), FILES, nothing, **limits)
    assert caught.value.code == code
    assert caught.value.to_dict() == {"message": str(caught.value), "code": code}
    assert keys(storage) == []


@pytest.mark.parametrize("before", [True, False])
async def test_s14_endless_bytes_around_the_parts(storage: StorageBackend, receive: Receiver, before: bool) -> None:
    """A preamble or an epilogue is skipped, but not for ever."""
    read = 0

    def chunks() -> Iterator[bytes]:
        nonlocal read
        yield b"" if before else body(*TWO_FILES)
        for _ in range(10_000):
            read += 1
            yield b"x" * 1000

    with pytest.raises(InvalidFormError, match="outside of its parts"):
        await receive(chunks(), FILES, nothing)
    assert read < 100
    assert keys(storage) == []


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "not_a_form"),
        ("", "not_a_form"),
        ("application/json", "not_a_form"),
        ("application/x-www-form-urlencoded", "not_a_form"),
        ("multipart/mixed; boundary=x", "not_a_form"),
        ("multipart/form-data", "malformed"),
        ("multipart/form-data; boundary=", "malformed"),
        ("multipart/form-data; boundary=" + "x" * 71, "malformed"),
        ('multipart/form-data; boundary="a\nb"', "malformed"),
        ('multipart/form-data; boundary="ä"', "malformed"),
    ],
)
async def test_headers_that_announce_no_form(
    storage: StorageBackend, receive: Receiver, header: str | None, code: str
) -> None:
    """Refused before the body is read."""

    def unread() -> Iterator[bytes]:
        raise AssertionError
        yield

    with pytest.raises(InvalidFormError) as caught:
        await receive(unread(), FILE, nothing, header)
    assert caught.value.code == code


@pytest.mark.parametrize("column", [Document.id, Document, "file", None, Column("homeless", StoredObject())])
def test_what_files_are_not_for(column: Any) -> None:
    """A mistake of the programmer's says so, before anything is read."""
    with pytest.raises(ConfigurationError), form([], CONTENT_TYPE, files={"file": column}):
        pass


@pytest.mark.parametrize("size", [1001, 100_000])
async def test_s9_the_size_of_a_file(storage: StorageBackend, receive: Receiver, size: int) -> None:
    """The limit of the column holds while the bytes come in; the rest is not read, and nothing stays."""
    read = 0

    def chunks() -> Iterator[bytes]:
        nonlocal read
        yield part("pages", b"first", "1.txt")
        yield part("small", b"x" * size, "a.txt")
        for _ in range(10_000):
            read += 1
            yield part("tag", b"x")

    with pytest.raises(FileRejectedError) as caught:
        await receive(chunks(), FILES, nothing)
    error = caught.value
    assert (error.code, error.field, error.filename, error.limit) == ("too_large", "small", "a.txt", 1000)
    assert read < 10
    assert keys(storage) == []


async def test_s9_a_file_at_the_limit(storage: StorageBackend, receive: Receiver) -> None:
    """1000 bytes are not more than 1000."""

    async def look(received: Form) -> None:
        assert received.files["small"].size == 1000

    await receive(pieces(body(part("small", b"x" * 1000, "a.txt")), 100), FILES, look)


async def test_s9_an_endless_file_is_not_read(storage: StorageBackend, receive: Receiver) -> None:
    """A client that never ends is stopped soon after the limit."""
    read = 0

    def chunks() -> Iterator[bytes]:
        nonlocal read
        yield part("small", b"", "a.txt").removesuffix(b"\r\n")
        for _ in range(10_000):
            read += 1
            yield bytes(1000)

    with pytest.raises(FileRejectedError):
        await receive(chunks(), FILES, nothing)
    assert read < 1000
    assert keys(storage) == []


# --- what breaks off


class LeftError(Exception):
    pass


async def test_a_client_that_leaves(storage: StorageBackend, receive: Receiver) -> None:
    """What the body raises comes out as it is, and nothing stays."""

    def chunks() -> Iterator[bytes]:
        yield part("pages", b"first", "1.txt")
        yield part("file", b"x" * 10_000, "a.txt")[:5000]
        raise LeftError

    with pytest.raises(LeftError):
        await receive(chunks(), FILES, nothing)
    assert keys(storage) == []


@pytest.mark.parametrize("where", ["in a part", "in the block"])
async def test_s10_a_cancelled_request(storage: StorageBackend, where: str) -> None:
    """Nothing is still being written when the task has ended, and nothing stays."""
    arrived = asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        yield part("pages", b"first", "1.txt")
        yield part("file", b"x" * 10_000, "a.txt")[: 5000 if where == "in a part" else None]
        if where == "in a part":
            arrived.set()
            await asyncio.Event().wait()
        yield body()

    async def handle() -> None:
        async with form_async(chunks(), CONTENT_TYPE, files=FILES):
            arrived.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(handle())
    await arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert keys(storage) == []


async def test_a_storage_that_fails(receive: Receiver) -> None:
    """Its error comes out; the files before go."""
    driver = FaultyDriver(storages.register_backend("memory://", key="behind")._driver)
    driver.fail(Fault("put", error=UnavailableError("out of order"), skip=1))
    storage = storages.register_backend(StorageBackend(STORAGE, driver))
    with pytest.raises(UnavailableError):
        await receive(pieces(body(*TWO_FILES)), FILES, nothing)
    assert keys(storage) == []


async def test_the_client_waits_for_the_storage(receive: Receiver, tmp_path: Any) -> None:
    """No more is read than the storage has taken, but for a few blocks."""
    storages.register_backend(f"file://{tmp_path}/slow/", key=STORAGE)
    read, most = 0, 0

    def written() -> int:
        return sum(path.stat().st_size for path in (tmp_path / "slow").rglob("*") if path.is_file())

    def chunks() -> Iterator[bytes]:
        nonlocal read, most
        yield part("file", b"", "a.bin").removesuffix(b"\r\n")
        for number in range(64 * 16):
            read += 65536
            yield bytes(65536)
            if number % 64 == 0:
                most = max(most, read - written())
        yield b"\r\n" + body()

    await receive(chunks(), FILE, nothing)
    assert read == 64 * 1024 * 1024
    assert most <= 24 * 1024 * 1024


def test_the_parser_is_an_extra() -> None:
    """Without it, the message says what to install."""
    code = (
        "import sys; sys.modules['multipart'] = None\n"
        "from holdfast.multipart_forms import FormReader\n"
        "from holdfast.errors import MissingExtraError\n"
        "try: FormReader('multipart/form-data; boundary=x', max_parts=1)\n"
        "except MissingExtraError as error: print(error)\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 'pip install "holdfast[forms]"' in answer.stdout


def test_a_namesake_of_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Old versions of python-multipart are imported under the same name."""
    monkeypatch.setitem(sys.modules, "multipart", type(sys)("multipart"))
    with pytest.raises(MissingExtraError, match="holdfast"), form([], CONTENT_TYPE, files={}):
        pass


async def test_chunks_that_are_empty(storage: StorageBackend) -> None:
    """They are not the end."""
    async with form_async(as_async([b"", FORM[:50], b"", FORM[50:], b""]), CONTENT_TYPE, files=FILE) as received:
        assert received.files["file"].size == 7
