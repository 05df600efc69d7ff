"""The obstore driver: how many requests it takes, what it survives, and what it never leaves behind."""

import asyncio
import subprocess
import sys
import threading

import pytest
from obstore import exceptions
from obstore.store import LocalStore, MemoryStore

from holdfast import errors
from holdfast.backends.base import StorageBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.drivers.obstore.driver import ObstoreDriver
from holdfast.drivers.obstore.failures import classify
from holdfast.drivers.obstore.values import offset, split
from holdfast.drivers.optional import Signer
from holdfast.drivers.protocol import MIB, SINGLE_PUT_LIMIT

HALVES = pytest.mark.parametrize("half", ["sync", "async"])


def storage_on(bucket, **options):
    """Return a storage on a test bucket."""
    server = bucket.server
    return ObstoreBackend(
        "docs",
        f"s3://{bucket.name}/",
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        aws_endpoint=server.endpoint,
        aws_region=server.region,
        aws_allow_http=True,
        **options,
    )


def call(storage, half, operation, *args, **options):
    """Call one half of a storage; a stream comes as a list."""
    if half == "sync":
        result = getattr(storage, operation)(*args, **options)
        return list(result) if operation in {"stream", "list"} else result

    async def run():
        result = getattr(storage, f"{operation}_async")(*args, **options)
        return [item async for item in result] if operation in {"stream", "list"} else await result

    return asyncio.run(run())


@pytest.fixture
def proxy(ministack, counting_proxy):
    """A proxy in front of ministack."""
    return counting_proxy(ministack.endpoint)


@pytest.fixture
def bucket(s3_bucket, proxy):
    """A bucket behind the proxy."""
    return s3_bucket.at(proxy.endpoint)


def lines(proxy):
    """Return the methods of the requests so far, and forget them."""
    methods = [request.method for request in proxy.requests]
    proxy.clear()
    return methods


@HALVES
@pytest.mark.parametrize("if_absent", [False, True])
@pytest.mark.parametrize("size", [0, 10, 6 * MIB, SINGLE_PUT_LIMIT])
def test_a_body_up_to_the_limit_is_one_request(bucket, proxy, half, size, if_absent):
    """Whether its size is known or not, and nothing else is asked."""
    storage = storage_on(bucket)
    for name, content in (("known", b"x" * size), ("unknown", iter([b"x" * size]))):
        proxy.clear()
        info = call(storage, half, "put", name, content, if_absent=if_absent, metadata={"é": "è"})
        assert lines(proxy) == ["PUT"]
        assert (info.size, len(info.etag)) == (size, 32)
        assert storage.stat(name).etag == info.etag


@HALVES
def test_a_larger_body_goes_in_parts(bucket, proxy, half):
    """One byte more is a multipart upload, without a copy of the first part in the way."""
    storage = storage_on(bucket)
    info = call(storage, half, "put", "x", b"x" * SINGLE_PUT_LIMIT + b"y")
    assert sorted(request.path.partition("?")[2].split("=")[0] for request in proxy.requests) == [
        *([""] if half == "async" else []),  # the writer does not tell the etag: one HEAD
        "partNumber",
        "partNumber",
        "uploadId",
        "uploads",
    ]
    assert info.etag == storage.stat("x").etag
    assert storage.read("x")[-2:] == b"xy"


@HALVES
def test_deleting_a_hundred_is_one_request(bucket, proxy, half):
    """Also where some of them do not exist."""
    storage = storage_on(bucket)
    keys = [f"k{number}" for number in range(100)]
    for key in keys[:50]:
        storage.put(key, b"x")
    proxy.clear()
    call(storage, half, "delete", keys)
    assert lines(proxy) == ["POST"]
    assert list(storage.list()) == []


@HALVES
def test_a_missing_bucket_is_not_a_missing_object(ministack, half):
    """Deleting from a bucket that is not there raises, and names what to check."""
    bucket = ministack.make_bucket()
    ministack.request("DELETE", f"/{bucket.name}")
    for operation, args in (("delete", ["x"]), ("list", []), ("put", ["x", b""])):
        with pytest.raises(errors.NotFoundError, match="bucket"):
            call(storage_on(bucket), half, operation, *args)


@HALVES
def test_reading_is_one_request(bucket, proxy, half):
    """Whole, a range, and a range that ends past the end."""
    storage = storage_on(bucket)
    storage.put("x", b"0123456789")
    proxy.clear()
    assert call(storage, half, "read", "x") == b"0123456789"
    assert call(storage, half, "read", "x", start=2, end=5) == b"234"
    assert call(storage, half, "read", "x", start=8) == b"89"
    assert call(storage, half, "read", "x", start=8, end=2**70) == b"89"
    assert call(storage, half, "stream", "x", chunk_size=100) == [b"0123456789"]
    assert lines(proxy) == ["GET"] * 5


@HALVES
def test_a_range_past_the_end_is_empty(bucket, half):
    """It is only found out by asking; a missing object still raises."""
    storage = storage_on(bucket)
    storage.put("x", b"0123456789")
    storage.put("empty", b"")
    assert call(storage, half, "read", "x", start=10) == b""
    assert call(storage, half, "read", "x", start=2**70, end=2**71) == b""
    assert call(storage, half, "stream", "empty", end=5) == []
    with pytest.raises(errors.NotFoundError):
        call(storage, half, "read", "missing", start=10)


@HALVES
def test_a_server_that_ignores_ranges(rclone_bucket, half):
    """The range is cut out of the whole object."""
    storage = storage_on(rclone_bucket)
    storage.put("x", bytes(range(256)) * 10_000)
    assert call(storage, half, "read", "x", start=250, end=260) == bytes([*range(250, 256), *range(4)])
    assert call(storage, half, "read", "x", start=2_559_998) == b"\xfe\xff"
    assert b"".join(call(storage, half, "stream", "x", start=1, end=2_000_000)) == storage.read("x")[1:2_000_000]


@HALVES
def test_stat_is_one_request(bucket, proxy, half):
    """With type and metadata."""
    storage = storage_on(bucket)
    storage.put("x", b"x", content_type="text/plain", metadata={"Author": ["Zoë", None]})
    proxy.clear()
    info = call(storage, half, "stat", "x")
    assert lines(proxy) == ["HEAD"]
    assert (info.content_type, info.metadata) == ("text/plain", {"Author": ["Zoë", None]})


@HALVES
def test_a_lost_answer_to_a_create(bucket, proxy, half):
    """The repeated request finds our own bytes, which is a success; with other bytes the key is taken."""
    storage = storage_on(bucket)
    proxy.fail(how="drop_after", method="PUT")
    assert call(storage, half, "put", "x", b"ours", if_absent=True).etag == storage.stat("x").etag
    proxy.fail(how="drop_before", method="PUT")
    with pytest.raises(errors.AlreadyExistsError):
        call(storage, half, "put", "x", b"others", if_absent=True)
    assert storage.read("x") == b"ours"


@HALVES
def test_a_large_body_never_replaces(s3_bucket, half):
    """There is no atomic create for parts, so the key is looked up first."""
    storage = storage_on(s3_bucket)
    storage.put("x", b"old")
    with pytest.raises(errors.AlreadyExistsError):
        call(storage, half, "put", "x", b"x" * (SINGLE_PUT_LIMIT + 1), if_absent=True)
    assert storage.read("x") == b"old"
    assert s3_bucket.uploads() == 0


@HALVES
def test_a_service_without_create(s3_bucket, half):
    """The key is looked up, then written plainly."""
    storage = storage_on(s3_bucket, conditional_put="disabled")
    assert call(storage, half, "put", "x", b"new", if_absent=True).size == 3
    with pytest.raises(errors.AlreadyExistsError):
        call(storage, half, "put", "x", b"newer", if_absent=True)
    assert storage.read("x") == b"new"


async def test_a_cancelled_put_waits_for_its_request(bucket, proxy):
    """The task ends when the server has answered, so that nothing is written behind the caller's back."""
    storage = storage_on(bucket)
    fault = proxy.fail(how="hold_before", method="PUT")
    task = asyncio.create_task(storage.put_async("x", b"bytes"))
    await asyncio.to_thread(fault.wait)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=0.1)
    assert not done
    task.cancel()  # impatience does not help
    fault.release()
    with pytest.raises(asyncio.CancelledError):
        await task
    await storage.delete_async("x")
    assert not await storage.exists_async("x")


@pytest.mark.parametrize("match", ["uploads", "partNumber"])
async def test_a_cancelled_multipart_upload_is_aborted(bucket, proxy, match):
    """Wherever the cancellation strikes, neither an object nor an unfinished upload is left."""
    storage = storage_on(bucket)
    fault = proxy.fail(how="hold_before", match=match)
    content = (b"x" * MIB for _ in range(60))
    task = asyncio.create_task(storage.put_async("x", content))
    await asyncio.to_thread(fault.wait)
    task.cancel()
    fault.release()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (bucket.keys(), bucket.uploads()) == ([], 0)


@HALVES
def test_silence_is_a_timeout(bucket, proxy, half):
    """A server that does not answer raises a TimeoutError, of our own class."""
    storage = storage_on(bucket, read_timeout=0.2, retry_config={"max_retries": 0})
    proxy.fail(how="hold_before", times=2)
    with pytest.raises(errors.StorageTimeoutError, match="'timeout'"):
        call(storage, half, "put", "timeout", b"x")
    with pytest.raises(TimeoutError):
        call(storage, half, "stat", "x")


WORDS = [
    "TimedOut",
    "retry_timeout 404",
    "status code: 403",
    "<Code>NoSuchBucket</Code>",
    "Azure CLI",
    "'az account get-access-token' command failed: ",
    "Error reading federated token file",
    "Error performing token request: ",
    "Bulk delete request failed The specified container does not exist",
    "Bulk delete request failed (code: 403)",
    "HttpError { kind: Timeout",
    "source: TimedOut,",
    "Os { code: 20, kind: NotADirectory",
    "- HTTP error: ",
    "error decoding response body",
    "source: reqwest::Error",
    "Error performing HEAD x status code: 403",
    "Error performing GET x in 1s - Server returned non-2xx status code: 403: ",
    "after 3 retries",
    "not found: Received non-partial response",
]
"""What is looked for in the texts of obstore."""


@HALVES
@pytest.mark.parametrize("name", WORDS)
def test_a_key_does_not_decide_what_a_missing_object_means(s3_bucket, half, name):
    """Nor in the debug output, which a key may end, nor with what stands before it."""
    for key in (name, f'x", {name}, "', f"Generic S3 error: {name}"):
        for storage in (storage_on(s3_bucket), ObstoreBackend("docs", "memory://")):
            for operation in ("stat", "read"):
                with pytest.raises(errors.NotFoundError) as caught:
                    call(storage, half, operation, key)
                assert type(caught.value) is errors.NotFoundError
            call(storage, half, "put", key, b"x", if_absent=True)
            with pytest.raises(errors.AlreadyExistsError):
                call(storage, half, "put", key, b"x", if_absent=True)


@HALVES
@pytest.mark.parametrize("name", WORDS)
def test_a_key_does_not_decide_what_an_error_means(bucket, proxy, half, name):
    """The text of an error, which tells timeouts and refusals apart, holds the key too."""
    storage = storage_on(bucket, retry_config={"max_retries": 0})
    proxy.fail(how="503")
    with pytest.raises(errors.ThrottledError):
        call(storage, half, "put", name, b"x")


@HALVES
def test_wrong_credentials_are_denied_and_not_shown(s3_bucket, half):
    """The error says that access was refused; neither it nor its causes hold the secret."""
    server = s3_bucket.server
    canary = "CANARY" + "x" * 34
    storage = ObstoreBackend(
        "docs",
        f"s3://{s3_bucket.name}",
        aws_access_key_id=server.access_key,
        aws_secret_access_key=canary,
        aws_endpoint=server.endpoint,
        aws_allow_http=True,
    )
    with pytest.raises(errors.AccessDeniedError) as caught:
        call(storage, half, "put", "x", b"x")
    error = caught.value
    shown = [repr(storage), repr(storage.native), repr(vars(error))]
    while error is not None:
        shown += [str(error), repr(error)]
        error = error.__cause__ or error.__context__
    assert not any(canary in text for text in shown)


@HALVES
@pytest.mark.parametrize("content_type", ["text/plain\r\nx-evil: 1", "text/é", "a\0b", " a", "", "x" * 300])
def test_a_content_type_that_cannot_be_a_header(s3_bucket, half, content_type):
    """It is left out: the put succeeds without a panic, and the object stays readable."""
    storage = storage_on(s3_bucket)
    call(storage, half, "put", "x", b"bytes", content_type=content_type)
    assert storage.read("x") == b"bytes"
    assert storage.stat("x").content_type in {None, "binary/octet-stream", "application/octet-stream"}


@HALVES
def test_too_much_metadata_is_refused(bucket, proxy, half):
    """Before anything is sent, with the numbers; S3's limit itself fits."""
    storage = storage_on(bucket)
    with pytest.raises(errors.UnsupportedError, match=r"2049 bytes.*at most 2048"):
        call(storage, half, "put", "x", b"x", metadata={"name": "x" * 2045})
    assert lines(proxy) == []
    call(storage, half, "put", "x", b"x", metadata={"name": "x" * 2044})
    assert storage.stat("x").metadata == {"name": "x" * 2044}


def test_a_service_that_counts_its_own_way(rclone_bucket):
    """Its refusal means the same: this service cannot keep so much metadata."""
    storage = storage_on(rclone_bucket)
    with pytest.raises(errors.UnsupportedError):
        storage.put("x", b"x", metadata={"title": "é" * 335})
    storage.put("x", b"x", metadata={"title": "é" * 100})
    assert storage.stat("x").metadata["title"] == "é" * 100


@HALVES
def test_a_listing_resumes_in_the_middle(s3_bucket, half):
    """After a key, after half a key, and after what cannot be a key; never with a neighbour of the prefix."""
    storage = storage_on(s3_bucket)
    for key in ("a/1", "a/2", "a/b/3", "ab", "a b/%41", "é/ö"):
        storage.put(key, b"")
    expected = {
        None: ["a/1", "a/2", "a/b/3"],
        "a/1": ["a/2", "a/b/3"],
        "a/b/": ["a/b/3"],
        "a//": ["a/1", "a/2", "a/b/3"],
    }
    for after, keys in expected.items():
        assert [info.key for info in call(storage, half, "list", "a", after=after)] == keys
    assert [info.key for info in call(storage, half, "list")] == ["a b/%41", "a/1", "a/2", "a/b/3", "ab", "é/ö"]


def test_a_listing_of_many_comes_in_pages(rclone_bucket, counting_proxy):
    """A thousand objects a request, in both halves."""
    keys = [f"{number:04}" for number in range(1500)]
    asyncio.run(_put_all(storage_on(rclone_bucket), keys))
    proxy = counting_proxy(rclone_bucket.server.endpoint)
    storage = storage_on(rclone_bucket.at(proxy.endpoint))
    for half in ("sync", "async"):
        assert [info.key for info in call(storage, half, "list")] == keys
        assert lines(proxy) == ["GET", "GET"]


async def _put_all(storage, keys):
    await asyncio.gather(*[storage.put_async(key, b"") for key in keys])


@HALVES
def test_a_store_without_an_order(tmp_path, half, monkeypatch):
    """A local store lists as its folders lie; what comes out is in order, also in several passes."""
    monkeypatch.setattr("holdfast.drivers.obstore.driver._SORTED_AT_ONCE", 3)
    storage = ObstoreBackend("docs", LocalStore(tmp_path))
    keys = ["b/2", "a/1", "c", "a/0", "b/1", "a.x", "é"]
    for key in keys:
        storage.put(key, b"", metadata={"kept": "in the row only"})
    assert [info.key for info in call(storage, half, "list")] == sorted(keys)
    assert [info.key for info in call(storage, half, "list", after="a/1")] == sorted(keys)[3:]
    call(storage, half, "delete", ["missing", *keys])
    assert list(storage.list()) == []


def test_a_store_is_made_once_and_late():
    """Threads that come at the same time share it."""
    made = []

    def make():
        made.append(MemoryStore())
        return made[-1]

    driver = ObstoreDriver(make)
    assert made == []
    start = threading.Barrier(8)
    found = []

    def work():
        start.wait()
        found.append(driver.native)

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(made) == 1
    assert found == made * 8


def test_only_some_stores_can_sign(s3_bucket):
    """The ability is absent by type; signing makes no request."""
    assert not isinstance(ObstoreDriver(MemoryStore), Signer)
    with pytest.raises(errors.UnsupportedError):
        ObstoreBackend("docs", "memory://").sign("x")
    url = storage_on(s3_bucket).sign("a b/é.txt", expires_in=60)
    assert "/a%20b/%C3%A9.txt?" in url
    assert "X-Amz-Expires=60" in url


FORK = """
import os, signal, sys
from obstore.store import MemoryStore
from holdfast.backends.obstore import ObstoreBackend
from holdfast.errors import ForkError

signal.alarm(60)  # a hang must not last
before = ObstoreBackend("before", "memory://")
made = ObstoreBackend("made", MemoryStore())
if sys.argv[1] == "used":
    before.put("x", b"x")
child = os.fork()
if child:
    _, status = os.waitpid(child, 0)
    before.put("y", b"y")
    sys.exit(os.waitstatus_to_exitcode(status))
signal.alarm(20)
for storage in (before, made, ObstoreBackend("new", "memory://")):
    for work in (lambda: storage.put("k", b"v"), lambda: storage.read("k"), lambda: list(storage.list())):
        try:
            work()
        except ForkError as error:
            assert sys.argv[1] == "used" and "spawn" in str(error) and "forkserver" in str(error), error
        else:
            assert sys.argv[1] == "configured"
os._exit(0)
"""


@pytest.mark.parametrize("before", ["used", "configured"])
@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="no fork on this system")
def test_a_forked_child(before):
    """It raises at once if its parent had used obstore, and works if that was only configured."""
    subprocess.run([sys.executable, "-c", FORK, before], check=True, timeout=90)


MEMORY = """
import resource, sys
from holdfast.backends.obstore import ObstoreBackend

def peak():  # in bytes, of this process alone
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024

url, endpoint, key, secret = sys.argv[1:]
storage = ObstoreBackend("docs", url, aws_endpoint=endpoint, aws_allow_http=True,
                         aws_access_key_id=key, aws_secret_access_key=secret)
storage.put("warm", b"x")
storage.read("warm")
before = peak()
size = 256 * 1024 * 1024
storage.put("big", (bytes(1 << 20) for _ in range(256)))
assert sum(map(len, storage.stream("big"))) == size
assert peak() - before < 100 * 1024 * 1024, peak() - before
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_stream_of_unknown_length_takes_bounded_memory(rclone_bucket):
    """256 MiB go up and down in less than 100 MB."""
    server = rclone_bucket.server
    arguments = [f"s3://{rclone_bucket.name}", server.endpoint, server.access_key, server.secret_key]
    subprocess.run([sys.executable, "-c", MEMORY, *arguments], check=True, timeout=120)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (FileNotFoundError("x"), errors.NotFoundError),
        (exceptions.AlreadyExistsError("x"), errors.AlreadyExistsError),
        (exceptions.PreconditionError("x"), errors.PreconditionFailedError),
        (exceptions.PermissionDeniedError("x"), errors.AccessDeniedError),
        (exceptions.UnauthenticatedError("x"), errors.AuthenticationError),
        (exceptions.NotSupportedError("x"), errors.UnsupportedError),
        (NotImplementedError("x"), errors.UnsupportedError),
        (exceptions.InvalidPathError("x"), errors.StorageError),
        (exceptions.GenericError("x"), errors.StorageError),
        (KeyError("x"), None),
    ],
)
def test_what_errors_mean(error, expected):
    """The exceptions of obstore and the built-in ones that it raises; nothing else."""
    assert classify(error) is expected


def test_a_driver_by_hand():
    """A driver takes a store as well as what makes one."""
    store = MemoryStore()
    assert StorageBackend("docs", ObstoreDriver(store)).native is store


@pytest.mark.parametrize(
    ("after", "expected"),
    [(None, None), ("", None), ("a/b", "a/b"), ("a/", "a"), ("a//b", "a"), ("../x", None), ("a/\0", "a")],
)
def test_where_a_listing_starts(after, expected):
    """At the longest part of the text that can be a key."""
    assert offset(after) == expected


def test_chunks_are_split_to_about_a_size():
    """None is smaller than asked for, but for the last, and none twice as large."""
    assert list(split(b"0123456789", 3)) == [b"012", b"345", b"6789"]
    assert list(split(b"01234", 3)) == [b"01234"]
    assert list(split(b"", 3)) == []
