"""The documented forms of S3, GCS and Azure through fsspec, against servers, seen by each service's own client."""

import asyncio
import base64
import json
import os
import ssl
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, quote, urlsplit

import boto3
import fsspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from holdfast.backends.fsspec import FSSpecBackend

MIB = 1024 * 1024
METADATA = {"author": "Ada", "ville": "Orléans 🎉", "nested": {"tags": ["é", None], "n": 2.5}}


class Seen(NamedTuple):
    """What a client that is not ours sees of an object."""

    size: int
    etag: str
    content_type: str


class Cloud(NamedTuple):
    """A storage, and that client."""

    storage: FSSpecBackend
    root: str
    look: Callable[[str], Seen]


def s3_client(bucket: Any) -> Any:
    """Return Amazon's own client."""
    server = bucket.server
    return boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name=server.region,
    )


def documented_s3(bucket: Any, **more: Any) -> Any:
    """Make the file system with all the options of the documents."""
    return fsspec.filesystem(
        "s3",
        key=bucket.server.access_key,
        secret=bucket.server.secret_key,
        endpoint_url=bucket.server.endpoint,
        use_ssl=False,
        config_kwargs={"max_pool_connections": 50, "connect_timeout": 60, "read_timeout": 60},
        **more,
    )


@pytest.fixture
def s3(s3_bucket: Any) -> Cloud:
    """S3."""

    def look(key: str) -> Seen:
        found = s3_client(s3_bucket).head_object(Bucket=s3_bucket.name, Key=f"documents/{key}")
        return Seen(found["ContentLength"], found["ETag"].strip('"'), found["ContentType"])

    root = f"{s3_bucket.name}/documents"
    return Cloud(FSSpecBackend("docs", documented_s3(s3_bucket), root), root, look)


@pytest.fixture
def gcs(gcs_bucket: Any) -> Cloud:
    """GCS."""

    def look(key: str) -> Seen:
        path = f"/storage/v1/b/{gcs_bucket.name}/o/{quote(f'files/{key}', safe='')}"
        found = json.loads(gcs_bucket.server.request("GET", path))
        return Seen(int(found["size"]), found["etag"], found["contentType"])

    fs, root = fsspec.filesystem("gcs", **gcs_bucket.gcsfs), f"{gcs_bucket.name}/files"
    return Cloud(FSSpecBackend(key="gcs-files", fs=fs, prefix=root), root, look)


@pytest.fixture
def abfs(azure_container: Any) -> Cloud:
    """Azure."""

    def look(key: str) -> Seen:
        found = azure_container.head(f"files/{key}")
        return Seen(int(found["Content-Length"]), found["ETag"].strip('"'), found["Content-Type"])

    fs = fsspec.filesystem("abfs", connection_string=azure_container.server.connection_string)
    root = f"{azure_container.name}/files"
    return Cloud(FSSpecBackend(key="azure-blobs", fs=fs, prefix=root), root, look)


@pytest.fixture(
    params=[
        pytest.param("s3", marks=pytest.mark.s3),
        pytest.param("gcs", marks=pytest.mark.gcs),
        pytest.param("abfs", marks=pytest.mark.azure),
    ]
)
def cloud(request: pytest.FixtureRequest) -> Cloud:
    """Each of the three."""
    made: Cloud = request.getfixturevalue(request.param)
    return made


def test_b9_sync_and_async_in_any_order(cloud: Cloud) -> None:
    """One file system serves threads, and event loops one after the other."""
    storage = cloud.storage

    async def turn(number: int) -> bytes:
        await storage.put_async(f"{number}", b"%d" % number)
        return await storage.read_async(f"{number}")

    storage.put("first", b"bytes")
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda number: asyncio.run(turn(number)), range(6))) == [b"%d" % n for n in range(6)]
    assert asyncio.run(turn(7)) == b"7"
    assert storage.read("first") == b"bytes"


def test_b9_b61_what_the_file_system_was_given_is_sent(s3_bucket: Any) -> None:
    """`s3_additional_kwargs` goes along with every kind of write, and parts have `default_block_size`."""
    fs = documented_s3(s3_bucket, s3_additional_kwargs={"ServerSideEncryption": "AES256"}, default_block_size=6 * MIB)
    storage = FSSpecBackend(key="s3-encrypted", fs=fs, prefix=s3_bucket.name)
    storage.put("small", b"bytes")
    parts = storage.put("large", b"x" * 13 * MIB).etag
    storage.copy("small", "copy")
    assert parts is not None
    assert parts.endswith("-3")  # three parts of 6, 6 and 1 MiB
    for key in ["small", "large", "copy"]:
        assert s3_client(s3_bucket).head_object(Bucket=s3_bucket.name, Key=key)["ServerSideEncryption"] == "AES256"


@pytest.mark.parametrize("size", [5, 9 * MIB], ids=["small", "large"])
def test_b10_b34_type_metadata_and_etag_are_real(cloud: Cloud, size: int) -> None:
    """Content type and any metadata come back; size, etag and time are the service's own."""
    info = cloud.storage.put("a b.pdf", b"x" * size, content_type="application/pdf", metadata=METADATA)
    found = cloud.storage.stat("a b.pdf")
    assert (found.content_type, found.metadata) == ("application/pdf", METADATA)
    seen = cloud.look("a b.pdf")
    assert (seen.size, seen.etag, seen.content_type) == (size, info.etag, "application/pdf")
    assert found.etag == info.etag
    assert abs((info.last_modified or 0) - (found.last_modified or 0)) < 5
    cloud.storage.put("a b.pdf", b"other")
    assert cloud.storage.stat("a b.pdf").etag != info.etag


def test_b10_nothing_is_answered_from_remembered_listings(cloud: Cloud) -> None:
    """What another client writes is seen at once, although the file system has listed the folder."""
    storage = cloud.storage
    other = FSSpecBackend("other", storage.native, cloud.root)
    storage.put("x", b"first")
    remembered = {"name": f"{cloud.root}/x", "size": 5, "type": "file"}
    storage.native.dircache[cloud.root] = [remembered]
    assert storage.native._ls_from_cache(cloud.root) == [remembered]
    other.put("x", b"second, longer")
    assert storage.stat("x").size == 14
    assert [info.size for info in storage.list()] == [14]


def test_b11_a_stream_takes_bounded_memory(cloud: Cloud) -> None:
    """Content that comes bit by bit is never held as a whole, on its way up or down."""
    total = 64 * MIB
    cloud.storage.put("warm", b"x" * 9 * MIB)
    tracemalloc.start()
    try:
        cloud.storage.put("x", (b"%07d" % number + b"x" * (MIB - 7) for number in range(64)))
        size = sum(map(len, cloud.storage.stream("x", chunk_size=MIB)))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size == total
    assert peak < 0.75 * total


def test_b11_every_kind_of_content(cloud: Cloud, tmp_path: Path) -> None:
    """A path, an open file, an iterator and an async iterator are stored alike."""
    path = tmp_path / "x"
    path.write_bytes(b"bytes")

    async def pieces() -> Any:
        yield b"by"
        yield b"tes"

    with path.open("rb") as file:
        for number, content in enumerate([path, file, iter([b"by", b"tes"])]):
            cloud.storage.put(f"{number}", content)
    asyncio.run(cloud.storage.put_async("3", pieces()))
    assert [cloud.storage.read(f"{number}") for number in range(4)] == [b"bytes"] * 4


# --- credentials


class TokenServer(HTTPServer):
    """Google's server for tokens, as far as a service account needs it."""

    asked: list[dict[str, list[str]]]


class _Tokens(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.asked.append(parse_qs(text))  # type: ignore[attr-defined]
        body = json.dumps({"access_token": "token-of-a-test", "expires_in": 3600, "token_type": "Bearer"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def tokens() -> Iterator[TokenServer]:
    """A server that gives everybody a token, and remembers who asked."""
    server = TokenServer(("127.0.0.1", 0), _Tokens)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def account(tokens: TokenServer, tmp_path: Path) -> Path:
    """Write the file of a service account."""
    key = rsa.generate_private_key(65537, 2048)
    text = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    path = tmp_path / "service-account.json"
    fields = {"type": "service_account", "project_id": "your-project", "private_key_id": "1", "private_key": text}
    address = f"http://127.0.0.1:{tokens.server_port}/token"
    path.write_text(json.dumps({**fields, "client_email": "ada@example.com", "client_id": "1", "token_uri": address}))
    return path


@pytest.mark.gcs
def test_b12_gcs_with_a_service_account(gcs_bucket: Any, account: Path, tokens: TokenServer) -> None:
    """`token=` is the path of a service account's file, `project=` its project."""
    fs = fsspec.filesystem("gcs", token=str(account), project="your-project", endpoint_url=gcs_bucket.server.endpoint)
    storage = FSSpecBackend(key="gcs-files", fs=fs, prefix=f"{gcs_bucket.name}/files")
    storage.put("x", b"bytes")
    assert storage.read("x") == b"bytes"
    _, claims, _ = tokens.asked[0]["assertion"][0].split(".")
    assert json.loads(base64.urlsafe_b64decode(claims + "=="))["iss"] == "ada@example.com"
    assert len(tokens.asked) == 1


@pytest.mark.gcs
def test_b12_gcs_with_default_credentials(
    gcs_bucket: Any, account: Path, tokens: TokenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`token="google_default"` takes what the environment names; by name, not before the first use."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(account))
    fs = fsspec.filesystem("gcs", token="google_default", endpoint_url=gcs_bucket.server.endpoint)
    FSSpecBackend(key="gcs-files", fs=fs, prefix=f"{gcs_bucket.name}/files").put("x", b"bytes")
    assert len(tokens.asked) == 1
    options = {"token": "google_default", "endpoint_url": gcs_bucket.server.endpoint}
    storage = FSSpecBackend("gcs-files", "gcs", f"{gcs_bucket.name}/files", **options)
    assert len(tokens.asked) == 1
    assert storage.read("x") == b"bytes"
    assert len(tokens.asked) == 2


@pytest.mark.azure
def test_b12_azure_by_url(azure_container: Any) -> None:
    """`abfs://container/folder` and `az://` with a connection string, by name."""
    for scheme in ["abfs", "az", "abfss"]:
        url = f"{scheme}://{azure_container.name}/files"
        storage = FSSpecBackend("azure", url, connection_string=azure_container.server.connection_string)
        storage.put(scheme, b"bytes")
        assert storage.read(scheme) == b"bytes"
        assert int(azure_container.head(f"files/{scheme}")["Content-Length"]) == 5


@pytest.fixture
def tls(azurite: Any, tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """Serve Azurite by TLS, with a certificate for all accounts; gives the port and the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Azurite")])
    hosts = x509.SubjectAlternativeName([x509.DNSName("*.blob.core.windows.net")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1))
    made = made.add_extension(hosts, critical=False).add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
    certificate, secret = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, secret)
    upstream = urlsplit(azurite.endpoint)

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while block := await reader.read(65536):
            writer.write(block)
            await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, server = await asyncio.open_connection(upstream.hostname, upstream.port)
        await asyncio.gather(copy(reader, server), copy(from_server, writer), return_exceptions=True)

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    starting = asyncio.run_coroutine_threadsafe(asyncio.start_server(serve, "127.0.0.1", 0, ssl=context), loop)
    server = starting.result()
    yield server.sockets[0].getsockname()[1], certificate

    async def stop() -> None:
        server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run_coroutine_threadsafe(stop(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.mark.azure
def test_b12_azure_with_an_account_key(azure_container: Any, tls: tuple[int, Path]) -> None:
    """`account_name=, account_key=` reach the account's own host, by HTTPS."""
    port, certificate = tls
    server = azure_container.server
    program = Path(__file__).with_name("azure_by_name.py")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(program), str(port), azure_container.name, server.account, server.key],
        env={**os.environ, "SSL_CERT_FILE": str(certificate)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert azure_container.head("files/x")["Content-Type"] == "text/plain"
