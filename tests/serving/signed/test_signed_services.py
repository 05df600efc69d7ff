"""Signed URLs of services that have none: one way for all of them."""

import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from holdfast import FileObject, StorageBackend
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.backends.wrappers import CachedBackend, GradualBackend, LimitedBackend, MirrorBackend, PrefixBackend
from holdfast.drivers.optional import UploadTerms
from tests.serving.signed.conftest import Site

MIB = 1024 * 1024


def over(wrap: Callable[[StorageBackend, Any], StorageBackend]) -> Callable[..., StorageBackend]:
    """Return what makes a storage over one in memory."""
    return lambda request: wrap(FSSpecBackend("inner", "memory"), request.getfixturevalue("tmp_path"))


def on(server: str, *fs: Any, prefix: Callable[[Any], str], options: str = "options") -> Callable[..., StorageBackend]:
    """Return what makes a storage on a server."""

    def make(request: pytest.FixtureRequest) -> StorageBackend:
        running = request.getfixturevalue(server)
        return FSSpecBackend("docs", *fs, prefix(running), **getattr(running, options))

    return make


FOLDER = secrets.token_hex(4)
STORAGES = {
    "fsspec's memory": lambda _: FSSpecBackend("docs", "memory"),
    "fsspec's disk": lambda request: FSSpecBackend("docs", "file", str(request.getfixturevalue("tmp_path"))),
    "SFTP by paramiko": on("sshd", "sftp", prefix=lambda server: server.path(FOLDER), options="paramiko"),
    "SFTP by sshfs": on("sshd", "sftp", prefix=lambda server: server.path(FOLDER), options="sshfs"),
    "FTP": on("pyftpdlib", "ftp", prefix=lambda _: f"/{FOLDER}"),
    "WebDAV": on("wsgidav", "webdav", prefix=lambda _: FOLDER),
    "folder": over(lambda inner, _: PrefixBackend("docs", inner, "folder")),
    "limits": over(lambda inner, _: LimitedBackend("docs", inner)),
    "cache": over(lambda inner, path: CachedBackend("docs", inner, folder=path, max_bytes=MIB)),
    "move": over(lambda inner, _: GradualBackend("docs", new=FSSpecBackend("new", "memory"), old=inner)),
    "mirror": over(lambda inner, _: MirrorBackend("docs", [inner, FSSpecBackend("other", "memory")])),
}


@pytest.fixture(params=STORAGES)
def storage(request: pytest.FixtureRequest, site: Site) -> StorageBackend:
    """Return a storage whose service signs nothing."""
    return site.add(STORAGES[request.param](request))


def test_b17_reading_and_writing(site: Site, storage: StorageBackend) -> None:
    """A URL to read and one to write, on every service, by the same calls."""
    key = f"{secrets.token_hex(4)}/été.txt"
    file = FileObject(backend=storage, filename="Été.txt", to_filename=key)
    assert (
        site.put(file.sign(for_upload=True, size=5, content_type="text/plain"), b"hello", "text/plain").status_code
        == 201
    )
    assert file.refresh().size == 5
    answer = site.get(file.sign(expires_in=300), range="bytes=1-3")
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (206, b"ell", "text/plain")
    assert "filename*=UTF-8''%C3%89t%C3%A9.txt" in answer.headers["content-disposition"]


def test_b38_an_upload_by_the_client(site: Site, storage: StorageBackend) -> None:
    """It is offered, and sent once, in more bytes than one request of a service takes."""
    size, send = 9 * MIB, partial(site.client.put, content=bytes(9 * MIB))
    offered = storage.offer_upload(UploadTerms(f"{secrets.token_hex(4)}/a.bin", size, 60, "application/zip"))
    assert send(offered.url, headers=dict(offered.headers)).status_code == 201
    assert send(offered.url, headers=dict(offered.headers)).status_code == 409


def test_a_storage_that_moves_to_a_service(site: Site, s3_bucket: Any) -> None:
    """What is there already is redirected to; what is not is sent, and nobody is redirected in a circle."""
    options = {name: value for name, value in s3_bucket.obstore.items() if name != "bucket"}
    cloud, disk = ObstoreBackend("cloud", f"s3://{s3_bucket.name}/", **options), FSSpecBackend("disk", "memory")
    storage = site.add(GradualBackend("docs", new=cloud, old=disk))
    disk.put("old.txt", b"old")
    storage.put("new.txt", b"new")
    old, new = (
        FileObject(backend=storage, filename=name, content_type="text/plain") for name in ("old.txt", "new.txt")
    )
    assert (site.get(old.url()).status_code, site.get(old.url()).content) == (200, b"old")
    assert site.get(old.sign()).content == b"old"
    answer = site.get(new.url())
    assert (answer.status_code, s3_bucket.name in answer.headers["location"]) == (302, True)
    assert s3_bucket.name in new.sign()
    disk.delete("old.txt"), cloud.put("old.txt", b"moved")
    assert site.get(old.url()).status_code == 302
