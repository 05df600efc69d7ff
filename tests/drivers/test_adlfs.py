"""What the driver for adlfs promises beyond the contract: requests, versions of a read, names of blocks, errors."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from holdfast.backends.fsspec import FSSpecBackend
from holdfast.errors import (
    AlreadyExistsError,
    AuthenticationError,
    BucketNotFoundError,
    ConfigurationError,
    NotFoundError,
    PreconditionFailedError,
    UnavailableError,
    UnsupportedError,
)

pytestmark = pytest.mark.azure
MIB = 1024 * 1024


@pytest.fixture
def storage(azure_container: Any) -> FSSpecBackend:
    """A storage, by name."""
    text = azure_container.server.connection_string
    return FSSpecBackend("docs", "abfs", f"{azure_container.name}/folder", connection_string=text)


def test_requests_are_few(azure_container: Any, counting_proxy: Any) -> None:
    """Each operation on a small object costs one request."""
    proxy = counting_proxy(azure_container.server.endpoint)
    text = azure_container.at(proxy.endpoint).server.connection_string
    storage = FSSpecBackend("docs", "abfs", azure_container.name, connection_string=text)
    storage.put("warm", b"bytes")

    def cost(call: Any) -> int:
        before = len(proxy.requests)
        call()
        return len(proxy.requests) - before

    assert cost(lambda: storage.put("x", b"bytes", if_absent=True, metadata={"a": 1})) == 1
    assert cost(lambda: asyncio.run(storage.put_async("y", b"bytes"))) == 1
    assert cost(lambda: storage.read("x")) == 1
    assert cost(lambda: storage.read("x", start=1, end=3)) == 1
    assert cost(lambda: list(storage.stream("x"))) == 1
    assert cost(lambda: storage.stat("x")) == 1
    assert cost(lambda: list(storage.list())) == 1
    assert cost(lambda: storage.delete("x")) == 1
    assert cost(lambda: storage.put("big", b"x" * 12 * MIB)) == 4  # three blocks, and the list of them


def test_a_read_is_of_one_version(storage: FSSpecBackend) -> None:
    """A blob that is replaced while it is being read never comes out as a mixture."""
    storage.put("x", b"a" * 17 * MIB)
    stream = storage.stream("x", chunk_size=MIB)
    next(stream)
    storage.put("x", b"b" * 17 * MIB)
    with pytest.raises(PreconditionFailedError):
        list(stream)


def test_two_uploads_to_one_key_do_not_mix(storage: FSSpecBackend) -> None:
    """Blocks belong to the key: those of one upload are never taken for those of another."""
    contents = [bytes([number]) * (12 * MIB + number) for number in range(3)]

    def write(content: bytes) -> None:
        try:
            storage.put("x", content)
        except OSError:  # another one was complete first, and Azure dropped these blocks
            return

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, contents))
    assert storage.read("x") in contents


def test_errors_say_what_they_are(azure_container: Any, storage: FSSpecBackend) -> None:
    """A wrong key, a missing container, a missing blob, a dead endpoint: each has its class."""
    server = azure_container.server
    text = server.connection_string
    denied = FSSpecBackend(
        "docs", "abfs", azure_container.name, connection_string=text.replace(server.key, "Y2FuYXJ5LXNlY3JldA==")
    )
    nowhere = FSSpecBackend("docs", "abfs", "no-such-container", connection_string=text)
    for broken, expected in [(denied, AuthenticationError), (nowhere, BucketNotFoundError)]:
        for call in [
            lambda storage: storage.put("x", b"bytes"),
            lambda storage: storage.read("x"),
            lambda storage: storage.stat("x"),
            lambda storage: list(storage.list()),
            lambda storage: storage.delete("x"),
            lambda storage: storage.delete(["x", "y"]),
        ]:
            with pytest.raises(expected) as caught:
                call(broken)
            assert "Y2FuYXJ5" not in repr(caught.value) + str(caught.value)
    with pytest.raises(NotFoundError) as missing:
        storage.read("x")
    assert not isinstance(missing.value, BucketNotFoundError)


def test_nobody_listens(azure_container: Any) -> None:
    """A dead endpoint is told as such, after a few attempts."""
    with socket.socket() as taken:  # bound, and not listening
        taken.bind(("127.0.0.1", 0))
        dead = azure_container.at(f"http://127.0.0.1:{taken.getsockname()[1]}").server.connection_string
        storage = FSSpecBackend("docs", "abfs", "container", connection_string=dead)
        storage.native.service_client._config.retry_policy.total_retries = 0
        with pytest.raises(UnavailableError):
            storage.read("x")


def test_the_first_pause_is_short(storage: FSSpecBackend, azure_container: Any) -> None:
    """Azure's library would wait for a quarter of a minute; a file system that the user made is left alone."""
    import fsspec

    assert storage.native.service_client._config.retry_policy.initial_backoff == 1
    fs = fsspec.filesystem("abfs", connection_string=azure_container.server.connection_string)
    assert FSSpecBackend("docs", fs, "x").native.service_client._config.retry_policy.initial_backoff == 15


def test_what_azure_does_not_take(storage: FSSpecBackend) -> None:
    """Too much metadata and an unknown tier are refused with what there is."""
    with pytest.raises(UnsupportedError, match="8192"):
        storage.put("x", b"bytes", metadata={"a": "x" * 9000})
    with pytest.raises(ConfigurationError, match="Cool"):
        storage.put("x", b"bytes", object_settings={"storage_class": "STANDARD_IA"})


def test_folders_of_other_tools_are_not_objects(storage: FSSpecBackend) -> None:
    """What stands for an empty folder is not listed."""
    storage.put("a/x", b"bytes")
    storage.put("b", b"", metadata={"hdi_isfolder": "true"})
    assert [info.key for info in storage.list()] == ["a/x"]


@pytest.mark.parametrize("size", [2 * MIB, 20 * MIB], ids=["in one block", "in blocks"])
def test_a_create_is_a_create_whatever_the_size(storage: FSSpecBackend, size: int) -> None:
    """Of several that create the same blob at the same time one wins, and what is there is not replaced."""
    contents = [bytes([number]) * size for number in range(3)]
    start = Barrier(len(contents))

    def create(content: bytes) -> bool:
        start.wait(30)
        try:
            storage.put("x", content, if_absent=True)
        except AlreadyExistsError:
            return False
        return True

    with ThreadPoolExecutor(len(contents)) as pool:
        won = list(pool.map(create, contents))
    assert won.count(True) == 1
    assert storage.read("x") == contents[won.index(True)]
    with pytest.raises(AlreadyExistsError):
        storage.put("x", contents[0], if_absent=True)
