"""The registry under the library's names, and storages that an application wrote."""

from functools import partial
from pathlib import Path
from typing import Any

import boto3
import botocore.config
import pytest
from advanced_alchemy.exceptions import ImproperConfigurationError
from advanced_alchemy.types.file_object import FileObject, StoredObject, storages
from advanced_alchemy.types.file_object.backends.obstore import ObstoreBackend
from obstore.store import MemoryStore

import holdfast
from holdfast import StorageBackend
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.contrib.advanced_alchemy import originals
from holdfast.contrib.advanced_alchemy.application import ApplicationStorage
from holdfast.contrib.advanced_alchemy.methods_driver import MethodsDriver
from holdfast.drivers.protocol import SINGLE_PUT_LIMIT
from holdfast.errors import ConfigurationError, StorageError, UnsupportedError
from holdfast.testing import BackendContract
from holdfast.testing.s3 import S3Bucket
from tests.advanced_alchemy.installed.application_storages import BotoBackend, DictBackend

MORE = SINGLE_PUT_LIMIT + 1


@pytest.fixture(autouse=True)
def _clear() -> Any:
    yield
    storages.clear_backends()


@pytest.fixture
def mine() -> DictBackend:
    """A storage of the application's, registered."""
    backend = DictBackend("mine")
    storages.register_backend(backend)
    return backend


def test_registry() -> None:
    """All names of the library's registry, on the storages that Holdfast has."""
    storages.register_backend("memory://", key="one")
    two = ObstoreBackend(key="two", fs=MemoryStore())
    storages.register_backend(two)
    holdfast.storages.register_backend("memory://", key="three")
    assert storages.registered_backends() == ["one", "two", "three"]
    assert isinstance(storages.get_backend("one"), ObstoreBackend)
    assert storages.get_backend("two") is two is holdfast.storages.get("two")
    storages.unregister_backend("two")
    storages.unregister_backend("two")
    assert not storages.is_registered("two")
    assert "two" not in holdfast.storages
    storages.clear_backends()
    assert storages.registered_backends() == []


def test_protocols(tmp_path: Path) -> None:
    """Also of storages that Holdfast has opened itself."""
    urls = {"one": "memory://", "two": "s3://bucket/", "three": tmp_path.as_uri(), "four": "https://example.com/"}
    for key, url in urls.items():
        holdfast.storages.register_backend(url, key=key)
    holdfast.storages.register_backend(FSSpecBackend("five", "memory"))
    found = [FileObject(key, "a").protocol for key in (*urls, "five")]
    assert found == ["memory", "s3", "file", "http", "memory"]


def test_default_backend() -> None:
    """URLs are opened by the class that was named, with options of Holdfast's."""
    storages.set_default_backend("advanced_alchemy.types.file_object.backends.fsspec.FSSpecBackend")
    try:
        storages.register_backend("memory", key="scratch")
        assert storages.get_backend("scratch").driver == "fsspec"
        storages.set_default_backend(ObstoreBackend)
        storages.register_backend("memory://", key="scratch", checksum=None)
        assert storages.get_backend("scratch").driver == "obstore"
    finally:
        storages.set_default_backend("advanced_alchemy.types.file_object.backends.obstore.ObstoreBackend")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (lambda: ("memory://",), "key is required when registering a string value"),
        (lambda: (DictBackend("a"), "b"), "key is not allowed when registering a StorageBackend"),
    ],
)
def test_wrong_registrations(arguments: Any, words: str) -> None:
    """The library's words, as its error and as Holdfast's."""
    with pytest.raises(ImproperConfigurationError, match=words) as caught:
        storages.register_backend(*arguments())
    assert isinstance(caught.value, ConfigurationError)


def test_what_is_no_storage() -> None:
    """Refused at once."""
    with pytest.raises(ConfigurationError, match="takes a storage or a URL, not object"):
        storages.register_backend(object())


def test_an_application_s_storage(mine: DictBackend) -> None:
    """The registry and the column give back the application's object; files go through its methods."""
    assert storages.get_backend("mine") is mine
    assert StoredObject("mine").backend.objects is mine.objects
    assert (StoredObject(mine).storage_key, repr(StoredObject(mine))) == ("mine", "StoredObject(backend='mine')")
    file = FileObject(mine, "a.txt", content=b"hello", content_type="x/y").save()
    assert isinstance(file.backend, ApplicationStorage)
    assert (file.backend, file.backend.application, file.backend.seen) == ("mine", mine, mine.seen)
    assert file.protocol == "dict"
    assert mine.objects == {file.path: b"hello"}
    assert (file.size, file.etag, file.last_modified) == (5, None, 12.5)
    assert file.checksum.startswith("sha256:2cf24dba")
    assert file.get_content(start=1, end=3) == b"el"
    assert list(file.iter_content(chunk_size=2)) == [b"he", b"ll", b"o"]
    assert file.copy_to("mine").get_content() == b"hello"
    file.delete()
    file.delete()
    assert len(mine.objects) == 1


def test_fresh_keys_are_not_looked_up(mine: DictBackend) -> None:
    """Only a key that was named may be taken, and only a read can tell."""
    FileObject(mine, "a.txt", content=b"a").save()
    assert mine.calls == []
    mine.objects["taken"] = b"b"
    with pytest.raises(FileExistsError):
        file_storage(mine).put("taken", b"c", if_absent=True)
    assert mine.objects["taken"] == b"b"


async def test_options_reach_it(mine: DictBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a save, and those of a read, which mean what the application says."""
    FileObject(mine, "a.txt", to_filename="a", content=b"a").save(use_multipart=True, chunk_size=7, max_concurrency=3)
    assert mine.seen == [(b"a", {"use_multipart": True, "chunk_size": 7, "max_concurrency": 3})]
    read = lambda path, options=None: f"{path} {options}".encode()  # noqa: E731
    monkeypatch.setattr(mine, "get_content", read)
    assert FileObject(mine, "a").get_content(options={"x": 1}) == b"a {'x': 1}"
    assert FileObject(mine, "a").get_content() == b"a None"
    assert await FileObject(mine, "a").get_content_async(options={"x": 1}) == b"a {'x': 1}"


@pytest.mark.parametrize("is_async", [False, True])
async def test_kinds_of_content(mine: DictBackend, tmp_path: Path, is_async: bool) -> None:
    """Bytes as bytes, a path as a path, much of anything else as a file that can be rewound."""
    (tmp_path / "a").write_bytes(b"x" * MORE)

    async def chunks() -> Any:
        for _ in range(3):
            yield b"x" * (MORE // 3)

    with (tmp_path / "a").open("rb") as opened:
        contents: list[Any] = [b"x" * MORE, tmp_path / "a", iter([b"x" * MORE]), opened]
        for content in contents + ([chunks()] if is_async else []):
            file = FileObject(mine, "a.txt", content=content)
            await file.save_async() if is_async else file.save()
            assert mine.objects[file.path] == b"x" * MORE
    kinds = [type(data) for data, _ in mine.seen[:2]]
    assert kinds[0] is bytes
    assert issubclass(kinds[1], Path)
    assert all(data.closed and hasattr(data, "seek") for data, _ in mine.seen[2:])
    assert not any(data.exists() for data, _ in mine.seen if isinstance(data, Path))


def test_a_failing_source_reaches_nobody(mine: DictBackend) -> None:
    """Content that breaks off is not half of an object: the method is not called."""

    def broken() -> Any:
        yield b"x" * MORE
        raise OSError("cut")

    with pytest.raises(OSError, match="cut"):
        FileObject(mine, "a.txt", content=broken()).save()
    assert (mine.objects, mine.seen) == ({}, [])


class UnheardOfError(Exception):
    """An error of a library that nobody knows."""


@pytest.mark.parametrize(
    ("raised", "kind"),
    [
        (UnheardOfError("no"), StorageError),
        (RuntimeError("no"), StorageError),
        (TimeoutError("no"), TimeoutError),
        (NotImplementedError("no"), UnsupportedError),
        (KeyError("another"), StorageError),
    ],
)
async def test_its_errors(mine: DictBackend, monkeypatch: pytest.MonkeyPatch, raised: Exception, kind: type) -> None:
    """Wrapped like those of any storage, with the cause; only a KeyError about the path means that nothing is there."""
    file = FileObject(mine, "a.txt", to_filename="a", content=b"a").save()

    def fail(*_: Any, **__: Any) -> Any:
        raise raised

    for name in ("get_content", "save_object", "delete_object", "sign"):
        monkeypatch.setattr(mine, name, fail)
    calls = (file.get_content, file.exists, file.delete, lambda: file.save(b"b"), file.sign)
    for call in calls:
        with pytest.raises(kind) as caught:
            call()
        assert isinstance(caught.value, StorageError)
        assert (caught.value.storage, caught.value.__cause__) == ("mine", raised)
    with pytest.raises(kind):
        await file.get_content_async()


async def test_what_is_not_there(mine: DictBackend) -> None:
    """A dict says so with a KeyError."""
    file = FileObject(mine, "missing.txt")
    assert not file.exists()
    assert not await file.exists_async()
    with pytest.raises(FileNotFoundError):
        file.get_content(start=1)
    with pytest.raises(FileNotFoundError):
        await file.get_content_async(start=1)
    await file.delete_async()


def test_an_object_that_went_elsewhere(mine: DictBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row would look for it in vain, so the save fails."""
    monkeypatch.setattr(mine, "save_object", lambda *_, **__: FileObject(mine, "other.txt"))
    with pytest.raises(StorageError, match=r"was to store 'a' and returned a file at 'other\.txt'"):
        FileObject(mine, "a.txt", to_filename="a", content=b"a").save()


async def test_its_urls(mine: DictBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made by its own method with the library's arguments; one that makes none is an error in the library's words."""
    file = FileObject(mine, "a")
    assert file.sign() == "https://cdn.example.com/a?in=None&up=False"
    assert await file.sign_async(expires_in=5, for_upload=True) == "https://cdn.example.com/a?in=5&up=True"
    assert file.url().endswith("?in=3600&up=False")
    assert file.backend.sign(["a", "b"])[1].startswith("https://cdn.example.com/b")
    with pytest.raises(UnsupportedError, match="takes no headers"):
        file.sign(content_type="x/y")
    monkeypatch.setattr(mine, "sign", lambda *_, **__: [])
    with pytest.raises(RuntimeError, match="No signed URL generated"):
        file.sign()
    with pytest.raises(RuntimeError, match="No signed URL generated"):
        await file.sign_async()


class CDN(ObstoreBackend):
    """The library's own class with one method changed, as it is done for a CDN."""

    def sign(self, paths: Any, *, expires_in: int | None = None, for_upload: bool = False) -> Any:
        return f"https://cdn.example.com/{paths}"


class Shouting(ObstoreBackend):
    """The same, with content that is changed on its way."""

    def save_object(self, file_object: Any, data: Any, **options: Any) -> Any:
        return super().save_object(file_object, data.upper(), **options)


def test_a_changed_method_is_called() -> None:
    """Whichever of the eight a subclass changes; the rest stays as it is, settings too."""
    cdn, loud = CDN(key="cdn", fs="memory://", checksum=None), Shouting(key="loud", fs="memory://")
    storages.register_backend(cdn)
    storages.register_backend(loud)
    file = FileObject("cdn", "a.txt", content=b"a").save()
    assert file.sign() == f"https://cdn.example.com/{file.path}"
    assert [info.key for info in file.backend.list()] == [file.path]
    assert (file.checksum, file.protocol) == (None, "memory")
    shouted = FileObject(loud, "a.txt", content=b"a").save()
    assert shouted.get_content() == b"A"
    assert storages.get_backend("loud") is loud


def test_made_before(tmp_path: Path) -> None:
    """The library's own storages, made before it was installed, are opened as Holdfast's."""
    old = originals.ObstoreBackend(key="old", fs=MemoryStore())
    storages.register_backend(old)
    assert isinstance(storages.get_backend("old"), ObstoreBackend)
    assert FileObject(old, "a.txt").backend is storages.get_backend("old")
    assert FileObject("old", "a.txt", content=b"a").save().get_content() == b"a"
    disk = originals.FSSpecBackend(key="disk", fs="file", prefix=str(tmp_path))
    storages.register_backend(disk)
    assert FileObject("disk", "a.txt", to_filename="a", content=b"a").save().path == "a"
    assert (tmp_path / "a").read_bytes() == b"a"


@pytest.mark.s3
def test_one_over_boto3(s3_bucket: S3Bucket) -> None:
    """Its errors are told by their status, and a large file is uploaded from a file."""
    server = s3_bucket.server
    client = boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name=server.region,
        config=botocore.config.Config(s3={"addressing_style": "path"}),
    )
    backend = BotoBackend("boto", client, s3_bucket.name)
    storages.register_backend(backend)
    assert not FileObject("boto", "missing.txt").exists()
    file = FileObject("boto", "a.txt", content=iter([b"x" * MORE])).save()
    assert file.get_content() == b"x" * MORE
    file.delete()
    assert not file.exists()
    backend.bucket = "no-such-bucket"
    with pytest.raises(FileNotFoundError):
        file.get_content()


def file_storage(backend: Any) -> Any:
    """Return the storage of Holdfast over a registered object."""
    return holdfast.storages.get(backend.key)


class Listed(MethodsDriver):
    """With a listing, which the contract counts leftovers with."""

    abilities = MethodsDriver.abilities._replace(lists=True)

    def list(self, prefix: str, after: str | None) -> Any:
        keys = sorted(key for key in self.native.objects if key.startswith(f"{prefix}/" if prefix else ""))
        return iter([self.stat(key) for key in keys if after is None or key > after])

    async def list_async(self, prefix: str, after: str | None) -> Any:
        for info in self.list(prefix, after):
            yield info


class TestContract(BackendContract):
    """What every storage promises, over eight methods and a dict."""

    @pytest.fixture
    def storage(self) -> Any:
        return StorageBackend("mine", Listed(DictBackend("mine"), partial(FileObject, "mine")))
