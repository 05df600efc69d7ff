# ruff: noqa: S314, S603  # a server of one's own, started with a command of one's own
"""A local S3 server for tests: ministack, which verifies signatures, conditions and expiry.

It comes with ``pip install "holdfast[testing]"`` and needs neither Docker nor an account.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus, urlencode
from xml.etree import ElementTree as ET

from holdfast.errors import MissingExtraError
from holdfast.testing.signed_requests import signed_request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOST = "127.0.0.1"
_PATIENCE = 60.0  # seconds; a start takes about one, on a busy machine several


class ServerError(Exception):
    """A server did not start, or refused a request."""


@dataclass(frozen=True)
class S3Server:
    """Where an S3 server listens and who may use it."""

    endpoint: str
    access_key: str
    secret_key: str
    region: str = "us-east-1"

    def at(self, endpoint: str) -> S3Server:
        """Return the same server at another address: a proxy's."""
        return replace(self, endpoint=endpoint)

    def make_bucket(self, name: str | None = None) -> S3Bucket:
        """Make a bucket; without a name it gets one that no other test has."""
        name = name or f"test-{secrets.token_hex(8)}"
        self.request("PUT", f"/{name}")
        return S3Bucket(self, name)

    def request(self, method: str, path: str, **more: Any) -> bytes:
        """Send one signed request and return the answer's body, if it is a success."""
        status, body = signed_request(
            method,
            self.endpoint,
            path,
            access_key=self.access_key,
            secret_key=self.secret_key,
            region=self.region,
            **more,
        )
        if status >= HTTPStatus.MULTIPLE_CHOICES:
            raise ServerError(f"{method} {path}: {status} {body.decode(errors='replace')}")
        return body


@dataclass(frozen=True)
class S3Bucket:
    """A bucket and what each client needs to open it."""

    server: S3Server
    name: str

    def at(self, endpoint: str) -> S3Bucket:
        """Return the same bucket seen through a proxy."""
        return replace(self, server=self.server.at(endpoint))

    @property
    def url(self) -> str:
        """Its URL, for `ObstoreBackend`."""
        return f"s3://{self.name}/"

    @property
    def options(self) -> dict[str, Any]:
        """What `ObstoreBackend` takes beside the URL."""
        return {
            "aws_endpoint": self.server.endpoint,
            "aws_allow_http": True,
            "aws_access_key_id": self.server.access_key,
            "aws_secret_access_key": self.server.secret_key,
            "aws_region": self.server.region,
        }

    @property
    def obstore(self) -> dict[str, Any]:
        """The keyword arguments of `obstore.store.S3Store`."""
        return {
            "bucket": self.name,
            "endpoint": self.server.endpoint,
            "access_key_id": self.server.access_key,
            "secret_access_key": self.server.secret_key,
            "region": self.server.region,
            "client_options": {"allow_http": True},
        }

    @property
    def s3fs(self) -> dict[str, Any]:
        """The keyword arguments of `s3fs.S3FileSystem`, or of `fsspec.filesystem`."""
        return {
            "endpoint_url": self.server.endpoint,
            "key": self.server.access_key,
            "secret": self.server.secret_key,
            "client_kwargs": {"region_name": self.server.region},
            "config_kwargs": {"signature_version": "s3v4"},
        }

    def keys(self, prefix: str = "") -> list[str]:
        """List the keys (of at most 1,000 objects) without the code under test."""
        query = {"list-type": "2", "prefix": prefix, "encoding-type": "url"}
        body = self.server.request("GET", f"/{self.name}", query=query)
        found = ET.fromstring(body).iterfind("{*}Contents/{*}Key")
        return [unquote_plus(key.text or "") for key in found]

    def uploads(self) -> int:
        """Count the multipart uploads that were neither completed nor aborted."""
        body = self.server.request("GET", f"/{self.name}", query={"uploads": ""})
        return len(ET.fromstring(body).findall("{*}Upload"))


def ministack_command(port: int) -> tuple[list[str], dict[str, str]]:
    """Return how to start ministack: the command and its environment.

    Raises:
        MissingExtraError: It is not installed.
    """
    if find_spec("ministack") is None:
        message = 'a local S3 server needs a package: pip install "holdfast[testing]"'
        raise MissingExtraError(message)
    environment = {
        "BIND_HOST": HOST,  # the default is every interface of the machine
        "MINISTACK_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "SERVICES": "s3,iam,sts",
        "AUTH": "true",
        "IOT_MTLS_ENABLED": "0",  # it would listen on every interface of the machine, whatever BIND_HOST says
        "LOG_LEVEL": "WARNING",
    }
    return [sys.executable, "-m", "ministack"], environment


def ministack_user(port: int) -> S3Server:
    """Make a user on a fresh ministack: only for one are signatures verified."""
    root = S3Server(f"http://{HOST}:{port}", "test", "test")
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    _iam(root, Action="CreateUser")
    _iam(root, Action="PutUserPolicy", PolicyName="s3", PolicyDocument=policy)
    answer = ET.fromstring(_iam(root, Action="CreateAccessKey"))
    key = answer.findtext(".//{*}AccessKeyId") or ""
    secret = answer.findtext(".//{*}SecretAccessKey") or ""
    return replace(root, access_key=key, secret_key=secret)


@contextmanager
def run_ministack(folder: Path) -> Iterator[S3Server]:
    """Run a server until the end of the block.

    Args:
        folder: Where it keeps its files and its log.

    Raises:
        MissingExtraError: It is not installed.
        ServerError: It does not start; the message holds the end of its log.
    """
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    command, environment = ministack_command(port)
    log = folder / "ministack.log"
    # Nothing of the caller's environment: an AWS_ACCESS_KEY_ID would become the server's own.
    environment |= {"PATH": os.environ.get("PATH", ""), "TMPDIR": str(folder)}
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=output, stderr=output)
    try:
        _await(process, port, log)
        yield ministack_user(port)
    finally:
        process.terminate()
        process.wait()


def _await(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.02)
    tail = log.read_text(errors="replace")[-2000:]
    message = f"ministack did not start:\n{tail}"
    raise ServerError(message)


def _iam(root: S3Server, **parameters: str) -> bytes:
    form = {"Version": "2010-05-08", "UserName": "holdfast", **parameters}
    return root.request("POST", "/", service="iam", body=urlencode(form).encode())
