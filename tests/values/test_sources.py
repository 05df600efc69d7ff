"""Many kinds of input become one stream of bytes, which is read again where it can be and raises where it cannot."""

import array
import gzip
import io
import mmap
import tempfile
from pathlib import Path

import anyio
import pytest
from starlette.datastructures import Headers
from starlette.datastructures import UploadFile as StarletteUpload
from werkzeug.datastructures import FileStorage

from holdfast.contents import to_source
from holdfast.errors import SourceTypeError, SpentSourceError
from holdfast.sources import Source
from tests.companions import LitestarUpload

DATA = b"0123456789"


def read(source: Source) -> bytes:
    """Return all bytes."""
    return b"".join(source.chunks())


async def read_async(source: Source) -> bytes:
    """Return all bytes."""
    return b"".join([bytes(chunk) async for chunk in source.chunks_async()])


def spooled(*, on_disk: bool) -> tempfile.SpooledTemporaryFile:
    """Return a file that may have spilled to disk."""
    file = tempfile.SpooledTemporaryFile(1 if on_disk else 1000)  # noqa: SIM115
    file.write(DATA)
    return file


def mapped(folder: Path) -> mmap.mmap:
    """Return a mapped file."""
    with (folder / "data").open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


REPLAYABLE = {
    "bytes": lambda folder: DATA,
    "empty": lambda folder: b"",
    "bytearray": lambda folder: bytearray(DATA),
    "array of numbers": lambda folder: array.array("I", [1, 2, 3]),
    "matrix": lambda folder: memoryview(DATA).cast("B", (2, 5)),
    "path": lambda folder: folder / "data",
    "unbuffered file": lambda folder: (folder / "data").open("rb", buffering=0),
    "file": lambda folder: (folder / "data").open("rb"),
    "bytesio": lambda folder: io.BytesIO(DATA),
    "spooled in memory": lambda folder: spooled(on_disk=False),
    "spooled on disk": lambda folder: spooled(on_disk=True),
    "compressed": lambda folder: gzip.open(folder / "data.gz"),  # noqa: SIM115
    "buffer over compressed": lambda folder: io.BufferedReader(gzip.open(folder / "data.gz")),  # noqa: SIM115
    "buffer over memory": lambda folder: io.BufferedReader(io.BytesIO(DATA)),
    "mapped": mapped,
    "list": lambda folder: [DATA[:3], b"", DATA[3:]],
    "tuple": lambda folder: (DATA,),
}
WITHOUT_SIZE = {"compressed", "buffer over compressed", "buffer over memory", "mapped", "list", "tuple"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the data, plain and compressed."""
    (tmp_path / "data").write_bytes(DATA)
    (tmp_path / "data.gz").write_bytes(gzip.compress(DATA))
    return tmp_path


@pytest.mark.parametrize("kind", REPLAYABLE)
def test_what_can_be_read_again(folder: Path, kind: str) -> None:
    """A second reading gives the same bytes; where the size is known beforehand, it is right."""
    content = REPLAYABLE[kind](folder)
    source = to_source(content)
    first = read(source)
    assert read(source) == first
    assert first == (DATA if kind not in {"empty", "array of numbers"} else bytes(content))
    assert not source.spent
    assert source.replayable
    assert source.size == (None if kind in WITHOUT_SIZE else len(first))
    if hasattr(content, "close"):
        content.close()


def test_a_file_is_read_from_its_beginning(folder: Path) -> None:
    """Also after somebody looked into it: a file object stands for the whole file."""
    file = io.BytesIO(DATA)
    file.seek(5)
    assert read(to_source(file)) == DATA


ONCE = {
    "iterator": lambda: iter([DATA]),
    "generator": lambda: (bytes([each]) for each in DATA),
    "set": lambda: {DATA},
    "pipe": lambda: Pipe(DATA),
}


class Pipe:
    """A file object that cannot seek and says nothing about it."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)
        self.read = self._file.read


@pytest.mark.parametrize("kind", ONCE)
def test_what_can_be_read_once(kind: str) -> None:
    """The second reading raises; it is never empty."""
    source = to_source(ONCE[kind]())
    assert not source.spent
    assert read(source) == DATA
    assert source.spent
    with pytest.raises(SpentSourceError, match="cannot be rewound"):
        read(source)


async def chunks():
    """Yield the data, awaited."""
    yield DATA[:4]
    yield DATA[4:]


async def test_async_content(folder: Path) -> None:
    """An async iterator and an async file are read once, and only asynchronously."""
    async with await anyio.open_file(folder / "data", "rb") as file:
        for content in (chunks(), file):
            source = to_source(content)
            assert source.is_async
            with pytest.raises(TypeError, match="_async"):
                read(source)
            assert not source.spent
            assert await read_async(source) == DATA
            with pytest.raises(SpentSourceError):
                await read_async(source)


def starlette(file: object, name: str | None = "a.txt") -> StarletteUpload:
    """Return what Starlette and FastAPI hand over."""
    return StarletteUpload(file, filename=name, headers=Headers({"content-type": "text/x"}))


def litestar(file: io.BytesIO, name: str = "a.txt") -> LitestarUpload:
    """Return what Litestar hands over."""
    return LitestarUpload("text/x", name, file.getvalue())


def werkzeug(file: object, name: str | None = "a.txt") -> FileStorage:
    """Return what Flask hands over."""
    return FileStorage(file, name, content_type="text/x")


@pytest.mark.parametrize("make", [starlette, litestar, werkzeug])
def test_uploads_of_frameworks(make) -> None:
    """They bring name and type along, and their bytes are read without an await, again and again."""
    upload = make(io.BytesIO(DATA))
    source = to_source(upload)
    assert (source.filename, source.content_type, source.is_async) == ("a.txt", "text/x", False)
    assert read(source) == read(source) == DATA
    source.file.close()


@pytest.mark.parametrize("name", ["a.txt", "", None])
def test_a_stream_that_cannot_seek(name: str | None) -> None:
    """Werkzeug may hand over the raw request; it is read once."""
    source = to_source(werkzeug(Pipe(DATA), name))
    assert read(source) == DATA
    with pytest.raises(SpentSourceError):
        read(source)


@pytest.mark.parametrize(
    "content", ["text", "", 7, 1.5, object(), {"a": b"b"}, io.StringIO("x"), bytes, Path, chunks, lambda: b"x", None]
)
def test_what_has_no_bytes(content: object) -> None:
    """Each is refused at once, and the message says what to pass instead."""
    with pytest.raises(SourceTypeError):
        to_source(content)


def test_a_text_file(folder: Path) -> None:
    """A file opened as text is refused, directly or once it is read."""
    with (folder / "data").open() as file, pytest.raises(SourceTypeError, match="binary mode"):
        to_source(file)
    with tempfile.NamedTemporaryFile("w+") as file:
        file.write("x")
        with pytest.raises(SourceTypeError, match="str"):
            read(to_source(file))


@pytest.mark.parametrize("chunk", ["text", 7, None, [b"x"]])
async def test_chunks_that_are_not_bytes(chunk: object) -> None:
    """The error says what came."""

    async def content():
        yield chunk

    with pytest.raises(SourceTypeError, match=type(chunk).__name__):
        read(to_source([chunk]))
    with pytest.raises(SourceTypeError, match=type(chunk).__name__):
        await read_async(to_source(content()))


def test_a_reused_buffer() -> None:
    """What a chunk held when it came is what stays in it."""

    def content():
        buffer = bytearray(1)
        for each in DATA:
            buffer[0] = each
            yield buffer

    assert b"".join(list(to_source(content()).chunks())) == DATA


def test_a_source_is_its_own() -> None:
    """to_source gives a source back as it is."""
    source = to_source(DATA)
    assert to_source(source) is source
