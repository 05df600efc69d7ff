"""URLs of files: the public one, Holdfast's own, the service's; and offers of uploads to Holdfast's own."""

import asyncio
import pickle
from time import time
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from holdfast import FileObject, StorageBackend, storages
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.backends.wrappers import LimitedBackend, MirrorBackend, PrefixBackend, ReadOnlyBackend
from holdfast.drivers.optional import UploadTerms
from holdfast.drivers.protocol import SINGLE_PUT_LIMIT
from holdfast.errors import ConfigurationError, FileStateError, InvalidKeyError, PendingFileError, UnsupportedError
from holdfast.object_settings import ObjectSettings
from holdfast.registry import StorageRegistry
from holdfast.signed_urls import Grant
from holdfast.testing.stand_ins import StandIns
from tests.files.conftest import Twin

SECRET = "a secret that nobody else knows"
BASE = "https://app.example.com/files"
CDN = "https://cdn.example.com/i"
SHA = "sha256:" + "a" * 64
S3 = {"aws_access_key_id": "k", "aws_secret_access_key": "s"}


def granted(url: str, method: str = "GET") -> Grant:
    """Return what one of Holdfast's own URLs allows."""
    assert url.startswith(f"{BASE}/")
    assert storages.signed_urls is not None
    token, name = urlsplit(url).path.split("/")[-2:]
    grant = storages.signed_urls.read(token, method)
    assert unquote(name) == grant.key.split("/")[-1]
    return grant


@pytest.fixture
def file(memory: StorageBackend) -> FileObject:
    """Return a file in a storage that signs nothing."""
    return FileObject(backend=memory, filename="a b.png", to_filename="2025/x.png")


@pytest.fixture
def signing() -> None:
    """Let the process sign."""
    storages.sign_urls(BASE, SECRET)


# --- signed by Holdfast


async def test_b17_a_signed_url_of_a_file(twin: Twin, file: FileObject, signing: None) -> None:
    """It allows one method on one object, for the time that was asked for, with the headers of a download."""
    before = int(time())
    grant = granted(await twin(file.sign, expires_in=90))
    assert before + 90 <= grant.expires_at <= time() + 90
    assert grant._replace(expires_at=0) == Grant(
        "GET", "docs", "2025/x.png", 0, "image/png", 'attachment; filename="a b.png"'
    )
    grant = granted(await twin(file.sign, disposition="inline", content_type="image/webp"))
    assert grant[4:6] == ("image/webp", 'inline; filename="a b.png"')
    assert granted(await twin(file.sign, disposition=None))[4:] == (None, None, None, None, False)


async def test_b17_a_signed_url_for_an_upload(twin: Twin, file: FileObject, signing: None) -> None:
    """Size and type are bound, if they are said."""
    assert granted(await twin(file.sign, for_upload=True), "PUT")[4:] == (None, None, None, None, False)
    grant = granted(await twin(file.sign, for_upload=True, size=0, content_type="a/b"), "PUT")
    assert grant[4:] == ("a/b", None, 0, None, False)


async def test_the_service_signs_if_it_can(twin: Twin, signing: None) -> None:
    """Its own URLs need nobody who serves them."""
    storage = storages.register_backend(ObstoreBackend("s3", "s3://bucket/", **S3))
    assert storage.signs
    assert (await twin(storage.sign, "a")).startswith("https://s3.us-east-1.amazonaws.com/bucket/a?")


async def test_b17_without_a_secret_the_error_says_what_to_call(twin: Twin, file: FileObject) -> None:
    """For reading and for uploads."""
    assert not file.backend.signs
    for options in ({}, {"for_upload": True}):
        with pytest.raises(
            UnsupportedError, match=r"'docs' cannot sign URLs itself.*call storages\.sign_urls\(base_url="
        ):
            await twin(file.sign, **options)
    with pytest.raises(UnsupportedError, match=r"storages\.sign_urls\("):
        await twin(file.url)
    assert file.link() is None


async def test_a_storage_that_is_not_registered(twin: Twin, file: FileObject, signing: None) -> None:
    """Nobody could find it by its name, or would find another one."""
    storage = file.backend
    storages.register_backend("memory://", key="docs")
    for forget in (str, storages.unregister):
        forget("docs")
        with pytest.raises(UnsupportedError, match="'docs' is not registered"):
            await twin(storage.sign, "a")
        assert storage.link("a") is None
    storages.register_backend(storage)
    assert granted(await twin(storage.sign, "a")).key == "a"


async def test_registered_before_or_after(twin: Twin) -> None:
    """The order in which an application starts is of no interest."""
    first = storages.register_backend("memory://", key="first")
    storages.sign_urls(BASE, SECRET)
    second = storages.register_backend("memory://", key="second")
    for storage in (first, second):
        assert granted(await twin(storage.sign, "a")).storage == storage.key


def test_clear_forgets_the_secret() -> None:
    """What a test has set up is gone with its storages; another registry knows nothing of this one."""
    signing = storages.sign_urls(BASE, SECRET)
    assert storages.signed_urls is signing
    assert StorageRegistry().signed_urls is None
    storages.clear()
    assert storages.signed_urls is None


def test_stand_ins_sign_as_the_application_does() -> None:
    """In a test, what the application registers is replaced, and signs all the same; then all is as it was."""
    docs = storages.register_backend("memory://", key="docs", public_url=CDN)
    storages.register_backend("memory://", key="private")
    with StandIns():
        storages.sign_urls(BASE, SECRET)
        assert granted(storages.get("docs").sign("a")).key == "a"
        assert storages.get("docs").public_url_of("a") == f"{CDN}/a"
        assert granted(str(FileObject(backend="private", filename="a").link())).storage == "private"
    assert storages.signed_urls is None
    assert storages.get("docs") is docs


async def test_a_read_only_storage(twin: Twin, memory: StorageBackend, signing: None) -> None:
    """It signs no upload; also where another service would sign it."""
    for inner in (memory, ObstoreBackend("s3", "s3://bucket/", **S3)):
        archive = storages.register_backend(ReadOnlyBackend("archive", inner))
        assert await twin(archive.sign, "a")
        with pytest.raises(UnsupportedError, match="read-only"):
            await twin(archive.sign, "a", for_upload=True)
        with pytest.raises(UnsupportedError, match="read-only"):
            await twin(archive.offer_upload, UploadTerms("a", 1, 60, "a/b"))


@pytest.mark.parametrize(
    "options",
    [
        {"expires_in": 0},
        {"expires_in": -1},
        {"expires_in": 7 * 24 * 3600 + 1},
        {"expires_in": 1.5},
        {"expires_in": True},
        {"size": 5},
        {"for_upload": True, "size": -1},
        {"for_upload": True, "size": 1.0},
        {"for_upload": True, "size": True},
        {"for_upload": True, "content_disposition": "inline"},
        {"content_type": "text/html\r\nx: y"},
        {"content_type": "no type"},
        {"content_disposition": "x"},
        {"content_disposition": "attachment\r\nx: y"},
        {"content_disposition": "attachmentx"},
        {"content_disposition": "attachment;"},
        {"content_disposition": "inline "},
        {"content_disposition": 'attachment; filename="x" '},
        {"content_disposition": "attachment; " + "x" * 9000},
    ],
)
async def test_what_cannot_be_meant(twin: Twin, file: FileObject, signing: None, options: dict[str, Any]) -> None:
    """It is an error when the URL is made, not when somebody opens it."""
    with pytest.raises(ConfigurationError):
        await twin(file.sign, **options)


@pytest.mark.parametrize("key", ["", "../a", "/a", "a//b", "a\\b", "a\n"])
async def test_s16_a_key_that_is_none(twin: Twin, memory: StorageBackend, signing: None, key: str) -> None:
    """Nothing is signed for it."""
    for call in (memory.sign, memory.link, memory.public_url_of):
        with pytest.raises(InvalidKeyError):
            await twin(call, key) if call == memory.sign else call(key)


def test_s22_a_signed_url_is_in_no_log(file: FileObject, signing: None, caplog: pytest.LogCaptureFixture) -> None:
    """Nor is the secret."""
    caplog.set_level(0)
    urls = [file.sign(), str(file.link()), file.sign(for_upload=True), asyncio.run(file.sign_async())]
    for hidden in [SECRET, *(url.split("/")[-2][:40] for url in urls)]:
        assert hidden not in caplog.text
        assert hidden not in repr([file, file.backend, storages, storages.signed_urls])
        assert hidden.encode() not in pickle.dumps(file)


# --- public URLs


@pytest.mark.parametrize("base", [CDN, f"{CDN}/"])
@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("a/b.png", "a/b.png"),
        ("2025/Été 1.png", "2025/%C3%89t%C3%A9%201.png"),
        ("a+b?c#d%2F&=;:@,$!*'()", "a%2Bb%3Fc%23d%252F%26%3D%3B%3A%40%2C%24%21%2A%27%28%29"),
        ("🦊~_-.", "%F0%9F%A6%8A~_-."),
    ],
)
def test_public_urls_are_percent_encoded(base: str, key: str, path: str) -> None:
    """Whatever the key is, it is the path, and all of it."""
    storage = ObstoreBackend("images", "memory://", public_url=base)
    assert storage.public_url_of(key) == f"{CDN}/{path}"


def test_public_urls_of_every_kind_of_storage(tmp_path: Any) -> None:
    """Made with the address, or standing on one that was; its own is taken first."""
    disk = FSSpecBackend("disk", "file", str(tmp_path), public_url=CDN)
    memory = ObstoreBackend("memory", "memory://", public_url="http://localhost:9000")
    folder = PrefixBackend("folder", PrefixBackend("outer", disk, "a b"), "c")
    expected = {
        disk: f"{CDN}/k",
        memory: "http://localhost:9000/k",
        StorageBackend("plain", disk._plain, public_url=CDN): f"{CDN}/k",
        folder: f"{CDN}/a%20b/c/k",
        LimitedBackend("limits", folder): f"{CDN}/a%20b/c/k",
        ReadOnlyBackend("own", folder, public_url="https://own.example.com/"): "https://own.example.com/k",
        MirrorBackend("mirror", [disk, memory]): f"{CDN}/k",
        MirrorBackend("nothing", [ObstoreBackend("x", "memory://"), memory]): None,
        ObstoreBackend("none", "memory://"): None,
    }
    assert {storage.key: storage.public_url_of("k") for storage in expected} == {
        storage.key: url for storage, url in expected.items()
    }


@pytest.mark.parametrize(
    "public_url", ["", "cdn.example.com", "/i", "ftp://h", "https://h?x", "https://u:canary@h", "https://h/ ", 5]
)
def test_what_is_no_public_url(public_url: Any) -> None:
    """It is an error when the storage is made."""
    with pytest.raises(ConfigurationError, match="public_url must be") as caught:
        ObstoreBackend("x", "memory://", public_url=public_url)
    assert "canary" not in str(caught.value)


# --- the URL of a file


async def test_url_is_the_public_one_first(twin: Twin, signing: None) -> None:
    """It lasts, and a CDN may keep it; `sign` makes another one all the same."""
    storage = storages.register_backend("memory://", key="images", public_url=CDN)
    file = FileObject(backend=storage, filename="a b.png", to_filename="2025/a b.png")
    for url in (await twin(file.url), await twin(file.url, expires_in=5, disposition="inline"), file.link()):
        assert url == f"{CDN}/2025/a%20b.png"
    assert granted(await twin(file.sign)).storage == "images"


async def test_url_is_the_application_s_own_second(twin: Twin, signing: None) -> None:
    """Also of a service that signs: the page's URLs are of one site, and making one takes no request."""
    storages.register_backend(ObstoreBackend("s3", "s3://bucket/", **S3))
    file = FileObject(backend="s3", filename="a b.png", to_filename="2025/x.png")
    grant = granted(await twin(file.url, expires_in=90, disposition="inline"))
    assert grant.expires_at <= time() + 90
    assert grant[:3] + grant[4:6] == ("GET", "s3", "2025/x.png", "image/png", 'inline; filename="a b.png"')
    assert granted(await twin(file.url, content_type="a/b", content_disposition="inline"))[4:6] == ("a/b", "inline")
    assert granted(str(file.link(expires_in=90))).key == "2025/x.png"


async def test_url_is_the_service_s_last(twin: Twin) -> None:
    """An application without either gets what `sign` makes."""
    storages.register_backend(ObstoreBackend("s3", "s3://bucket/", **S3))
    file = FileObject(backend="s3", filename="x.png")
    assert file.link() is None
    url = await twin(file.url, expires_in=77, disposition="inline")
    assert url.startswith("https://s3.us-east-1.amazonaws.com/bucket/x.png?")
    assert "X-Amz-Expires=77&" in url
    assert "response-content-disposition=inline" in url


async def test_url_of_what_is_not_stored(twin: Twin, memory: StorageBackend, signing: None) -> None:
    """There is nothing to lead to."""
    pending = FileObject(backend=memory, filename="a", content=b"x")
    described = FileObject.describing({"filename": "a"})
    for file, error in ((pending, PendingFileError), (described, (FileStateError, ConfigurationError))):
        with pytest.raises(error):
            await twin(file.url)
        with pytest.raises(error):
            file.link()


@pytest.mark.parametrize("options", [{"expires_in": 0}, {"disposition": "Inline"}, {"content_type": ""}])
async def test_url_with_arguments_that_cannot_be(twin: Twin, options: dict[str, Any]) -> None:
    """They are errors also where the URL has no use for them, so that they show before another storage is used."""
    storage = storages.register_backend("memory://", key="images", public_url=CDN)
    with pytest.raises(ConfigurationError):
        await twin(FileObject(backend=storage, filename="a").url, **options)


# --- offers of uploads


async def test_an_offer_of_holdfast_s_own(twin: Twin, memory: StorageBackend, signing: None) -> None:
    """All that was agreed is in the URL, and the application holds the client to it."""
    offered = await twin(memory.offer_upload, UploadTerms("up/a.png", 7, 90, "image/png", SHA))
    grant = granted(offered.url, "PUT")
    assert grant.expires_at <= time() + 90
    assert grant._replace(expires_at=0) == Grant(
        "PUT", "docs", "up/a.png", 0, "image/png", None, 7, SHA, if_absent=True
    )
    assert (offered.method, dict(offered.headers), dict(offered.fields)) == ("PUT", {"content-type": "image/png"}, {})
    assert (offered.creates_only, offered.checks_checksum, offered.parts, offered.upload_id) == (True, True, (), None)


async def test_an_offer_of_a_form(twin: Twin, memory: StorageBackend, signing: None) -> None:
    """The same URL, for a POST; a browser sets the headers itself."""
    offered = await twin(memory.offer_upload, UploadTerms("up/a.png", 7, 90, "image/png", as_form=True))
    assert (offered.method, dict(offered.headers)) == ("POST", {})
    assert granted(offered.url, "PUT").size == 7


@pytest.mark.parametrize(("size", "checksum", "expected"), [(0, None, True), (1, None, False), (1, SHA, True)])
async def test_s8_whether_what_was_checked_stays(
    twin: Twin, memory: StorageBackend, signing: None, size: int, checksum: str | None, *, expected: bool
) -> None:
    """Of two uploads at once, memory lets the second large one win; equal bytes do no harm."""
    terms = UploadTerms("a", SINGLE_PUT_LIMIT + size, 60, "a/b", checksum)
    assert (await twin(memory.offer_upload, terms)).creates_only is expected


async def test_what_holdfast_cannot_offer(twin: Twin, memory: StorageBackend) -> None:
    """Parts, and anything without a secret."""
    with pytest.raises(UnsupportedError, match=r"storages\.sign_urls\("):
        await twin(memory.offer_upload, UploadTerms("a", 1, 60, "a/b"))
    storages.sign_urls(BASE, SECRET)
    with pytest.raises(UnsupportedError, match="parts"):
        await twin(memory.offer_upload, UploadTerms("a", 1, 60, "a/b", in_parts=True))
    with pytest.raises(UnsupportedError, match="parts"):
        await twin(memory.finish_upload, "a", "id")


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"key": "../a"}, InvalidKeyError),
        ({"size": -1}, ConfigurationError),
        ({"size": None}, ConfigurationError),
        ({"size": True}, ConfigurationError),
        ({"expires_in": 0}, ConfigurationError),
        ({"content_type": "a/b\r\nx: y"}, ConfigurationError),
        ({"content_type": "no type"}, ConfigurationError),
        ({"content_type": ""}, ConfigurationError),
        ({"content_type": None}, ConfigurationError),
        ({"checksum": "sha256:abc"}, ConfigurationError),
        ({"checksum": SHA.upper()}, ConfigurationError),
        ({"checksum": "md5:" + "a" * 32}, ConfigurationError),
        ({"as_form": True, "in_parts": True}, ConfigurationError),
        ({"settings": ObjectSettings(storage_class="x")}, UnsupportedError),
    ],
)
async def test_s8_terms_that_cannot_be(
    twin: Twin, memory: StorageBackend, signing: None, changed: dict[str, Any], error: type[Exception]
) -> None:
    """Nothing is offered."""
    terms = UploadTerms("a", 1, 60, "a/b", SHA)._replace(**changed)
    with pytest.raises(error):
        await twin(memory.offer_upload, terms)
