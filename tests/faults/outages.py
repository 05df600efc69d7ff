"""Storages that break down on cue, as disks and services do, and come back."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import fsspec.asyn

from holdfast import StorageBackend, storages
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.errors import AccessDeniedError, NotFoundError, StorageError
from holdfast.testing.s3 import S3Bucket
from tests.faults.world import STORAGE
from tests.servers.proxy import CountingProxy
from tests.servers.shared import ServerFailedError

SMALL, BIG = b"s" * 1000, b"b" * 1_000_000
ROOM = 300_000  # bytes that a full disk still takes: the big file fails halfway
BRIEF = timedelta(milliseconds=10)
QUICK_RETRIES = {"max_retries": 2, "backoff": {"init_backoff": BRIEF, "max_backoff": BRIEF, "base": 2}}
WRONG_SECRET = "wrong-secret-7c1d"

OPERATIONS = frozenset({"put", "delete", "read"})


@dataclass
class Outage:
    """A storage, and how it breaks down.

    Attributes:
        begin: Break it.
        end: Repair it.
        keys: All that lies in it, temporary files included, seen without the library.
        error: What the library raises meanwhile.
        says: What the error's text holds besides.
        fails: The operations that fail.
        secrets: What no text may hold.
    """

    begin: Callable[[], object]
    end: Callable[[], object]
    keys: Callable[[], set[str]]
    error: type[StorageError]
    says: str
    fails: frozenset[str] = OPERATIONS
    secrets: tuple[str, ...] = ()


# --- disks


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Mount a disk of two megabytes."""
    folder.mkdir()
    _mount("-t", "tmpfs", "-o", "size=2m,mode=0755", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def full_disk(folder: Path) -> Iterator[Outage]:
    """A disk that somebody else fills up."""
    with small_disk(folder / "disk") as disk:
        filler = disk / "filler"

        def fill() -> None:
            free = os.statvfs(disk)
            filler.write_bytes(b"f" * (free.f_bavail * free.f_bsize - ROOM))

        keys = _on_disk(disk / "files")
        yield Outage(fill, filler.unlink, keys, StorageError, "No space left on device", frozenset({"put"}))


@contextmanager
def limited_files(folder: Path) -> Iterator[Outage]:
    """A process whose files must not get big: what a full disk is for somebody who is not root."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    keys = _on_disk(folder / "files")
    try:
        yield Outage(
            lambda: limit(ROOM), lambda: limit(before[0]), keys, StorageError, "File too large", frozenset({"put"})
        )
    finally:
        limit(before[0])


@contextmanager
def read_only_disk(folder: Path) -> Iterator[Outage]:
    """A disk that turned read-only, as they do after an error; modes would not stop root."""
    with small_disk(folder / "disk") as disk:
        yield Outage(
            lambda: _mount("-o", "remount,ro", str(disk)),
            lambda: _mount("-o", "remount,rw", str(disk)),
            _on_disk(disk / "files"),
            AccessDeniedError,
            "Read-only file system",
            frozenset({"put", "delete"}),
        )


def _mount(*arguments: str) -> None:
    try:
        subprocess.run(["mount", *arguments], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ServerFailedError(f"a disk cannot be mounted, which takes root: {error}") from error


def _on_disk(root: Path) -> Callable[[], set[str]]:
    storages.register_backend(f"file://{root}", key=STORAGE)
    return lambda: {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}


# --- services


@contextmanager
def through_obstore(bucket: S3Bucket) -> Iterator[StorageBackend]:
    """Open a bucket through obstore, with few retries."""
    options = {name: value for name, value in bucket.obstore.items() if name != "bucket"}
    yield ObstoreBackend(STORAGE, f"s3://{bucket.name}", **options, retry_config=QUICK_RETRIES)


@contextmanager
def through_s3fs(bucket: S3Bucket) -> Iterator[StorageBackend]:
    """Open a bucket through s3fs, with few retries."""
    options = bucket.s3fs
    options["config_kwargs"] |= {"retries": {"max_attempts": 0}}
    options["username"], options["password"] = options.pop("key"), options.pop("secret")
    storage = FSSpecBackend(STORAGE, "s3", prefix=bucket.name, **options)
    storage.native.retries = 2
    try:
        yield storage
    finally:
        # Left to the garbage collector, it would be closed in whichever event loop runs just then.
        if storage.native._s3 is not None:
            fsspec.asyn.sync(storage.native.loop, storage.native._s3.__aexit__, None, None, None)


Opening = Callable[[S3Bucket], AbstractContextManager[StorageBackend]]


@contextmanager
def unavailable(bucket: S3Bucket, through: Opening) -> Iterator[Outage]:
    """A service that answers 503."""
    with CountingProxy(bucket.server.endpoint) as proxy, through(bucket.at(proxy.endpoint)) as storage:
        storages.register_backend(storage)
        yield Outage(
            lambda: proxy.fail(how="503", times=10**6),
            proxy.clear,
            lambda: set(bucket.keys()),
            StorageError,
            "(?i)slow ?down",
            secrets=(bucket.server.secret_key,),
        )


@contextmanager
def wrong_credentials(bucket: S3Bucket, through: Opening) -> Iterator[Outage]:
    """A secret that was changed."""
    closed = S3Bucket(replace(bucket.server, secret_key=WRONG_SECRET), bucket.name)
    with through(bucket) as good, through(closed) as bad:
        storages.register_backend(good)
        yield Outage(
            lambda: storages.register_backend(bad),
            lambda: storages.register_backend(good),
            lambda: set(bucket.keys()),
            AccessDeniedError,
            "",
            secrets=(bucket.server.secret_key, WRONG_SECRET),
        )


@contextmanager
def vanished_bucket(bucket: S3Bucket, through: Opening) -> Iterator[Outage]:
    """A bucket that was deleted, and restored from a backup."""
    backup: dict[str, bytes] = {}
    request = bucket.server.request

    def delete() -> None:
        for key in sorted(bucket.keys()):
            backup[key] = request("GET", f"/{bucket.name}/{key}")
            request("DELETE", f"/{bucket.name}/{key}")
        request("DELETE", f"/{bucket.name}")

    def restore() -> None:
        request("PUT", f"/{bucket.name}")
        for key, data in backup.items():
            request("PUT", f"/{bucket.name}/{key}", body=data)

    with through(bucket) as storage:
        storages.register_backend(storage)
        yield Outage(
            delete, restore, lambda: set(bucket.keys()), NotFoundError, "bucket", secrets=(bucket.server.secret_key,)
        )
