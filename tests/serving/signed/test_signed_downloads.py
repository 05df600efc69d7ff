"""Files behind Holdfast's own signed URLs: who has one reads this file, for a while, and does nothing else."""

from pathlib import Path
from time import time
from typing import Any

import pytest

from holdfast import FileObject, StorageBackend, storages
from holdfast.backends.obstore import ObstoreBackend
from holdfast.backends.wrappers import PrefixBackend, ReadOnlyBackend
from holdfast.errors import ConfigurationError, MissingExtraError, UnsupportedError
from holdfast.serving import asgi, wsgi
from holdfast.signed_urls import Grant, SignedURLs
from holdfast.testing.s3 import S3Bucket
from tests.serving.drivers import Unable
from tests.serving.signed.conftest import SECRET, Site

REFUSED = b'{"code": "invalid_token", "message": "the link is not valid, or it has expired"}'


def kept(storage: StorageBackend, name: str = "été 1.png", content: bytes = b"0123456789", **fields: Any) -> FileObject:
    """Store a file."""
    return FileObject(backend=storage, filename=name, to_filename=f"2025/{name}", content=content, **fields).save()


def test_b33_a_local_file_by_a_signed_url(site: Site, tmp_path: Path) -> None:
    """What the documents say cannot be: local disk, GET and PUT."""
    storage = site.add(ObstoreBackend("local", f"file://{tmp_path}/uploads/"))
    answer = site.get(kept(storage).sign(expires_in=60))
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, b"0123456789", "image/png")
    assert site.put(storage.sign("new.txt", for_upload=True), b"new").status_code == 201
    assert storage.read("new.txt") == b"new"


def test_a_file_with_its_name_type_and_parts(site: Site, docs: StorageBackend) -> None:
    """It is served as any other: with ranges, conditions, HEAD, and the headers that keep scripts from running."""
    url = kept(docs).sign()
    whole, head = site.get(url), site.client.head(url)
    assert whole.content == b"0123456789"
    assert (
        whole.headers["content-disposition"]
        == "attachment; filename=\"ete 1.png\"; filename*=UTF-8''%C3%A9t%C3%A9%201.png"
    )
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "10")
    assert whole.headers["x-content-type-options"] == "nosniff"
    part = site.get(url, range="bytes=2-4")
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"234", "bytes 2-4/10")
    assert site.get(url, if_none_match=whole.headers["etag"]).status_code == 304
    assert site.get(url, range="bytes=10-").status_code == 416


def test_headers_are_those_that_were_signed(site: Site, docs: StorageBackend) -> None:
    """A type and a disposition of the signer's; what may hold a script is saved all the same."""
    file = kept(docs, "page.html", b"<script>")
    shown = site.get(file.sign(content_type="text/plain", content_disposition="inline"))
    assert (shown.headers["content-type"], shown.headers["content-disposition"]) == ("text/plain", "attachment")
    image = kept(docs).sign(content_type="image/webp", disposition="inline")
    answer = site.get(image)
    assert (answer.headers["content-type"], answer.headers["content-disposition"][:6]) == ("image/webp", "inline")
    plain = site.get(docs.sign("2025/page.html"))
    assert (plain.headers["content-type"], plain.headers["content-disposition"][:10]) == ("text/html", "attachment")


def test_s17_no_cache_keeps_it_longer_than_it_is_signed_for(site: Site, docs: StorageBackend) -> None:
    """Private, and for the seconds that are left; errors are not kept at all."""
    url = kept(docs).sign(expires_in=100)
    for answer in (site.get(url), site.get(url, range="bytes=0-1"), site.get(url, if_none_match="*")):
        private, _, age = answer.headers["cache-control"].partition(", max-age=")
        assert private == "private"
        assert 90 <= int(age) <= 100
    for answer in (site.get(url + "x"), site.get(url, range="bytes=99-"), site.get(docs.sign("none"))):
        assert answer.headers["cache-control"] == "no-store"


def test_the_address_is_not_passed_on(site: Site, docs: StorageBackend) -> None:
    """A page that is shown does not tell other sites where it came from: the URL is a credential."""
    url = kept(docs).sign()
    assert site.get(url).headers["referrer-policy"] == site.get(url + "x").headers["referrer-policy"] == "no-referrer"


def refused(site: Site, docs: StorageBackend) -> dict[str, tuple[str, str]]:
    """Return requests that are refused, by what is wrong with them."""
    url = kept(docs).sign()
    base, token, name = url.rsplit("/", 2)
    flipped = ("A" if token[9] != "A" else "B").join([token[:9], token[10:]])
    later, signed = int(time()) + 60, site.registry.signed_urls
    assert signed is not None
    key = "2025/été 1.png"
    return {
        "changed": ("GET", f"{base}/{flipped}/{name}"),
        "another name": ("GET", f"{base}/{token}/other.png"),
        "no name": ("GET", f"{base}/{token}/"),
        "no token": ("GET", f"{base}/{name}"),
        "nothing": ("GET", f"{base}/"),
        "root": ("GET", site.world.base_url),
        "a path for the name": ("GET", f"{base}/{token}/x/{name}"),
        "not ASCII": ("GET", f"{base}/%C3%A9%FF/{name}"),
        "very long": ("GET", f"{base}/{'A' * 9000}/{name}"),
        "for an upload": ("GET", docs.sign(key, for_upload=True)),
        "upload to a download": ("PUT", url),
        "form to a download": ("POST", url),
        "expired": ("GET", signed.url(Grant("GET", "docs", key, int(time()) - 1))),
        "expires too late": ("GET", signed.url(Grant("GET", "docs", key, later + 9 * 24 * 3600))),
        "another secret": ("GET", SignedURLs(base, "x" * 30).url(Grant("GET", "docs", key, later))),
        "no such storage": ("GET", signed.url(Grant("GET", "gone", key, later))),
        "another purpose": ("GET", f"{base}/{signed.keys.sign('ticket', [], expires_at=later)}/{name}"),
    }  # fmt: skip


def test_s16_s30_whatever_is_wrong_has_one_answer(site: Site, docs: StorageBackend) -> None:
    """Unknown, forged, expired, for something else: nobody learns which."""
    for why, (method, url) in refused(site, docs).items():
        answer = site.client.request(method, url)
        assert (answer.status_code, answer.content) == (403, REFUSED), why
        assert answer.headers["content-type"] == "application/json"
        head = site.client.head(url)
        assert (head.status_code, head.content) == ((403, b"") if method == "GET" else (200, b"")), why


def test_s16_a_query_changes_nothing(site: Site, docs: StorageBackend) -> None:
    """All that counts is in the token."""
    url = kept(docs).sign()
    assert site.get(f"{url}?expires_at=9999999999&expires_at=1&key=x").content == b"0123456789"


def test_s16_rotation_of_the_secret(site: Site, docs: StorageBackend) -> None:
    """URLs that were signed before work on while the old secret is listed."""
    url = kept(docs).sign()
    base_url = f"{site.world.base_url}/files"
    site.registry.sign_urls(base_url, ["n" * 20, SECRET])
    assert site.get(url).status_code == 200
    assert site.get(kept(docs, "b").sign()).status_code == 200
    site.registry.sign_urls(base_url, "n" * 20)
    assert site.get(url).status_code == 403


def test_a_file_that_is_gone(site: Site, docs: StorageBackend) -> None:
    """Who has a URL for it may know; no name of a storage or key shows."""
    answer = site.get(docs.sign("2025/gone.png"))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert "docs" not in answer.text
    assert site.client.head(docs.sign("2025/gone.png")).status_code == 404


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "TRACE"])
def test_other_methods(site: Site, docs: StorageBackend, method: str) -> None:
    """There is nothing to do with them."""
    answer = site.client.request(method, kept(docs).sign())
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, PUT, POST, OPTIONS")


def test_a_storage_in_a_folder_of_another(site: Site, docs: StorageBackend) -> None:
    """A URL of the folder leads to the folder."""
    users = site.add(PrefixBackend("users", docs, "users"))
    kept(docs, "a.txt", b"outside")
    kept(users, "a.txt", b"inside")
    assert site.get(users.sign("2025/a.txt")).content == b"inside"
    assert site.get(docs.sign("users/2025/a.txt")).content == b"inside"


def test_a_read_only_storage(site: Site, docs: StorageBackend) -> None:
    """It is read like any other."""
    kept(docs)
    archive = site.add(ReadOnlyBackend("archive", docs))
    assert site.get(archive.sign("2025/été 1.png")).content == b"0123456789"


def test_the_storages_are_those_of_the_application(site: Site, docs: StorageBackend) -> None:
    """Not others of that name, which the process may have as well."""
    kept(docs)
    before = dict(storages.all())
    storages.register_backend("memory://", key="docs")
    try:
        assert site.get(docs.sign("2025/été 1.png")).content == b"0123456789"
    finally:
        storages._backends.clear()
        storages._backends.update(before)


def test_a_public_url_where_no_header_was_signed(site: Site) -> None:
    """A client is sent there only if it gets just what was signed, unless the application says otherwise."""
    storage = site.add(ObstoreBackend("images", "memory://", public_url="https://cdn.example.com/i/"))
    kept(storage)
    plain, with_headers = (
        storage.sign("2025/été 1.png"),
        storage.sign("2025/été 1.png", content_disposition="attachment"),
    )
    public = "https://cdn.example.com/i/2025/%C3%A9t%C3%A9%201.png"
    for mode, expected in {"auto": (302, 200), "redirect": (302, 302), "proxy": (200, 200)}.items():
        site.serve(mode=mode)
        answers = [site.get(url) for url in (plain, with_headers)]
        assert tuple(answer.status_code for answer in answers) == expected
        for answer in answers:
            if answer.status_code == 302:
                assert (answer.headers["location"], answer.headers["cache-control"]) == (public, "no-store")
        assert site.client.head(plain).status_code == 200


@pytest.mark.parametrize("mode", ["auto", "redirect", "proxy"])
def test_a_service_that_signs_itself(site: Site, mode: str, s3_bucket: S3Bucket) -> None:
    """The link stays the application's own; the bytes come from the service, but for a HEAD, or if told not to."""
    storage = site.add(ObstoreBackend("s3", s3_bucket.url, **s3_bucket.options))
    file = kept(storage)
    site.serve(mode=mode)
    link = storage.link("2025/été 1.png", content_disposition='attachment; filename="x.png"', expires_in=60)
    assert link is not None
    assert link.startswith(site.world.base_url)
    answer = site.get(link)
    if mode == "proxy":
        assert answer.status_code == 200
    else:
        assert answer.status_code == 302
        assert answer.headers["cache-control"] == "no-store"
        answer = site.get(answer.headers["location"])
    assert (answer.content, answer.headers["content-disposition"]) == (b"0123456789", 'attachment; filename="x.png"')
    head = site.client.head(link)
    assert (head.status_code, head.headers["content-length"]) == (200, "10")
    assert "X-Amz-Signature=" in file.sign()


def test_a_redirect_asks_the_service_only_for_what_was_not_signed(site: Site, s3_bucket: S3Bucket) -> None:
    """A file's own link says its type, so that no request is made; without one, the service tells it."""
    storage = site.add(ObstoreBackend("s3", s3_bucket.url, **s3_bucket.options))
    storage.put("a.bin", b"x", content_type="image/png")
    missing = FileObject(backend=storage, filename="gone.png").link()
    assert site.get(str(missing)).status_code == 302
    assert site.get(str(storage.link("gone.png"))).status_code == 404
    location = site.get(str(storage.link("a.bin"))).headers["location"]
    assert site.get(location).headers["content-type"] == "image/png"


def test_without_a_secret(site: Site, docs: StorageBackend) -> None:
    """An application that forgot to call sign_urls is told so."""
    url = kept(docs).sign()
    site.registry.clear()
    caught: list[Exception] = []

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        try:
            await app(scope, receive, send)
        except ConfigurationError as error:
            caught.append(error)
            raise

    def wsgi(environ: Any, start_response: Any) -> Any:
        try:
            return app(environ, start_response)
        except ConfigurationError as error:
            caught.append(error)
            start_response("500 Told", [("content-length", "0")])
            return []

    app, site.world.app = site.world.app, asgi if site.world.name == "asgi" else wsgi
    assert site.get(url).status_code == 500
    assert "storages.sign_urls" in str(caught[0])


@pytest.mark.parametrize("options", [{"mode": "Auto"}, {"allow_origins": "https://x.y"}, {"allow_origins": ["*"]}])
def test_options_that_cannot_be(site: Site, options: Any) -> None:
    """They are errors when the application is made."""
    with pytest.raises(ConfigurationError):
        site.serve(**options)


@pytest.mark.parametrize("first", ["auto", "redirect"])
@pytest.mark.parametrize("second", ["auto", "redirect", "proxy"])
def test_no_redirect_leads_in_a_circle(site: Site, docs: StorageBackend, first: Any, second: Any) -> None:
    """Where the service signs nothing: from the application's answer to its own link, and from there nowhere else."""
    response = (asgi if site.world.name == "asgi" else wsgi).FileResponse(kept(docs), mode=first)
    site.serve(mode=second)
    signed = site.world.app

    async def over_asgi(scope: Any, receive: Any, send: Any) -> None:
        await (signed if scope["path"].startswith("/files/") else response)(scope, receive, send)

    def over_wsgi(environ: Any, start_response: Any) -> Any:
        return (signed if environ["PATH_INFO"].startswith("/files/") else response)(environ, start_response)

    site.world.app = over_asgi if site.world.name == "asgi" else over_wsgi
    answer = site.client.get(f"{site.world.base_url}/photo", follow_redirects=True)
    assert (answer.status_code, answer.content) == (200, b"0123456789")
    assert len(answer.history) == (first == "redirect")


@pytest.mark.parametrize("error", [UnsupportedError("no key"), MissingExtraError("no package")])
@pytest.mark.parametrize("mode", ["auto", "redirect"])
def test_a_service_whose_urls_cannot_be_signed(site: Site, mode: str, error: Exception) -> None:
    """The file is sent from here: the link works all the same."""
    storage = site.add(StorageBackend("docs", Unable(error)))
    kept(storage, "a.png")
    site.serve(mode=mode)
    answer = site.get(str(storage.link("2025/a.png", content_type="image/png")))
    assert (answer.status_code, answer.content) == (200, b"0123456789")
