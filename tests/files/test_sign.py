"""Signed URLs of files: safe where nothing is said, and what is asked for otherwise."""

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest
from obstore.store import MemoryStore

from holdfast import FileObject
from holdfast.backends.base import StorageBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.drivers.obstore.driver import ObstoreDriver
from holdfast.errors import ConfigurationError, UnsupportedError

HALVES = pytest.mark.parametrize("half", ["sync", "async"])


@pytest.fixture
def storage():
    """A storage that can sign everything, and is not there."""
    return ObstoreBackend("docs", "s3://bucket/", aws_access_key_id="k", aws_secret_access_key="s")


def headers(file, half, **options):
    """Sign in one half, and return type and disposition of the answer."""
    url = file.sign(**options) if half == "sync" else asyncio.run(file.sign_async(**options))
    query = parse_qs(urlsplit(url).query)
    return tuple(query.get(f"response-content-{name}", [None])[0] for name in ("type", "disposition"))


@HALVES
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ("image/png", 'attachment; filename="a b.png"')),
        ({"disposition": "auto"}, ("image/png", 'attachment; filename="a b.png"')),
        ({"disposition": "attachment"}, ("image/png", 'attachment; filename="a b.png"')),
        ({"disposition": "inline"}, ("image/png", 'inline; filename="a b.png"')),
        ({"disposition": None}, (None, None)),
        ({"disposition": None, "content_type": "a/b"}, ("a/b", None)),
        ({"content_type": "a/b"}, ("a/b", 'attachment; filename="a b.png"')),
        ({"content_type": "text/html", "disposition": "inline"}, ("text/html", 'attachment; filename="a b.png"')),
        ({"content_disposition": "inline"}, (None, "inline")),
        ({"content_disposition": "x", "disposition": "inline", "content_type": "a/b"}, ("a/b", "x")),
        ({"for_upload": True}, (None, None)),
    ],
)
def test_b17_headers_of_a_file(storage, half, options, expected):
    """A download under the file's name, unless something else is asked for; nothing where it is an upload."""
    file = FileObject(backend=storage, filename="a b.png", to_filename="2025/x.png")
    assert headers(file, half, expires_in=3600, **options) == expected


@HALVES
@pytest.mark.parametrize("content_type", ["text/html", "image/svg+xml", "application/pdf", "text/javascript", "x"])
def test_what_may_hold_a_script_is_saved(storage, half, content_type):
    """Also where it is to be shown, and with the type that was looked at, whatever the object was stored with."""
    file = FileObject(backend=storage, filename="x", content_type=content_type)
    expected = (content_type if "/" in content_type else "application/octet-stream", 'attachment; filename="x"')
    for disposition in ("auto", "inline"):
        assert headers(file, half, disposition=disposition) == expected


def test_a_name_with_everything(storage):
    """It stays one header."""
    file = FileObject(backend=storage, filename='é"\r\nX: y\u202e.png', to_filename="x")
    (kind, disposition) = headers(file, "sync")
    assert kind == "image/png"
    assert disposition == "attachment; filename=\"e___X_ y_.png\"; filename*=UTF-8''%C3%A9%22__X%3A%20y_.png".replace(
        "X_ y", "X: y"
    )


class PlainSigner(ObstoreDriver):
    """A service that signs URLs without headers."""

    def sign(self, request):
        """Sign, if that is all."""
        if request.content_type or request.content_disposition:
            raise NotImplementedError("no headers here")
        return f"https://plain/{request.key}?{request.method}"


@HALVES
def test_b17_a_service_that_signs_no_headers(half):
    """The documented forms work; what was asked for in so many words is refused."""
    file = FileObject(backend=StorageBackend("plain", PlainSigner(MemoryStore)), filename="x.png")

    def sign(**options):
        return file.sign(**options) if half == "sync" else asyncio.run(file.sign_async(**options))

    assert sign() == sign(expires_in=3600) == sign(disposition=None) == "https://plain/x.png?GET"
    assert sign(expires_in=300, for_upload=True) == "https://plain/x.png?PUT"
    for asked in ({"disposition": "attachment"}, {"disposition": "inline"}, {"content_type": "a/b"}):
        with pytest.raises(UnsupportedError, match="no headers here"):
            sign(**asked)
    with pytest.raises(UnsupportedError, match="no headers here"):
        sign(content_disposition="x")
    with pytest.raises(UnsupportedError, match="no headers here"):
        sign(for_upload=True, content_type="a/b")


@HALVES
def test_a_download_that_cannot_be_one_is_logged_once(half, caplog):
    """Nobody sees it in the URL; each storage says it once, with the reason, and nothing where nothing was dropped."""
    for name in ("plain", "other"):
        storage = StorageBackend(name, PlainSigner(MemoryStore))
        file = FileObject(backend=storage, filename="x.png")
        headers(file, half, disposition=None)
        with pytest.raises(UnsupportedError):
            headers(file, half, disposition="attachment")
        assert caplog.messages == []
        for _ in range(2):
            headers(file, half)
        [record] = [record for record in caplog.records if record.name == "holdfast"]
        assert record.levelname == "WARNING"
        assert f"storage {name!r} signs URLs of files without" in record.getMessage()
        assert "no headers here" in record.getMessage()
        caplog.clear()


@HALVES
def test_a_storage_that_signs_nothing_is_not_logged(half, caplog):
    """The error says it."""
    with pytest.raises(UnsupportedError):
        headers(FileObject(backend=ObstoreBackend("docs", "memory://"), filename="x.png"), half)
    assert [record for record in caplog.records if record.name == "holdfast"] == []


@HALVES
@pytest.mark.parametrize(
    "options",
    [
        {"disposition": "Inline"},
        {"disposition": "inline", "for_upload": True},
        {"content_disposition": "inline", "for_upload": True},
        {"content_type": "a/b\r\nX: y"},
        {"content_type": ""},
        {"content_type": 5},
        {"content_disposition": ""},
        {"content_disposition": b"inline"},
        {"expires_in": 0},
        {"expires_in": 7 * 24 * 3600 + 1},
        {"expires_in": True},
        {"expires_in": 60.0},
    ],
)
def test_b17_what_cannot_be_meant(storage, half, options):
    """It is an error, instead of another URL than was asked for."""
    file = FileObject(backend=storage, filename="x.png")
    with pytest.raises(ConfigurationError):
        headers(file, half, **options)


def test_a_week(storage):
    """The longest that S3 allows."""
    assert "X-Amz-Expires=604800&" in FileObject(backend=storage, filename="x").sign(expires_in=604800)
