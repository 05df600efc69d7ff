"""Uploads to Holdfast's own signed URLs: what was agreed is what is stored, and nothing stays of anything else."""

import hashlib
import resource
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from holdfast import StorageBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.backends.wrappers import ReadOnlyBackend
from holdfast.drivers.optional import UploadOffer, UploadTerms
from tests.serving.signed.conftest import Site

MIB = 1024 * 1024
BODY = b"0123456789" * 1000
SHA = f"sha256:{hashlib.sha256(BODY).hexdigest()}"


@pytest.fixture(params=["memory", "local"])
def storage(request: pytest.FixtureRequest, site: Site, tmp_path: Path) -> StorageBackend:
    """Return a storage, of those whose service takes no uploads itself."""
    if request.param == "memory":
        return site.add(ObstoreBackend("docs", "memory://"))
    return site.add(ObstoreBackend("docs", f"file://{tmp_path}/docs/", durable=False))


def offer(
    storage: StorageBackend, *, checksum: str | None = SHA, key: str = "up/a.bin", size: int = len(BODY)
) -> UploadOffer:
    """Offer an upload."""
    return storage.offer_upload(UploadTerms(key, size, 60, "application/zip", checksum))


def send(site: Site, offered: UploadOffer, content: object = BODY, **headers: str) -> httpx.Response:
    """Upload as a client does that was given an offer."""
    more = {name.replace("_", "-"): value for name, value in headers.items()}
    return site.client.request(offered.method, offered.url, content=content, headers={**offered.headers, **more})


def chunked(*chunks: bytes) -> Iterator[bytes]:
    """Return a body whose length is not said beforehand."""
    yield from chunks


def stored(storage: StorageBackend) -> list[str]:
    """Return the keys of all objects, after making sure that no temporary file is left."""
    if isinstance(storage.native, Path):
        assert [path for path in storage.native.rglob("*") if ".holdfast" in str(path) and path.is_file()] == []
    return [info.key for info in storage.list()]


@pytest.mark.parametrize("checksum", [None, SHA])
@pytest.mark.parametrize("content", [lambda: BODY, lambda: chunked(BODY[:7], BODY[7:])], ids=["sized", "chunked"])
def test_s8_an_upload_as_agreed(site, storage, checksum, content):
    """It is there, with its type, and the answer says what it has become."""
    answer = send(site, offer(storage, checksum=checksum), content())
    assert (answer.status_code, answer.content, answer.headers["cache-control"]) == (201, b"", "no-store")
    assert answer.headers["etag"].startswith('"')
    info = storage.stat("up/a.bin")
    assert storage.read("up/a.bin") == BODY
    assert info.content_type in ({"application/zip"} if storage.abilities.content_type else {None})
    assert answer.headers["etag"].strip('"') == (info.etag or "").strip('"')


@pytest.mark.parametrize("size", [len(BODY) - 1, len(BODY) + 1, 0, 9 * MIB])
@pytest.mark.parametrize("said", ["sized", "chunked"])
def test_s9_another_size(site, storage, said, size):
    """One byte less or more, nothing, far too much; announced or not: refused, and nothing stays."""
    content = bytes(size) if said == "sized" else chunked(*[bytes(min(size - at, MIB)) for at in range(0, size, MIB)])
    answer = send(site, offer(storage, checksum=None), content)
    assert answer.status_code == (413 if size > len(BODY) else 422)
    assert answer.json()["code"] == ("too_large" if size > len(BODY) else "wrong_size")
    assert answer.json()["limit"] == len(BODY)
    assert stored(storage) == []


def test_s9_an_empty_upload(site, storage):
    """Nothing is a size as well."""
    empty = hashlib.sha256(b"").hexdigest()
    assert send(site, offer(storage, size=0, checksum=f"sha256:{empty}"), b"").status_code == 201
    assert storage.stat("up/a.bin").size == 0


def raw(site: Site, offered: UploadOffer, head: str, body: bytes) -> bytes:
    """Send bytes as they are, end the request there, and return what comes back."""
    url = urlsplit(offered.url)
    lines = f"PUT {url.path} HTTP/1.1\r\nhost: {url.netloc}\r\ncontent-type: application/zip\r\n{head}\r\n\r\n"
    with socket.create_connection((url.hostname, url.port), 10) as connection:
        connection.sendall(lines.encode() + body)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while data := connection.recv(65536):
            answer += data
    site.world.settle()
    return answer


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (f"content-length: {len(BODY)}", BODY[:-1]),
        ("content-length: -1", BODY),
        (f"content-length: +{len(BODY)}", BODY),
        (f"content-length: {len(BODY)}\r\ncontent-length: {len(BODY) - 1}", BODY),
        ("content-length: 99999999999999999999999", BODY),
        ("transfer-encoding: chunked", b"%x\r\n%b\r\n" % (len(BODY) - 1, BODY[:-1])),
        ("transfer-encoding: chunked", b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY) - 1, BODY[:-1])),
        ("transfer-encoding: chunked", b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY) + 1, BODY + b"0")),
        ("x-none: 0", BODY),
        ("", b""),
    ],
    ids=["short", "negative", "signed", "two", "huge", "cut", "fewer", "more", "missing", "nothing"],
)
def test_s9_a_lying_length(site, storage, head, body):
    """Whatever the header says, or does not say: nothing stays of what is not as agreed."""
    answer = raw(site, offer(storage, checksum=None), head, body)
    assert b" 201 " not in answer
    assert stored(storage) == []


def test_s9_the_length_is_looked_at_before_the_body(site, storage):
    """A client that announces too much and waits for leave is not told to go on."""
    offered = offer(storage)
    url = urlsplit(offered.url)
    head = f"PUT {url.path} HTTP/1.1\r\nhost: {url.netloc}\r\ncontent-type: application/zip\r\n"
    with socket.create_connection((url.hostname, url.port), 10) as connection:
        connection.sendall(f"{head}expect: 100-continue\r\ncontent-length: {10**12}\r\n\r\n".encode())
        answer = connection.recv(65536)
    if site.world.name == "wsgi":  # cheroot gives leave by itself, before it calls the application
        answer = answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert answer == b"" or answer.startswith(b"HTTP/1.1 413 ")
    assert stored(storage) == []


@pytest.mark.parametrize(
    "content_type", ["", "application/zipx", "application/zip2", "text/html", "application/zip;charset=utf-8", "*/*"]
)
def test_s8_another_type(site, storage, content_type):
    """The type is exactly the one that was signed."""
    answer = site.put(offer(storage).url, BODY, content_type)
    assert (answer.status_code, answer.json()["code"]) == (415, "type_mismatch")
    assert site.client.put(offer(storage).url, content=BODY).status_code == 415
    assert stored(storage) == []


def test_s8_the_type_in_other_letters(site, storage):
    """Media types have no case."""
    assert site.put(offer(storage).url, BODY, "Application/ZIP").status_code == 201


def test_s8_another_body_of_equal_size(site, storage):
    """The checksum tells."""
    answer = send(site, offer(storage), BODY[::-1])
    assert (answer.status_code, answer.json()["code"]) == (422, "wrong_checksum")
    assert stored(storage) == []
    assert send(site, offer(storage)).status_code == 201


def test_s8_once(site, storage):
    """What is there is not replaced, not even by the same bytes."""
    offered = offer(storage, checksum=None)
    assert offered.creates_only
    assert send(site, offered).status_code == 201
    for again in (BODY[::-1], BODY):
        answer = send(site, offered, again)
        assert (answer.status_code, answer.json()["code"]) == (409, "exists")
    assert storage.read("up/a.bin") == BODY


def test_s8_once_although_it_is_large(site, storage):
    """Also where the service itself replaces what is large; it says so."""
    size = 9 * MIB
    offered = offer(storage, checksum=None, size=size)
    assert offered.creates_only == isinstance(storage.native, Path)
    assert send(site, offered, bytes(size)).status_code == 201
    assert send(site, offered, b"x" * size).status_code == 409
    assert storage.read("up/a.bin", end=1) == b"\0"


def test_s8_one_of_many_at_once(site, storage):
    """Of several clients with one URL, one is the first, and its bytes stay."""
    bodies = [bytes([number]) * 100_000 for number in range(6)]
    url = offer(storage, checksum=None, size=100_000).url
    with ThreadPoolExecutor(len(bodies)) as pool:
        answers = list(pool.map(lambda body: site.put(url, body, "application/zip").status_code, bodies))
    assert sorted(answers) == [201, 409, 409, 409, 409, 409]
    assert storage.read("up/a.bin") == bodies[answers.index(201)]


def test_s8_another_key(site, storage):
    """The key is the server's choice, whatever the path says."""
    base, token, _ = offer(storage).url.rsplit("/", 2)
    for name in ("b.bin", "..%2Fb.bin", "", "a.bin%00"):
        assert site.put(f"{base}/{token}/{name}", BODY, "application/zip").status_code in {400, 403, 404}
    assert stored(storage) == []


def test_a_url_without_terms(site, storage):
    """As `sign` makes it, like that of a service: any size and type, and an object is replaced."""
    url = storage.sign("a.txt", for_upload=True)
    assert site.put(url, b"one", "text/plain").status_code == 201
    assert site.put(url, b"three", "text/markdown; charset=utf-8").status_code == 201
    assert storage.read("a.txt") == b"three"
    if storage.abilities.content_type:
        assert storage.stat("a.txt").content_type == "text/markdown; charset=utf-8"
    assert site.put(url, b"", "no type at all").status_code == 201
    sized = storage.sign("b.txt", for_upload=True, size=3)
    assert [site.put(sized, body).status_code for body in (b"1234", b"12", b"123")] == [413, 422, 201]


def test_s10_memory_is_bounded(site, tmp_path):
    """128 MiB pass through, and the process has not grown by a third of that."""
    storage = site.add(ObstoreBackend("docs", f"file://{tmp_path}/docs/", durable=False))
    size, block = 128 * MIB, bytes(MIB)
    digest = hashlib.sha256(block * 128).hexdigest()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    offered = offer(storage, checksum=f"sha256:{digest}", size=size)
    answer = send(site, offered, chunked(*[block] * 128))
    assert answer.status_code == 201
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 40 * MIB
    assert storage.stat("up/a.bin").size == size


def test_a_client_that_leaves(site, storage):
    """Nothing stays of half an upload, and the server goes on."""
    offered = offer(storage, size=4 * MIB, checksum=None)
    assert b" 201 " not in raw(site, offered, f"content-length: {4 * MIB}", bytes(MIB))
    assert stored(storage) == []
    assert send(site, offered, bytes(4 * MIB)).status_code == 201


def test_a_refused_upload_leaves_the_connection_usable(site, storage):
    """What the client sent of it is no part of the next request."""
    for _ in range(3):
        assert site.put(offer(storage).url, bytes(300_000), "application/zip").status_code == 413
        assert site.put(offer(storage).url + "x", bytes(300_000), "application/zip").status_code == 403
        assert site.get(storage.sign("none")).status_code == 404


def test_a_storage_that_became_read_only(site, docs):
    """A URL from before is of no use."""
    url = docs.sign("a", for_upload=True)
    site.add(ReadOnlyBackend("docs", docs))
    assert site.put(url, b"x").status_code == 403
    assert not docs.exists("a")


def test_s22_what_a_client_is_told(site, docs):
    """No name of a storage, no key, no token."""
    offered = offer(docs)
    token = offered.url.split("/")[-2]
    send(site, offered)
    for answer in (send(site, offered), send(site, offered, b"x"), site.put(offered.url, BODY, "x/y")):
        assert answer.status_code in {409, 422, 415}
        for secret in ("docs", "up/", token[:20]):
            assert secret not in answer.text
