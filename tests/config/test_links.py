"""Following signed URLs on the network that a storage was told to use."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

import pytest

from holdfast.backends.obstore import ObstoreBackend
from holdfast.config import check
from holdfast.config.probing.links import Links
from holdfast.config.probing.network import Network, network_of
from holdfast.errors import StorageError
from tests.config.authority import encrypted, make_authority


@pytest.fixture
def secure(ministack, tmp_path):
    """An S3 server with a certificate of an authority that only its storages know: its address, and the authority."""
    authority, context = make_authority(tmp_path)
    with encrypted(urlsplit(ministack.endpoint).port, context) as endpoint:
        yield endpoint, authority


@pytest.mark.parametrize("trusting", ["authority", "anybody", "s3fs"])
def test_certificates_that_only_the_storage_trusts(secure, s3_bucket, tmp_path, trusting):
    """The storage works, and the report says that others will not trust it."""
    endpoint, authority = secure
    (tmp_path / "authority.pem").write_text(authority)
    more = {
        "authority": {"root_certificate": authority},
        "anybody": {"allow_invalid_certificates": True},
        "s3fs": {"driver": "fsspec", "client_kwargs": {"verify": str(tmp_path / "authority.pem")}},
    }[trusting]
    options = {**s3_bucket.options, "aws_endpoint": endpoint}
    report = check({"storages": {"docs": {"uri": s3_bucket.url, **options, **more}}})
    assert report.ok, report.to_dict()
    assert any("must trust its authority" in note for note in report.storages["docs"].notes)
    assert s3_bucket.keys() == []


def test_certificates_that_nobody_trusts(secure):
    """They are an error."""
    with pytest.raises(StorageError, match="CERTIFICATE_VERIFY_FAILED"):
        Links().fetch(secure[0], 5.0)


class Proxy(BaseHTTPRequestHandler):
    """Answers every request itself."""

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.path.encode())

    def log_message(self, *_):
        pass


@pytest.fixture
def proxy():
    """The address of a proxy."""
    with HTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_proxy(proxy):
    """The storage's own is asked, but for the hosts that it leaves out."""
    options = {"proxy_url": proxy, "proxy_excludes": "localhost, inside.example"}
    network = network_of(ObstoreBackend("docs", "https://host.example/", **options).native)
    assert Links(network).fetch("http://host.example/a", 5.0).body == b"http://host.example/a"
    assert Links(network).fetch(f"{proxy.replace('127.0.0.1', 'localhost')}/a", 5.0).body == b"/a"
    assert network.excludes == "localhost, inside.example"


def test_other_storages(tmp_path):
    """They have the network of this machine."""
    assert network_of(tmp_path) == network_of(ObstoreBackend("docs", "memory://").native) == Network()
