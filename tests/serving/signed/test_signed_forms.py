"""Uploads by an HTML form, to the same URLs."""

import hashlib

import pytest

from holdfast import StorageBackend
from holdfast.drivers.optional import UploadOffer, UploadTerms
from tests.serving.signed.conftest import Site

MIB = 1024 * 1024
BODY = b"--\r\n--x\r\n" * 1000
SHA = f"sha256:{hashlib.sha256(BODY).hexdigest()}"
FILE = {"file": ("C:\\été.html", BODY, "text/html")}


@pytest.fixture
def offered(docs: StorageBackend) -> UploadOffer:
    """Return an offer of an upload by form."""
    return docs.offer_upload(UploadTerms("up/a.zip", len(BODY), 60, "application/zip", SHA, as_form=True))


def test_s8_a_form_as_agreed(site: Site, docs: StorageBackend, offered: UploadOffer) -> None:
    """The type is the one that was signed; what the form says of its file is not looked at."""
    assert (offered.method, dict(offered.headers), dict(offered.fields)) == ("POST", {}, {})
    answer = site.client.post(offered.url, data={"title": "x", "other": "y"}, files=FILE)
    assert (answer.status_code, answer.headers["etag"][:1]) == (201, '"')
    info = docs.stat("up/a.zip")
    assert (docs.read("up/a.zip"), info.content_type) == (BODY, "application/zip")
    assert site.client.post(offered.url, files=FILE).status_code == 409


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (BODY[:-1], (422, "wrong_size")),
        (BODY + b"-", (413, "too_large")),
        (BODY[::-1], (422, "wrong_checksum")),
        (b"", (422, "wrong_size")),
        (bytes(3 * MIB), (413, "too_large")),
    ],
    ids=["fewer", "more", "others", "nothing", "far more"],
)
def test_s8_s9_another_body(site, docs, offered, body, expected):
    """It is refused as a PUT is, and nothing stays."""
    answer = site.client.post(offered.url, files={"file": ("a", body)})
    assert (answer.status_code, answer.json()["code"]) == expected
    assert [*docs.list()] == []


def form(*parts: tuple[str, bytes], end: bytes = b"--b--\r\n") -> bytes:
    """Return the body of a form with the boundary ``b``."""
    heads = (
        b'--b\r\nContent-Disposition: form-data; name="%b"; filename="f"\r\n\r\n%b\r\n' % (name.encode(), data)
        for name, data in parts
    )
    return b"".join([*heads, end])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (form(("file", BODY), ("file", BODY)), 400),
        (form(("file", BODY), ("file", b"")), 400),
        (form(("files", BODY)), 400),
        (form(), 400),
        (form(("file", BODY), end=b""), 400),
        (form(("file", BODY), end=b"--b"), 400),
        (form(("x", bytes(70_000)), ("file", BODY)), 413),
        (form(*[("x", b"")] * 30, ("file", BODY)), 413),
        (b"x" * 100_000, 413),
        (b"", 422),
    ],
    ids=[
        "two",
        "two, one empty",
        "other name",
        "none",
        "no end",
        "half an end",
        "much else",
        "many",
        "no form",
        "empty",
    ],
)
def test_s8_a_form_that_is_none(site, docs, offered, body, status):
    """Exactly one field has the file, and the form has an end: else nothing stays."""
    answer = site.client.post(offered.url, content=body, headers={"content-type": "multipart/form-data; boundary=b"})
    assert answer.status_code in {status, 400, 422}
    chunked = site.client.post(
        offered.url, content=iter([body]), headers={"content-type": "multipart/form-data; boundary=b"}
    )
    assert chunked.status_code in {status, 400}
    assert [*docs.list()] == []


@pytest.mark.parametrize(
    "kind",
    ["application/x-www-form-urlencoded", "application/zip", "", "multipart/form-data", "multipart/mixed; boundary=b"],
)
def test_a_post_of_something_else(site, docs, offered, kind):
    """A POST is a form."""
    answer = site.client.post(offered.url, content=form(("file", BODY)), headers={"content-type": kind})
    assert answer.status_code in {400, 415}
    assert [*docs.list()] == []


def test_fields_after_the_file(site, docs, offered):
    """They are passed over, like those before it."""
    body = form(("a", b"1"), ("file", BODY), ("b", b"2"))
    headers = {"content-type": "multipart/form-data; boundary=b"}
    assert site.client.post(offered.url, content=body, headers=headers).status_code == 201
    assert docs.read("up/a.zip") == BODY


def test_s8_a_put_to_the_url_of_a_form(site, docs, offered):
    """It is held to the same terms."""
    assert site.put(offered.url, BODY, "text/html").status_code == 415
    assert site.put(offered.url, BODY, "application/zip").status_code == 201
