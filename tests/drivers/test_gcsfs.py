"""What the driver for gcsfs promises beyond the contract: requests, resumed uploads, credentials, errors."""

import asyncio
import gc
from typing import Any

import fsspec
import pytest

from holdfast.backends.fsspec import FSSpecBackend
from holdfast.errors import BucketNotFoundError, NotFoundError, UnsupportedError

pytestmark = pytest.mark.gcs
MIB = 1024 * 1024


@pytest.fixture
def proxy(gcs_bucket: Any, counting_proxy: Any) -> Any:
    """A proxy in front of the emulator."""
    return counting_proxy(gcs_bucket.server.endpoint)


@pytest.fixture
def storage(gcs_bucket: Any, proxy: Any) -> FSSpecBackend:
    """A storage behind the proxy."""
    return FSSpecBackend("docs", "gs", f"{gcs_bucket.name}/folder", token="anon", endpoint_url=proxy.endpoint)


def test_requests_are_few(storage: FSSpecBackend, proxy: Any) -> None:
    """Each operation on a small object costs one request, a deletion of a hundred as well."""
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
    for number in range(99):
        storage.put(f"{number}", b"bytes")
    assert cost(lambda: storage.delete(f"{number}" for number in range(100))) == 1
    assert cost(lambda: storage.delete(["x"])) == 1
    assert cost(lambda: storage.put("big", b"x" * 12 * MIB)) == 4  # begin, three blocks


def test_nothing_is_asked_about_the_kind_of_bucket(storage: FSSpecBackend) -> None:
    """A bucket's layout, which gcsfs asks for by gRPC and with a permission of its own, is not needed."""
    storage.put("x", b"bytes")
    storage.put("big", b"x" * 9 * MIB)
    storage.copy("x", "y")
    assert storage.read("y") == b"bytes"
    assert storage.native._storage_layout_cache == {}
    assert storage.native._storage_control_client is None


@pytest.mark.parametrize("how", ["503", "drop_before", "drop_after"])
def test_a_request_that_fails_is_repeated(storage: FSSpecBackend, proxy: Any, how: str) -> None:
    """One failure of the network or of Google is not seen."""
    for call in [
        lambda: storage.put("x", b"bytes"),
        lambda: storage.put("y", b"bytes", if_absent=True),
        lambda: storage.read("x"),
        lambda: storage.stat("x"),
        lambda: list(storage.list()),
        lambda: storage.copy("x", "z"),
    ]:
        fault = proxy.fail(how=how)
        call()
        assert fault.hits == 1
    assert storage.read("z") == b"bytes"


@pytest.mark.parametrize("how", ["503", "drop_before"])
def test_a_block_that_is_cut_is_resumed(storage: FSSpecBackend, proxy: Any, how: str) -> None:
    """After a failure in the middle the upload goes on from where Google says that it is."""
    data = bytes(range(256)) * 4096 * 17
    fault = proxy.fail(how=how, method="PUT", skip=1)
    info = storage.put("x", data)
    assert fault.hits == 1
    assert info.size == len(data)
    storage.verify("x", info.checksum or "")
    spans = [request.headers.get("content-range") for request in proxy.requests if request.method == "PUT"]
    assert spans.count("bytes 5242880-10485759/*") == 2
    assert ("bytes */*" in spans) == (how == "503")  # aiohttp itself repeats what was cut on a kept connection


def test_an_upload_that_is_given_up_is_cancelled(storage: FSSpecBackend, proxy: Any) -> None:
    """A source that fails in the middle ends the upload at Google's as well."""

    def content() -> Any:
        yield b"x" * 12 * MIB
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        storage.put("x", content())
    assert proxy.count("DELETE", "upload_id=") == 1
    assert not storage.exists("x")


@pytest.mark.parametrize("size", [5, 9 * MIB], ids=["small", "large"])
def test_a_create_is_bound_to_no_generation(storage: FSSpecBackend, proxy: Any, size: int) -> None:
    """`if_absent` travels as the condition that Google documents for it; without it there is none."""
    storage.put("x", b"x" * size, if_absent=True)
    storage.put("x", b"x" * size)
    first, second = [request for request in proxy.requests if request.method == "POST"]
    assert "ifGenerationMatch=0" in first.path
    assert "ifGenerationMatch" not in second.path


def test_a_missing_bucket_is_told_from_a_missing_object(gcs_bucket: Any, storage: FSSpecBackend) -> None:
    """Both are missing, but not alike."""
    nowhere = FSSpecBackend("docs", fsspec.filesystem("gcs", **gcs_bucket.gcsfs), "no-such-bucket/x")
    for call in [nowhere.read, nowhere.stat, nowhere.delete, lambda key: nowhere.delete([key, "y"])]:
        with pytest.raises(BucketNotFoundError):
            call("x")
    with pytest.raises(NotFoundError) as caught:
        storage.read("x")
    assert not isinstance(caught.value, BucketNotFoundError)


def test_too_much_metadata_is_refused(storage: FSSpecBackend) -> None:
    """More than Google keeps is refused with numbers."""
    with pytest.raises(UnsupportedError, match="8192"):
        storage.put("x", b"bytes", metadata={"a": "x" * 9000})


def test_connections_are_closed_in_their_own_event_loop(gcs_bucket: Any) -> None:
    """A storage that is dropped while some other loop runs leaves no error there, and no connection."""

    async def main() -> list[Any]:
        storage = FSSpecBackend("docs", "gs", gcs_bucket.name, **gcs_bucket.gcsfs)
        await storage.put_async("x", b"bytes")
        session, home, errors = storage.native._session, storage.native.loop, []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context))
        del storage
        while not session.closed:  # the thread that worked for it may hold it a moment longer
            gc.collect()
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(asyncio.sleep(0), home))
        gc.collect()
        return errors

    assert asyncio.run(asyncio.wait_for(main(), 10)) == []
