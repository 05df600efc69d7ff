"""Redirects to the storage, and web servers in front that send local files."""

import urllib.request

import pytest

from holdfast import StorageBackend, storages
from holdfast.backends.obstore import ObstoreBackend
from holdfast.errors import MissingExtraError, UnsupportedError
from holdfast.serving import asgi, wsgi
from holdfast.serving.asgi import Offload, ServePolicy
from tests.serving.conftest import saved
from tests.serving.drivers import Unable
from tests.serving.live import parsed
from tests.serving.test_asgi import SCOPE, Sent, never
from tests.serving.test_wsgi import ENVIRON, Started

PROTECTED = Offload("X-Accel-Redirect", "/protected/")


@pytest.fixture
def bucket(s3_bucket):
    """Return a storage that signs URLs by itself."""
    return storages.register_backend(ObstoreBackend("served", s3_bucket.url, **s3_bucket.options))


@pytest.fixture(params=["asgi", "wsgi"])
def answered(request):
    """Return a function that gives status, headers and bytes of an answer, in each world."""

    async def over_asgi(file, method="GET", headers=(), **options):
        sent = Sent()
        lines = [(name.lower().encode(), value.encode()) for name, value in dict(headers).items()]
        await asgi.FileResponse(file, **options)({**SCOPE, "method": method, "headers": lines}, never, sent)
        found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], found, b"".join(message["body"] for message in sent[1:])

    async def over_wsgi(file, method="GET", headers=(), **options):
        started = Started()
        environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in dict(headers).items()}
        body = b"".join(wsgi.FileResponse(file, **options)({**ENVIRON, **environ, "REQUEST_METHOD": method}, started))
        return int(started[0][0].split()[0]), started[0][1], body

    return over_asgi if request.param == "asgi" else over_wsgi


@pytest.mark.parametrize("mode", ["redirect", "auto"])
async def test_a_redirect_to_the_service(bucket, answered, mode):
    """The client gets the bytes from the service, as a download under the file's name; nobody keeps the redirect."""
    file = saved(b"bytes")
    status, headers, body = await answered(file, mode=mode, expires_in=60)
    assert (status, body, headers["content-length"]) == (302, b"", "0")
    assert headers["cache-control"] == "no-store"
    assert "X-Amz-Expires=60" in headers["location"]
    with urllib.request.urlopen(headers["location"]) as answer:
        assert answer.read() == b"bytes"
        assert answer.headers["content-disposition"] == 'attachment; filename="photo 1.png"'


@pytest.mark.parametrize(
    "policy",
    [
        ServePolicy("inline"),
        ServePolicy(content_disposition="inline"),
        ServePolicy(content_type="text/html", content_disposition="Inline; filename=x.png"),
    ],
)
async def test_s12_a_service_shows_no_page(bucket, answered, policy):
    """What it sends itself is a download, too, whatever the policy wishes for."""
    _, headers, _ = await answered(saved(b"<script>", "page.html"), mode="redirect", policy=policy)
    with urllib.request.urlopen(headers["location"]) as answer:
        assert answer.headers["content-type"] == "text/html"
        assert answer.headers["content-disposition"].startswith("attachment")


async def test_a_redirect_to_ones_own_url(local, answered):
    """A storage that signs nothing redirects to Holdfast's own URL, where there is one; by itself it never does."""
    file = saved(b"bytes")
    with pytest.raises(UnsupportedError, match="sign_urls"):
        await answered(file, mode="redirect")
    storages.sign_urls("https://app.example.com/files", "a secret that nobody knows")
    status, headers, _ = await answered(file, mode="redirect")
    assert status == 302
    assert headers["location"].startswith("https://app.example.com/files/")
    assert (await answered(file, mode="auto"))[0] == 200


async def test_a_redirect_to_a_public_url(answered):
    """Where everybody may read, no signature is needed."""
    storages.register_backend("memory://", key="served", public_url="https://cdn.example.com/")
    file = saved(b"bytes")
    status, headers, _ = await answered(file, mode="redirect")
    assert (status, headers["location"]) == (302, f"https://cdn.example.com/{file.path}")
    assert (await answered(file, mode="auto"))[0] == 200


@pytest.mark.parametrize("mode", ["redirect", "auto"])
@pytest.mark.parametrize(("method", "expected"), [("HEAD", b""), ("POST", b"bytes"), ("DELETE", b"bytes")])
async def test_other_methods_are_not_redirected(bucket, answered, mode, method, expected):
    """A service takes a URL for the one method that it was signed for: they are answered from here."""
    status, headers, body = await answered(saved(b"bytes"), method, mode=mode)
    assert (status, body, headers["content-length"]) == (200, expected, "5")
    assert "location" not in headers


@pytest.mark.parametrize("error", [UnsupportedError("no key"), MissingExtraError("no package")])
async def test_a_service_whose_urls_cannot_be_signed(answered, error):
    """The bytes are sent from here, unless a redirect was asked for in so many words."""
    storages.register_backend(StorageBackend("served", Unable(error)))
    file = saved(b"bytes")
    status, _, body = await answered(file, mode="auto")
    assert (status, body) == (200, b"bytes")
    with pytest.raises(type(error)):
        await answered(file, mode="redirect")


async def test_a_local_file_is_left_to_the_server_in_front(local, answered):
    """The header names it, percent-encoded; length and ranges are the other server's."""
    file = saved(b"bytes")
    local.put("Été #1?.png", b"bytes")
    file._lie_at("Été #1?.png")
    for method in ["GET", "HEAD"]:
        status, headers, body = await answered(file, method, {"Range": "bytes=1-2"}, offload=PROTECTED)
        assert (status, body) == (200, b"")
        assert headers["x-accel-redirect"] == "/protected/%C3%89t%C3%A9%20%231%3F.png"
        assert headers["content-length"] == "0"
        assert headers["content-disposition"] == 'attachment; filename="photo 1.png"'
        assert headers["x-content-type-options"] == "nosniff"
        assert "accept-ranges" not in headers
    status, headers, body = await answered(file, "POST", {"Range": "bytes=1-2"}, offload=PROTECTED)
    assert (status, body, "x-accel-redirect" in headers) == (200, b"bytes", False)  # it would send a part


async def test_other_storages_are_sent_as_ever(answered):
    """A server in front cannot reach what is no file."""
    storages.register_backend("memory://", key="served")
    status, headers, body = await answered(saved(b"bytes"), offload=PROTECTED)
    assert (status, body) == (200, b"bytes")
    assert "x-accel-redirect" not in headers


def test_the_folder_of_other_servers():
    """Apache and lighttpd want the path."""
    assert Offload("X-Sendfile", "/srv/files").value("a/b c.png") == "/srv/files/a/b%20c.png"


def test_an_answer_is_taken_apart():
    """The client of these tests sees what is missing."""
    answer = parsed(b"HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\nX: y: z\r\n\r\nbyte")
    assert (answer.status, answer.headers["x"], answer.is_complete) == (206, "y: z", False)
