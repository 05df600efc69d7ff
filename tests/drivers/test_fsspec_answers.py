"""What the cloud drivers over fsspec make of answers that are not the service's, and of ranges that are others."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import fsspec
import pytest

from holdfast import StorageBackend
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.errors import BucketNotFoundError, StorageError
from tests.errors.answering import answering
from tests.errors.services import Answer, Place, azure_through_adlfs, close, gcs_through_gcsfs, s3_through_s3fs

MIB = 1024 * 1024
DATED = {"Last-Modified": "Wed, 01 Jan 2025 00:00:00 GMT", "ETag": '"abc"', "x-goog-generation": "1"}
TEXT = b"0123456789"

ANSWERS = {
    "page": Answer("200 OK", b"<html>captive</html>", {"Content-Type": "text/html"}),
    "nothing": Answer("200 OK"),
    "fields": Answer("200 OK", b"{}", {"Content-Type": "application/json"}),
    "list": Answer("200 OK", b"[]", {"Content-Type": "application/json"}),
    "redirect": Answer("302 Found", b"", {"Location": "http://127.0.0.1:1/login"}),
}
OPERATIONS: dict[str, Callable[[StorageBackend], Any]] = {
    "put": lambda storage: storage.put("x", TEXT),
    "create": lambda storage: storage.put("x", TEXT, if_absent=True),
    "put in parts": lambda storage: storage.put("x", b"x" * 9 * MIB),
    "read": lambda storage: storage.read("x"),
    "read a part": lambda storage: storage.read("x", start=2, end=5),
    "stream": lambda storage: list(storage.stream("x")),
    "stat": lambda storage: storage.stat("x"),
    "list": lambda storage: list(storage.list()),
    "delete": lambda storage: storage.delete("x"),
    "delete two": lambda storage: storage.delete(["x", "y"]),
}


class Kind(NamedTuple):
    """A driver.

    Attributes:
        open: Opens a storage.
        done: Operations to which an empty answer is a good one.
        cuts: Whether it asks for a part with a request that may be answered with the whole.
    """

    open: Callable[[Place], StorageBackend]
    done: frozenset[str] = frozenset()
    cuts: bool = True


KINDS = {
    "s3fs": Kind(s3_through_s3fs, frozenset({"delete"})),
    "gcsfs": Kind(gcs_through_gcsfs, frozenset({"delete", "delete two"})),
    "adlfs": Kind(azure_through_adlfs, cuts=False),
}


@contextmanager
def opened(kind: str, answer: Answer) -> Iterator[StorageBackend]:
    """Open a storage on a server that answers everything alike."""
    with answering(answer.status, answer.body, answer.headers) as address:
        storage = KINDS[kind].open(Place(address, "bucket", "user", "a2V5"))
        yield storage
        close(storage)


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_of_something_else_is_a_failure(kind: str, answer: str) -> None:
    """A portal's page, an empty answer, JSON of another kind, a redirect: nothing was stored, read or deleted."""
    with opened(kind, ANSWERS[answer]) as storage:
        for name, operation in OPERATIONS.items():
            if answer == "nothing" and name in KINDS[kind].done:
                operation(storage)
                continue
            with pytest.raises(StorageError):
                operation(storage)


@pytest.mark.parametrize("kind", KINDS)
def test_the_message_says_that_it_is_not_the_service(kind: str) -> None:
    """What answers in the service's place is not shown, and no fault of the key."""
    with opened(kind, ANSWERS["page"]) as storage, pytest.raises(StorageError, match="not one of") as caught:
        storage.read("x") if kind == "adlfs" else storage.put("x", TEXT)
    assert type(caught.value) is StorageError


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.cuts])
def test_the_range_is_cut_out_of_the_whole(kind: str) -> None:
    """A server that does not know ranges answers with everything: only what was asked for comes out."""
    with opened(kind, Answer("200 OK", TEXT, DATED)) as storage:
        assert storage.read("x", start=2, end=5) == b"234"
        assert storage.read("x", start=7) == b"789"
        assert storage.read("x", end=3) == b"012"
        assert storage.read("x", start=20, end=30) == b""
        assert list(storage.stream("x", start=1, end=8, chunk_size=4)) == [b"123", b"4567"]
        assert storage.read("x") == TEXT


@pytest.mark.parametrize("told", ["bytes 0-9/10", "bytes 2-9/10", "bytes 2-3/10", "nonsense", None])
@pytest.mark.parametrize("kind", KINDS)
def test_another_range_is_a_failure(kind: str, told: str | None) -> None:
    """A part that is not the one that was asked for, or does not say which it is, is not taken for it."""
    headers = {**DATED, **({"Content-Range": told} if told else {})}
    with opened(kind, Answer("206 Partial Content", TEXT, headers)) as storage:
        with pytest.raises(StorageError):
            storage.read("x", start=2, end=5)
        with pytest.raises(StorageError):
            list(storage.stream("x", start=2, end=5))


@pytest.mark.parametrize("kind", KINDS)
def test_a_part_of_an_object_is_not_the_whole(kind: str) -> None:
    """An answer with a part to a request for everything is no success."""
    headers = {**DATED, "Content-Range": "bytes 0-9/20"}
    with opened(kind, Answer("206 Partial Content", TEXT, headers)) as storage, pytest.raises(StorageError):
        storage.read("x")


@pytest.mark.s3
def test_a_missing_bucket_is_told_by_every_call(s3_bucket: Any) -> None:
    """Where S3 answers with a number alone, as to a question about an object or before a copy, it is found out."""
    storage = FSSpecBackend("docs", fsspec.filesystem("s3", **s3_bucket.s3fs), "no-such-bucket-here")
    for operation in [lambda: storage.stat("x"), lambda: storage.copy("x", "y")]:
        with pytest.raises(BucketNotFoundError):
            operation()
