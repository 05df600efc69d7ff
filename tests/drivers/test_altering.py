"""Objects that are changed where they lie: on S3 through both libraries, and in memory."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

import fsspec
import obstore
import pytest

from holdfast import StorageBackend
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.backends.wrappers import PrefixBackend
from holdfast.drivers.altering import Change
from holdfast.drivers.azure import altering as azure
from holdfast.drivers.azure import uploads as azure_uploads
from holdfast.drivers.gcs import altering as gcs
from holdfast.drivers.gcs import uploads as gcs_uploads
from holdfast.drivers.gcs.signature import ServiceAccount
from holdfast.drivers.obstore import uploads
from holdfast.drivers.obstore.altering import s3_bucket_of
from holdfast.drivers.s3 import altering
from holdfast.drivers.s3.requests import Bucket
from holdfast.errors import ConfigurationError, NotFoundError, UnsupportedError
from holdfast.object_settings import ObjectSettings
from holdfast.testing.s3 import S3Bucket
from tests.servers.ports import HOST

KEY = "a folder/é.txt"
PREFIX = "below"


def through_obstore(bucket: S3Bucket) -> StorageBackend:
    """Return a storage below a prefix of a bucket."""
    return ObstoreBackend("docs", f"{bucket.url}{PREFIX}/", **bucket.options)


def through_s3fs(bucket: S3Bucket) -> StorageBackend:
    """Return the same through the other library."""
    return FSSpecBackend("docs", fsspec.filesystem("s3", **bucket.s3fs), f"{bucket.name}/{PREFIX}")


@pytest.fixture(params=[through_obstore, through_s3fs])
def storage(request: pytest.FixtureRequest, s3_bucket: S3Bucket) -> StorageBackend:
    """A storage on S3 with an object that has everything."""
    make: Callable[[S3Bucket], StorageBackend] = request.param
    made = make(s3_bucket)
    settings = {"cache_control": "no-cache", "content_language": "de", "tags": {"team": "a b"}}
    made.put(KEY, b"12345", content_type="text/plain", metadata={"by": "Zoë"}, object_settings=settings)
    return made


def told(bucket: S3Bucket, operation: str = "head_object") -> dict[str, Any]:
    """Ask S3 for the object without the code under test."""
    fs = fsspec.filesystem("s3", **bucket.s3fs)
    found: dict[str, Any] = fs.call_s3(operation, Bucket=bucket.name, Key=f"{PREFIX}/{KEY}")
    return found


def tags(bucket: S3Bucket) -> dict[str, str]:
    """Return the tags that S3 has."""
    return {tag["Key"]: tag["Value"] for tag in told(bucket, "get_object_tagging")["TagSet"]}


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"content_type": "text/csv"}, {"ContentType": "text/csv"}),
        ({"object_settings": {"storage_class": "STANDARD_IA"}}, {"StorageClass": "STANDARD_IA"}),
        ({"object_settings": {"cache_control": "max-age=9"}}, {"CacheControl": "max-age=9"}),
        ({"object_settings": {"encryption": "AES256"}}, {"ServerSideEncryption": "AES256"}),
    ],
)
def test_one_thing_changes(
    storage: StorageBackend, s3_bucket: S3Bucket, change: dict[str, Any], shown: dict[str, str]
) -> None:
    """All else is as it was: bytes, type, metadata, headers, tags; and a second time there is nothing to change."""
    info, changed = storage.alter(KEY, **change)
    expected = {"ContentType": "text/plain", "CacheControl": "no-cache", "ContentLanguage": "de", **shown}
    found = told(s3_bucket)
    assert {name: found[name] for name in expected} == expected
    assert (changed, info.metadata, info.content_type) == (True, {"by": "Zoë"}, expected["ContentType"])
    assert (storage.read(KEY), tags(s3_bucket)) == (b"12345", {"team": "a b"})
    assert storage.alter(KEY, **change)[1] is False
    assert told(s3_bucket)["LastModified"] == found["LastModified"]


def test_metadata_is_replaced(storage: StorageBackend) -> None:
    """What is given is all that there is; nothing at all takes it away."""
    assert storage.alter(KEY, metadata={"team": "x", "n": 1})[0].metadata == {"team": "x", "n": 1}
    assert storage.alter(KEY, metadata={})[0].metadata == {}
    assert storage.alter(KEY, metadata={})[1] is False


def test_tags_are_merged(storage: StorageBackend, s3_bucket: S3Bucket) -> None:
    """Others stay; and the same again is nothing to change."""
    settings = {"tags": {"old": "yes & no"}}
    assert storage.alter(KEY, object_settings=settings)[1] is True
    assert tags(s3_bucket) == {"team": "a b", "old": "yes & no"}
    assert storage.alter(KEY, object_settings=settings)[1] is False


def test_what_was_set_before_stays(storage: StorageBackend, s3_bucket: S3Bucket) -> None:
    """A copy would lose class and encryption, if it were not told of them; the class that S3 has anyway is none."""
    storage.alter(KEY, object_settings={"storage_class": "STANDARD_IA", "encryption": "AES256"})
    storage.alter(KEY, content_type="text/csv")
    found = told(s3_bucket)
    assert (found["StorageClass"], found["ServerSideEncryption"]) == ("STANDARD_IA", "AES256")
    storage.alter(KEY, object_settings={"storage_class": "STANDARD"})
    assert storage.alter(KEY, object_settings={"storage_class": "STANDARD"})[1] is False


async def test_async(storage: StorageBackend, s3_bucket: S3Bucket) -> None:
    """The same from an event loop."""
    info, changed = await storage.alter_async(KEY, content_type="text/csv", object_settings={"tags": {"n": "1"}})
    assert (info.content_type, changed, tags(s3_bucket)) == ("text/csv", True, {"team": "a b", "n": "1"})


def test_what_is_not_there(storage: StorageBackend) -> None:
    """A missing object is told as such, and so are settings that do not exist."""
    with pytest.raises(NotFoundError):
        storage.alter("gone", content_type="text/csv")
    with pytest.raises(ConfigurationError):
        storage.alter(KEY, object_settings={"class": "x"})
    storage.check_alter({"storage_class": "STANDARD_IA"})


def test_an_object_that_is_replaced_meanwhile(s3_bucket: S3Bucket) -> None:
    """The change is made to the new object; the old one does not come back."""
    storage = through_obstore(s3_bucket)
    storage.put(KEY, b"old")
    contents = [b"new"]

    class Raced(Bucket):
        def headers(self, key: str) -> dict[str, str]:
            found = super().headers(key)
            if contents:
                storage.put(KEY, contents.pop())
            return found

    bucket = Raced(*s3_bucket_of(storage.native))
    assert altering.alter(bucket, f"{PREFIX}/{KEY}", Change("text/csv")) is True
    assert (storage.read(KEY), storage.stat(KEY).content_type) == (b"new", "text/csv")
    contents += [b"5", b"4", b"3", b"2", b"1"]
    with pytest.raises(FileExistsError):
        altering.alter(bucket, f"{PREFIX}/{KEY}", Change("text/html"))
    assert storage.read(KEY) == b"3"


def test_an_object_that_is_too_large(s3_bucket: S3Bucket) -> None:
    """Beyond 5 GiB S3 copies in parts, which is not at once."""
    storage = through_obstore(s3_bucket)

    class Huge(Bucket):
        def headers(self, key: str) -> dict[str, str]:
            return {"content-length": str(altering.LARGEST + 1)}

    with pytest.raises(NotImplementedError, match="5 GiB"):
        altering.alter(Huge(*s3_bucket_of(storage.native)), KEY, Change("text/csv"))


def test_credentials_that_only_obstore_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused before anything is done, and says what to give the storage."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    hidden = ObstoreBackend("docs", "s3://bucket/", aws_region="us-east-1", aws_skip_signature=True)
    with pytest.raises(UnsupportedError, match="only obstore sees the credentials"):
        hidden.check_alter()


def in_azure(library: str, container: Any) -> StorageBackend:
    """Return a storage below a prefix of a container."""
    if library == "obstore":
        return ObstoreBackend("docs", f"az://{container.name}/{PREFIX}/", **container.options)
    text = container.server.connection_string
    return FSSpecBackend("docs", "abfs", f"{container.name}/{PREFIX}", connection_string=text)


@pytest.mark.azure
@pytest.mark.parametrize("library", ["obstore", "adlfs"])
def test_azure(azurite: Any, library: str) -> None:
    """Type, headers, metadata and tier change one by one, and all else stays; tags and scopes are refused."""
    container = azurite.make_container()
    storage = in_azure(library, container)
    settings = {"cache_control": "no-cache", "content_language": "de"}
    storage.put(KEY, b"12345", content_type="text/plain", metadata={"by": "Zoë"}, object_settings=settings)
    before = container.head(f"{PREFIX}/{KEY}")
    for change, shown in (
        ({"content_type": "text/csv"}, {"content-type": "text/csv"}),
        ({"object_settings": {"storage_class": "Cool"}}, {"x-ms-access-tier": "Cool"}),
        ({"object_settings": {"cache_control": "max-age=9"}}, {"cache-control": "max-age=9"}),
    ):
        assert storage.alter(KEY, **change)[1] is True
        assert storage.alter(KEY, **change)[1] is False
        after = container.head(f"{PREFIX}/{KEY}")
        assert {name: after[name] for name in shown} == shown
    assert (after["content-language"], after.get("content-md5")) == ("de", before.get("content-md5"))
    assert storage.stat(KEY).metadata == {"by": "Zoë"}
    info, changed = storage.alter(KEY, content_type="text/x", metadata={"team": "x", "n": 1})
    assert (changed, info.metadata, info.content_type) == (True, {"team": "x", "n": 1}, "text/x")
    assert storage.read(KEY) == b"12345"
    storage.check_alter({"storage_class": "Cool"})
    with pytest.raises(UnsupportedError, match="tags"):
        storage.check_alter({"tags": {"a": "b"}})
    with pytest.raises(NotFoundError):
        storage.alter("gone", content_type="text/csv")


@pytest.mark.azure
def test_a_blob_that_is_replaced_meanwhile(azurite: Any) -> None:
    """The change is made to the new blob."""
    container = azurite.make_container()
    storage = in_azure("obstore", container)
    storage.put(KEY, b"old")
    contents = [b"new"]

    class Raced(azure_uploads.Container):
        def ask(self, method: str, *rest: Any) -> Any:
            found = super().ask(method, *rest)
            if method == "HEAD" and contents:
                storage.put(KEY, contents.pop())
            return found

    raced = Raced(*uploads.azure_container(storage.native))
    assert azure.alter(raced, f"{PREFIX}/{KEY}", Change("text/csv")) is True
    assert (storage.read(KEY), storage.stat(KEY).content_type) == (b"new", "text/csv")
    contents += [b"3", b"2", b"1"]
    with pytest.raises(FileExistsError):
        azure.alter(raced, f"{PREFIX}/{KEY}", Change("text/html"))


class Google(BaseHTTPRequestHandler):
    """An object of Google's, as the XML API shows it and copies it onto itself."""

    shown: ClassVar[dict[str, str]] = {}
    copies: ClassVar[list[dict[str, str]]] = []
    replaced: ClassVar[list[str]] = []

    def do_HEAD(self) -> None:
        """Show it; somebody may replace it just after."""
        self.send_response(200 if self.path.startswith("/bucket/a%20b?") else 404)
        for name, value in self.shown.items():
            self.send_header(name, value)
        self.end_headers()
        if self.replaced:
            self.shown["x-goog-generation"] = self.replaced.pop()

    def do_PUT(self) -> None:
        """Copy it, if it is the one that was meant."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        fits = headers["x-goog-copy-source-if-generation-match"] == self.shown["x-goog-generation"]
        if fits:
            self.copies.append(headers)
        self.send_response(200 if fits else 412)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def google() -> Iterator[gcs_uploads.Bucket]:
    """A bucket that such a server stands for."""
    Google.shown = {
        "Content-Type": "text/plain",
        "Cache-Control": "no-cache",
        "x-goog-storage-class": "STANDARD",
        "x-goog-meta-by": "Ada",
        "x-goog-generation": "7",
    }
    Google.copies, Google.replaced = [], []
    with ThreadingHTTPServer((HOST, 0), Google) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        account = ServiceAccount("me@example.com", lambda _: b"signature")
        yield gcs_uploads.Bucket(f"http://{HOST}:{server.server_port}", "bucket", account)
        server.shutdown()
        thread.join()


def test_google(google: gcs_uploads.Bucket) -> None:
    """The object is copied onto itself, told all that it had and what is new; nothing new needs no copy."""
    change = Change(metadata={"team": "x"}, settings=ObjectSettings(storage_class="NEARLINE"))
    assert gcs.alter(google, "a b", change) is True
    (copy,) = Google.copies
    assert copy["x-goog-copy-source"] == "bucket/a%20b"
    assert copy["x-goog-metadata-directive"] == "REPLACE"
    assert (copy["content-type"], copy["cache-control"]) == ("text/plain", "no-cache")
    assert (copy["x-goog-storage-class"], copy["x-goog-meta-team"]) == ("NEARLINE", "x")
    assert "x-goog-meta-by" not in copy
    assert gcs.alter(google, "a b", Change("text/plain", {"by": "Ada"})) is False
    with pytest.raises(FileNotFoundError):
        gcs.alter(google, "gone", change)


def test_an_object_of_google_that_is_replaced_meanwhile(google: gcs_uploads.Bucket) -> None:
    """The new one is changed; one that is always replaced is left alone."""
    Google.replaced = ["8"]
    assert gcs.alter(google, "a b", Change("text/csv")) is True
    assert [copy["x-goog-if-generation-match"] for copy in Google.copies] == ["8"]
    Google.replaced = ["12", "11", "10", "9"]
    with pytest.raises(FileExistsError):
        gcs.alter(google, "a b", Change("text/html"))
    assert len(Google.copies) == 1


@pytest.mark.parametrize("library", ["obstore", "gcsfs"])
def test_google_without_a_key(library: str) -> None:
    """It is refused before anything is done."""
    if library == "obstore":
        storage: StorageBackend = ObstoreBackend("docs", "gs://bucket/", google_skip_signature=True)
    else:
        storage = FSSpecBackend("docs", "gcs", "bucket", token="anon")
    with pytest.raises(UnsupportedError):
        storage.check_alter()


def test_memory() -> None:
    """It keeps what it is told; an object that is replaced meanwhile is changed as it is then."""
    storage = ObstoreBackend("docs", "memory://")
    storage.put(KEY, b"12345", content_type="text/plain", metadata={"by": "Zoë"})
    settings = {"storage_class": "COLD", "cache_control": "no-cache"}
    info, changed = storage.alter(KEY, content_type="text/csv", object_settings=settings)
    assert (changed, info.content_type, info.metadata, info.size) == (True, "text/csv", {"by": "Zoë"}, 5)
    assert storage.alter(KEY, content_type="text/csv", object_settings=settings)[1] is False
    assert obstore.get(storage.native, KEY).attributes["Storage-Class"] == "COLD"
    storage.alter(KEY, metadata={})
    kept = obstore.get(storage.native, KEY).attributes
    assert (kept["Storage-Class"], kept["Cache-Control"], storage.stat(KEY).metadata) == ("COLD", "no-cache", {})
    storage.check_alter(settings)
    with pytest.raises(NotFoundError):
        storage.alter("gone", content_type="text/csv")


def test_storages_that_cannot(tmp_path: Any) -> None:
    """A disk has nothing to change; a wrapper names what to change instead."""
    disk = ObstoreBackend("docs", tmp_path.as_uri())
    for storage in (disk, PrefixBackend("inner", ObstoreBackend("outer", "memory://"), "folder")):
        for call in (storage.check_alter, lambda storage=storage: storage.alter(KEY, content_type="text/csv")):
            with pytest.raises(UnsupportedError, match="cannot be changed where they lie"):
                call()
