"""Trying again stores all of a file or nothing, and timeouts are for silence, not for large bodies."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from holdfast import FileObject, StorageBackend, storages
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.observing import Observation, Observer, observers
from holdfast.backends.obstore import ObstoreBackend
from holdfast.drivers.fsspec.gcsfs.requests import Requests
from holdfast.drivers.local import LocalDriver
from holdfast.errors import SpentSourceError, StorageTimeoutError
from holdfast.testing.s3 import S3Bucket
from tests.errors.answering import silent
from tests.errors.places import PATIENCE, Place
from tests.errors.services import azure_through_adlfs, close, s3_through_obstore, s3_through_s3fs
from tests.files.conftest import Twin
from tests.servers.proxy import CountingProxy
from tests.servers.proxy.listener import listening

CONTENT = b"0123456789" * 1000


@pytest.fixture(params=["sync", "async"])
def twin(request: pytest.FixtureRequest) -> Twin:
    """Run the test once in each world."""
    return Twin(request.param)


@pytest.fixture(autouse=True)
def registry() -> Iterator[None]:
    """Leave the registry as it was found."""
    before = dict(storages._backends)
    yield
    storages._backends.clear()
    storages._backends.update(before)


class Flaky(LocalDriver):
    """Local disk that fails twice, at the worst moment: when it has read all of the content, or half of it."""

    failures = 2

    def put_many(self, puts):
        if not self.failures:
            return super().put_many(puts)
        self.failures -= 1
        blocks = puts[0].body.blocks(len(CONTENT) // 2)
        next(blocks)
        if self.failures:
            list(blocks)
        return [ConnectionResetError("the connection was reset")]


async def _chunks() -> AsyncIterator[bytes]:
    yield CONTENT[:5000]
    yield CONTENT[5000:]


def _path(folder) -> Any:
    (folder / "content").write_bytes(CONTENT)
    return folder / "content"


def _file(folder) -> Any:
    return _path(folder).open("rb")


SOURCES: dict[str, tuple[Callable[[Any], Any], bool]] = {
    "bytes": (lambda _: CONTENT, True),
    "BytesIO": (lambda _: io.BytesIO(CONTENT), True),
    "BytesIO at its end": (lambda _: _at_the_end(io.BytesIO(CONTENT)), True),
    "path": (_path, True),
    "file": (_file, True),
    "list": (lambda _: [CONTENT[:5000], CONTENT[5000:]], True),
    "generator": (lambda _: (chunk for chunk in (CONTENT[:5000], CONTENT[5000:])), False),
    "async generator": (lambda _: _chunks(), False),
    "pipe": (lambda _: Pipe(CONTENT), False),
}


def _at_the_end(file: io.BytesIO) -> io.BytesIO:
    file.seek(0, io.SEEK_END)
    return file


class Pipe(io.RawIOBase):
    """A stream that cannot go back."""

    def __init__(self, data: bytes) -> None:
        self._rest = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        return self._rest.readinto(buffer)


@pytest.mark.parametrize("source", SOURCES)
async def test_b63_retry_with_back_off(tmp_path, twin: Twin, source: str) -> None:
    """The documents' loop stores all of the content, or raises what says that it cannot; never an empty file."""
    make, rewinds = SOURCES[source]
    if source == "async generator" and not twin.is_async:
        return
    driver = Flaky(tmp_path / "docs", durable=False)
    storage = storages.register_backend(StorageBackend("docs", driver))
    content = make(tmp_path)
    file = FileObject(backend="docs", filename="a.txt", content=content)

    async def safe_upload(file_obj: FileObject, max_retries: int = 3) -> None:
        for attempt in range(max_retries):
            try:
                await twin(file_obj.save)
                return  # noqa: TRY300  # as documented
            except Exception:
                if attempt == max_retries - 1:
                    raise
                await asyncio.sleep(0)

    if rewinds:
        await safe_upload(file)
        assert (file.size, await twin(file.get_content)) == (len(CONTENT), CONTENT)
        await twin(file.verify)
    else:
        with pytest.raises(SpentSourceError):
            await safe_upload(file)
        assert list(storage.list()) == []
    if hasattr(content, "close"):
        content.close()


# --- the network

OPENERS = {"obstore": s3_through_obstore, "s3fs": s3_through_s3fs}


@pytest.fixture(params=OPENERS)
def open_storage(request: pytest.FixtureRequest) -> Iterator[Callable[..., StorageBackend]]:
    """Open S3 through either driver, with 0.4 seconds of patience, and close it."""
    opened: list[StorageBackend] = []

    def open_at(place: Place, patience: float = PATIENCE) -> StorageBackend:
        opened.append(OPENERS[request.param](place._replace(patience=patience)))
        return opened[-1]

    yield open_at
    for storage in opened:
        close(storage)


def place(bucket: S3Bucket, address: str | None = None) -> Place:
    """Return where a bucket is, maybe seen through a proxy."""
    server = bucket.server
    return Place(address or server.endpoint, bucket.name, server.access_key, server.secret_key)


@contextmanager
def slow_proxy(upstream: str, pause: float) -> Iterator[str]:
    """Pass answers on in small pieces with pauses: slower than the patience in all, faster from piece to piece."""
    host, _, port = upstream.removeprefix("http://").partition(":")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, server = await asyncio.open_connection(host, int(port))

        async def upward() -> None:
            while block := await reader.read(1 << 16):
                server.write(block)
                await server.drain()

        sending = asyncio.create_task(upward())
        try:
            while block := await from_server.read(40_000):
                writer.write(block)
                await writer.drain()
                await asyncio.sleep(pause)
        finally:
            sending.cancel()
            server.transport.abort()

    with listening(serve) as (own, _):
        yield f"http://127.0.0.1:{own}"


async def test_a_large_slow_body_is_not_cut(
    s3_bucket: S3Bucket, open_storage: Callable[..., StorageBackend], twin: Twin
) -> None:
    """It may take as long as it takes, while there is progress."""
    content, patience = bytes(range(256)) * 4000, 1.5
    open_storage(place(s3_bucket)).put("large", content)
    with slow_proxy(s3_bucket.server.endpoint, pause=patience / 12) as address:
        storage = open_storage(place(s3_bucket, address), patience=patience)
        watch = observers.add(Last())
        try:
            assert await twin(storage.read, "large") == content
            assert watch.last.seconds > 1.5 * patience
        finally:
            observers.remove(watch)


async def test_a_server_that_falls_silent_is_noticed(
    s3_bucket: S3Bucket, open_storage: Callable[..., StorageBackend], twin: Twin
) -> None:
    """Within the patience for silence, times the attempts; not after the minutes that a body may take."""
    with silent() as address:
        storage = open_storage(place(s3_bucket, address))
        async with asyncio.timeout(30):
            with pytest.raises(StorageTimeoutError):
                await twin(storage.read, "a")
            with pytest.raises(StorageTimeoutError):
                await twin(storage.put, "a", b"content")


SILENCED: dict[str, Callable[[StorageBackend], Any]] = {
    "read": lambda storage: storage.read("a"),
    "put": lambda storage: storage.put("a", b"x"),
    "put a large file": lambda storage: storage.put("a", bytes(30_000_000)),
}


@pytest.mark.parametrize("operation", SILENCED)
def test_adlfs_notices_silence(operation: str) -> None:
    """In requests of every kind, and when the server stops taking what is sent; the attempts are counted."""
    watch = observers.add(Last())
    with silent() as address:
        storage = azure_through_adlfs(Place(address, "box", "account", "a2V5a2V5", PATIENCE))
        try:
            with pytest.raises(StorageTimeoutError):
                SILENCED[operation](storage)
        finally:
            observers.remove(watch)
    assert watch.last.seconds < 15
    assert watch.last.retries == 1 or operation == "put a large file"


@pytest.mark.parametrize(
    ("protocol", "options", "seconds"),
    [
        ("abfs", {"account_name": "a", "account_key": "a2V5"}, (5, 180)),
        ("abfs", {"account_name": "a", "account_key": "a2V5", "connection_timeout": 7, "read_timeout": 8}, (7, 8)),
        ("s3", {"anon": True}, (5, 180)),
        ("s3", {"anon": True, "config_kwargs": {"connect_timeout": 7, "read_timeout": 8}}, (7, 8)),
        ("gs", {"token": "anon", "project": "p"}, (5, 180)),
    ],
)
def test_timeouts_of_file_systems_that_we_make(protocol: str, options: Any, seconds: tuple[float, float]) -> None:
    """Five seconds to connect and three minutes of silence, unless others are given."""
    storage = FSSpecBackend("docs", protocol, prefix="bucket", **options)
    fs = storage.native
    if protocol == "s3":
        config = fs._prepare_config_kwargs()
        found = config["connect_timeout"], config["read_timeout"]
        assert fs.retries == 1  # the others are botocore's
    elif protocol == "abfs":
        found = fs._timeout_kwargs["connection_timeout"], fs._timeout_kwargs["read_timeout"]
    else:
        timeout = Requests(fs)._timeout
        found = timeout.sock_connect, timeout.sock_read
        assert timeout.total is None
    assert found == seconds


class Last(Observer):
    """Keeps the last observation."""

    last: Observation

    def end(self, observation: Observation, begun: Any) -> None:
        self.last = observation


async def test_built_in_retries(
    s3_bucket: S3Bucket,
    counting_proxy: Callable[[str], CountingProxy],
    open_storage: Callable[..., StorageBackend],
    twin: Twin,
) -> None:
    """One 503 is got over, and the second request stores all of the content."""
    proxy = counting_proxy(s3_bucket.server.endpoint)
    storage = open_storage(place(s3_bucket, proxy.endpoint))
    if "s3fs" in type(storage.native).__module__:
        storage.native.retries = 3
    fault = proxy.fail(how="503", method="PUT", match="/a.txt")
    await twin(storage.put, "a.txt", (chunk for chunk in (CONTENT[:5000], CONTENT[5000:])))
    assert fault.hits == 1
    assert await twin(storage.read, "a.txt") == CONTENT


async def test_b64_connections_are_kept(
    s3_bucket: S3Bucket, open_storage: Callable[..., StorageBackend], twin: Twin
) -> None:
    """A storage opens one connection for requests one after another, not one for each."""
    host, _, port = s3_bucket.server.endpoint.removeprefix("http://").partition(":")
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        from_server, server = await asyncio.open_connection(host, int(port))

        async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            while block := await source.read(1 << 16):
                target.write(block)
                await target.drain()

        ways = [asyncio.create_task(copy(reader, server)), asyncio.create_task(copy(from_server, writer))]
        try:
            await asyncio.wait(ways, return_when="FIRST_COMPLETED")
        finally:
            for way in ways:
                way.cancel()
            server.transport.abort()

    with listening(serve) as (listening_port, _):
        storage = open_storage(place(s3_bucket, f"http://127.0.0.1:{listening_port}"))
        for number in range(5):
            await twin(storage.put, f"{number}", b"x")
            await twin(storage.stat, f"{number}")
        close(storage)
    assert connections <= 2


def test_b64_pool_options() -> None:
    """The documented options of the HTTP client are taken, and one misspelt is named."""
    ObstoreBackend("docs", "s3://bucket", pool_idle_timeout="30 seconds", pool_max_idle_per_host=32)
    with pytest.raises(ValueError, match="pool_max_idle_per_host"):
        ObstoreBackend("docs", "s3://bucket", pool_max_idle_per_hosts=32)
