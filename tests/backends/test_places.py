"""Whether two storages are the same place: by whatever library, address, wrapper or link they are reached."""

import pytest

from holdfast.backends.base import StorageBackend
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.backends.wrappers import (
    LimitedBackend,
    MirrorBackend,
    PrefixBackend,
    ReadOnlyBackend,
    overlaps,
    place_of,
    same_place,
)
from holdfast.drivers.local import LocalDriver

SECRET = "bm90IGEgc2VjcmV0"  # base64, as Azure's keys are
GOOGLE = '{"gcs_base_url": "http://localhost:4443", "disable_oauth": true, "client_email": "", "private_key": ""}'
GOOGLE = GOOGLE[:-1] + ', "private_key_id": ""}'


def s3(prefix="", **options):
    """Return a storage on a bucket through obstore."""
    options = {"access_key_id": "a", "secret_access_key": SECRET, "region": "eu-west-1", **options}
    return ObstoreBackend("s3", f"s3://docs/{prefix}", **options)


def s3fs(prefix="", **options):
    """Return a storage on the same bucket through s3fs."""
    return FSSpecBackend("s3fs", "s3", f"docs{prefix}", **options)


MINIO = {"endpoint": "http://localhost:9000", "allow_http": True}
PAIRS = {
    "Amazon, by two libraries": lambda: (s3(), s3fs()),
    "Amazon, by its address": lambda: (s3(endpoint="https://s3.eu-west-1.amazonaws.com"), s3fs(username="a")),
    "another S3": lambda: (s3(**MINIO), s3fs(endpoint_url="http://127.0.0.1:9000/")),
    "another S3, by client_kwargs": lambda: (
        s3("a/b", **MINIO),
        s3fs("/a/b", client_kwargs={"endpoint_url": "http://127.0.0.1:9000"}),
    ),
    "another S3, a bucket as a host": lambda: (
        s3(endpoint="https://docs.minio.example", virtual_hosted_style_request=True),
        s3fs(endpoint_url="https://minio.example"),
    ),
    "a folder, by a prefix and by a wrapper": lambda: (
        s3("a/b", **MINIO),
        PrefixBackend("p", ReadOnlyBackend("r", PrefixBackend("q", s3(**MINIO), "a")), "b"),
    ),
    "Google": lambda: (
        ObstoreBackend("gcs", "gs://docs/a", google_service_account_key=GOOGLE, google_allow_http=True),
        FSSpecBackend("gcsfs", "gcs", "docs/a", token="anon", endpoint_url="http://127.0.0.1:4443"),
    ),
    "Azure": lambda: (
        ObstoreBackend("az", "az://docs/a", account_name="acme", account_key=SECRET),
        FSSpecBackend("adlfs", "abfs", "docs/a", account_name="acme", account_key=SECRET),
    ),
    "Azure, by a connection string": lambda: (
        ObstoreBackend("az", "abfss://docs@acme.dfs.core.windows.net/a", account_key=SECRET),
        FSSpecBackend("adlfs", "abfs", "docs/a", connection_string=f"AccountName=acme;AccountKey={SECRET}"),
    ),
    "an emulator of Azure": lambda: (
        ObstoreBackend("az", "az://docs", azure_storage_connection_string="UseDevelopmentStorage=true"),
        FSSpecBackend("adlfs", "abfs", "docs", connection_string="UseDevelopmentStorage=true"),
    ),
    "a server of files, two connections": lambda: (
        FSSpecBackend("one", "ftp", "/srv/files/", host="ftp.example", username="u", password="p"),
        FSSpecBackend("two", "ftp", "/srv/files", host="ftp.example", username="u", password="p"),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_one_place(name):
    """Objects of one are those of the other, under the same keys, and one of them may be around with limits."""
    one, other = PAIRS[name]()
    assert same_place(one, other)
    assert same_place(other, LimitedBackend("l", one))
    assert overlaps(one, PrefixBackend("p", other, "x"))
    assert not same_place(one, PrefixBackend("p", other, "x"))
    assert SECRET not in repr(place_of(one))


OTHERS = {
    "another bucket": lambda: (s3(), ObstoreBackend("s3", "s3://more/", region="eu-west-1")),
    "another folder": lambda: (s3("a"), s3("ab")),
    "another server": lambda: (s3(**MINIO), s3()),
    "another port": lambda: (s3fs(endpoint_url="http://localhost:9000"), s3fs(endpoint_url="http://localhost:9001")),
    "another service": lambda: (
        ObstoreBackend("az", "az://docs/a", account_name="acme", account_key=SECRET),
        ObstoreBackend("az", "az://docs/a", account_name="ecma", account_key=SECRET),
    ),
    "another account": lambda: (
        FSSpecBackend("one", "ftp", "/srv/files", host="ftp.example", username="u", password="p"),
        FSSpecBackend("two", "ftp", "/srv/files", host="ftp.example", username="v", password="p"),
    ),
    "two memories": lambda: (ObstoreBackend("one", "memory://"), ObstoreBackend("two", "memory://")),
    "two memories of fsspec": lambda: (FSSpecBackend("one", "memory"), FSSpecBackend("two", "memory")),
}


@pytest.mark.parametrize("name", OTHERS)
def test_two_places(name):
    """They have no object in common."""
    one, other = OTHERS[name]()
    assert not same_place(one, other)
    assert not overlaps(one, other)


def test_a_store_that_two_storages_share():
    """One object of a library, given to both."""
    store = ObstoreBackend("one", "memory://").native
    assert same_place(ObstoreBackend("two", store), ObstoreBackend("three", store))


def test_links_to_a_folder(tmp_path):
    """A disk is where its symbolic links lead to, whichever library is named, and whether or not it is there yet."""
    (tmp_path / "link").symlink_to(tmp_path / "files")
    disk, link = FSSpecBackend("disk", "file", str(tmp_path / "files")), f"file://{tmp_path}/link/a/"
    assert same_place(PrefixBackend("a", disk, "a"), ObstoreBackend("link", link))
    root = StorageBackend("root", LocalDriver(tmp_path.root))
    assert overlaps(root, disk)
    assert not overlaps(disk, FSSpecBackend("more", "file", str(tmp_path / "files-more")))


def test_several_places():
    """A storage over several has all of their places, and is the same as another only if all are."""
    one, two = ObstoreBackend("one", "memory://"), ObstoreBackend("two", "memory://")
    safe = MirrorBackend("safe", [one, two])
    assert place_of(safe) == place_of(one)
    assert overlaps(safe, PrefixBackend("p", two, "a"))
    assert not same_place(safe, one)
    assert same_place(LimitedBackend("l", safe), MirrorBackend("again", [two, one]))


def test_a_place_that_cannot_be_told(tmp_path, monkeypatch):
    """Options that cannot work are no reason to fail here; and a driver that does not tell is its own place."""
    odd = ObstoreBackend("odd", "gs://docs/")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "missing.json"))
    assert same_place(odd, LimitedBackend("l", odd))
    assert not overlaps(odd, s3())
