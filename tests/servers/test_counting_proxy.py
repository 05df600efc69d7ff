"""The proxy in front of S3: what it counts, and each way in which it fails."""

import asyncio
import socket
from collections.abc import Callable
from datetime import timedelta

import obstore
import pytest
import s3fs
from obstore.exceptions import BaseError
from obstore.store import S3Store

from holdfast.testing.s3 import S3Bucket
from tests.servers.proxy import CountingProxy


@pytest.fixture
def bucket(each_s3_bucket: S3Bucket) -> S3Bucket:
    """A fresh bucket on each server, not yet seen through a proxy."""
    return each_s3_bucket


@pytest.fixture
def proxy(counting_proxy: Callable[[str], CountingProxy], bucket: S3Bucket) -> CountingProxy:
    """A proxy in front of the bucket's server."""
    return counting_proxy(bucket.server.endpoint)


@pytest.fixture
def store(bucket: S3Bucket, proxy: CountingProxy) -> S3Store:
    """The bucket behind the proxy, for a client that never tries twice."""
    return S3Store(
        **bucket.at(proxy.endpoint).obstore, retry_config={"max_retries": 0, "retry_timeout": timedelta(seconds=10)}
    )


def test_requests_are_recorded_in_order(store: S3Store, bucket: S3Bucket, proxy: CountingProxy) -> None:
    """Each request shows its method, path, query and status, and signatures hold."""
    obstore.put(store, "x", b"hello")
    assert obstore.get(store, "x").bytes() == b"hello"
    with pytest.raises(FileNotFoundError):
        obstore.head(store, "y")
    assert [str(request) for request in proxy.requests] == [
        f"PUT /{bucket.name}/x 200",
        f"GET /{bucket.name}/x 200",
        f"HEAD /{bucket.name}/y 404",
    ]
    assert proxy.count("GET") == 1
    assert proxy.count(match="/x") == 2
    obstore.list(store, "a").collect()
    assert "prefix=a" in proxy.requests[-1].path
    proxy.clear()
    assert proxy.requests == []


def test_large_bodies_pass_unchanged(store: S3Store, proxy: CountingProxy) -> None:
    """Several megabytes arrive whole, in one PUT and in parts, and come back."""
    content = bytes(range(256)) * 40_000
    obstore.put(store, "one", content, use_multipart=False)
    obstore.put(store, "parts", content, chunk_size=5 << 20)
    assert obstore.get(store, "one").bytes() == content
    assert obstore.get(store, "parts").bytes() == content
    assert proxy.count("PUT", "partNumber=") == 2


def test_s3fs_through_the_proxy(bucket: S3Bucket, proxy: CountingProxy) -> None:
    """s3fs waits for "100 Continue" before it sends a body, and gets it."""
    fs = s3fs.S3FileSystem(**bucket.at(proxy.endpoint).s3fs)
    fs.pipe_file(f"{bucket.name}/x", b"hello")
    assert fs.cat_file(f"{bucket.name}/x") == b"hello"
    assert proxy.count("PUT", "/x") == 1


def test_503_is_answered_without_the_server(store: S3Store, bucket: S3Bucket, proxy: CountingProxy) -> None:
    """The server never sees the request, the client sees SlowDown, once."""
    fault = proxy.fail(how="503", method="PUT", match="x")
    with pytest.raises(BaseError, match="503"):
        obstore.put(store, "x", bytes(1 << 20))
    assert bucket.keys() == []
    assert fault.hits == 1
    obstore.put(store, "x", b"hello")
    assert [request.status for request in proxy.requests] == [503, 200]


def test_a_client_that_retries_gets_over_a_503(bucket: S3Bucket, proxy: CountingProxy) -> None:
    """Obstore's own retries cost a second request and nothing else."""
    proxy.fail(how="503")
    store = S3Store(**bucket.at(proxy.endpoint).obstore)
    obstore.put(store, "x", b"hello")
    assert bucket.keys() == ["x"]
    assert proxy.count("PUT") == 2


def test_drop_before_leaves_no_effect(store: S3Store, bucket: S3Bucket, proxy: CountingProxy) -> None:
    """The connection is cut before the server sees the request."""
    proxy.fail(how="drop_before", method="PUT")
    with pytest.raises(BaseError):
        obstore.put(store, "x", b"hello")
    assert bucket.keys() == []
    assert proxy.requests[0].status is None


def test_drop_after_has_the_effect_without_the_answer(store: S3Store, bucket: S3Bucket, proxy: CountingProxy) -> None:
    """The object is there although the client was told nothing."""
    proxy.fail(how="drop_after", method="PUT")
    with pytest.raises(BaseError):
        obstore.put(store, "x", b"hello", mode="create")
    assert bucket.keys() == ["x"]
    assert proxy.requests[0].status == 200


def test_the_third_request_fails(store: S3Store, bucket: S3Bucket, proxy: CountingProxy) -> None:
    """`skip` picks the n-th matching request, `match` the path."""
    proxy.fail(how="503", match="/a/", skip=1)
    obstore.put(store, "a/1", b"")
    obstore.put(store, "b", b"")
    with pytest.raises(BaseError, match="503"):
        obstore.put(store, "a/2", b"")
    obstore.put(store, "a/3", b"")
    assert bucket.keys() == ["a/1", "a/3", "b"]


async def test_hold_before_delays_the_request(store: S3Store, bucket: S3Bucket, proxy: CountingProxy) -> None:
    """Nothing is stored until the request is released."""
    fault = proxy.fail(how="hold_before", method="PUT")
    put = asyncio.ensure_future(obstore.put_async(store, "x", b"hello"))
    await asyncio.to_thread(fault.wait)
    assert bucket.keys() == []
    assert not put.done()
    fault.release()
    await put
    assert bucket.keys() == ["x"]


async def test_hold_after_delays_the_answer(store: S3Store, bucket: S3Bucket, proxy: CountingProxy) -> None:
    """The object is stored while its client still waits, and is cancelled."""
    fault = proxy.fail(how="hold_after", method="PUT")
    put = asyncio.ensure_future(obstore.put_async(store, "x", b"hello"))
    await asyncio.to_thread(fault.wait)
    while not bucket.keys():  # noqa: ASYNC110 - the server has no event for us
        await asyncio.sleep(0.01)
    assert not put.done()
    put.cancel()
    with pytest.raises(asyncio.CancelledError):
        await put


def test_a_client_that_goes_away_stores_nothing(bucket: S3Bucket, proxy: CountingProxy) -> None:
    """Half a body is not passed off as a whole one."""
    port = int(proxy.endpoint.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(f"PUT /{bucket.name}/x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf".encode())
    assert bucket.keys() == []
