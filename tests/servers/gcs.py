"""Google Cloud Storage, which no one server here imitates for all clients.

`emulator` speaks the JSON API of gcsfs and Google's own library. obstore uses the XML API, which is S3's with other
names of headers: `gcs_xml` translates them for an S3 server.
"""

import json
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from .ports import HOST, free_port, is_listening
from .shared import ServerFailedError, State, launch, start_once

NO_ACCOUNT = {"disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
"""What stands in a service account file when there is none; without one, clients ask the metadata address."""


@dataclass(frozen=True)
class GCSServer:
    """Where a server listens; whoever comes may use it."""

    endpoint: str
    json_api: bool

    def make_bucket(self, name: str | None = None) -> "GCSBucket":
        """Make a bucket; without a name it gets one that no other test has."""
        name = name or f"test-{secrets.token_hex(8)}"
        if self.json_api:
            self.request("POST", "/storage/v1/b?project=test", json.dumps({"name": name}).encode())
        else:
            self.request("PUT", f"/{name}")
        return GCSBucket(self, name)

    def request(self, method: str, path: str, body: bytes | None = None) -> bytes:
        """Send one request and return the answer's body, if it is a success."""
        connection = HTTPConnection(urlsplit(self.endpoint).netloc, timeout=30)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status >= 300:
            raise ServerFailedError(f"{method} {path}: {answer.status} {content.decode(errors='replace')}")
        return content


@dataclass(frozen=True)
class GCSBucket:
    """A bucket and what each client needs to open it."""

    server: GCSServer
    name: str

    @property
    def service_account(self) -> str:
        """A service account file's text that names the server, for obstore."""
        return json.dumps({"gcs_base_url": self.server.endpoint, **NO_ACCOUNT})

    def head(self, key: str) -> dict[str, str]:
        """Return the headers of an object on the XML API."""
        connection = HTTPConnection(urlsplit(self.server.endpoint).netloc, timeout=30)
        try:
            connection.request("HEAD", f"/{self.name}/{key}")
            return {name.lower(): value for name, value in connection.getresponse().getheaders()}
        finally:
            connection.close()

    @property
    def gcsfs(self) -> dict[str, Any]:
        """The keyword arguments of `gcsfs.GCSFileSystem`, or of `fsspec.filesystem`."""
        return {"token": "anon", "endpoint_url": self.server.endpoint, "project": "test"}


def emulator() -> GCSServer:
    """Start gcp-storage-emulator: the JSON API."""
    return GCSServer(**_once("gcs", _start_emulator), json_api=True)


def xml_api() -> GCSServer:
    """Start an S3 server that asks for no signature behind the headers of the XML API."""
    return GCSServer(**_once("gcs-xml", _start_xml), json_api=False)


def _once(name: str, start: Callable[[Path, int], None]) -> State:
    def run(folder: Path) -> State:
        port = free_port()
        start(folder, port)
        return {"endpoint": f"http://{HOST}:{port}"}

    return start_once(name, run)


def _start_emulator(folder: Path, port: int) -> None:
    if find_spec("gcp_storage_emulator") is None:
        raise ServerFailedError("gcp-storage-emulator is not installed: pip install gcp-storage-emulator")
    command = [sys.executable, "-m", "gcp_storage_emulator", "start"]
    command += [f"--host={HOST}", f"--port={port}", "--in-memory", "--quiet"]
    launch(folder, command, ready=partial(is_listening, port))


def _start_xml(folder: Path, port: int) -> None:
    if find_spec("ministack") is None:
        raise ServerFailedError("ministack is not installed: pip install ministack")
    env = {
        "PORT": str(port),
        "SERVICES": "s3",
        "IOT_MTLS_ENABLED": "0",  # it would listen on every interface of the machine
        "LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, str(Path(__file__).with_name("gcs_xml.py"))]
    launch(folder, command, env=env, ready=partial(is_listening, port))
