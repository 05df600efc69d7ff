"""What the pages on services give to paste elsewhere: policies and rules, and the messages on missing packages."""

import json
import re
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import boto3
import httpx
import pytest

from holdfast.backends.obstore import ObstoreBackend
from holdfast.drivers.protocol import MIB
from holdfast.errors import AccessDeniedError
from holdfast.testing.s3 import S3Bucket
from tests.docs.test_examples import ROOT

FOLDER = ROOT / "docs" / "services"
PAGES = sorted(FOLDER.glob("*.md"))
JSON = re.compile(r'^```json(?: title="([^"]+)")?\n(.*?)^```', re.MULTILINE | re.DOTALL)
TEXT = re.compile(r"^```text\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#([^)]+))?\)")
WITHOUT = """
import sys
sys.modules.update(dict.fromkeys(sys.argv[1].split(",")))  # as if they were not installed
from holdfast.backends.fsspec import FSSpecBackend
try:
    FSSpecBackend("x", sys.argv[2], "a/b", **dict.fromkeys(sys.argv[3:], "x"))
except ImportError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def given() -> dict[str, object]:
    """The JSON on the page about S3."""
    return {title: json.loads(text) for title, text in JSON.findall((FOLDER / "s3.md").read_text())}


@pytest.fixture
def client(s3_bucket: S3Bucket):
    """AWS's own client for the server of a fresh bucket."""
    server = s3_bucket.server
    made = boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name=server.region,
    )
    yield made
    made.close()


def test_b61_s3_takes_the_policy(client, s3_bucket, given):
    """As it stands on the page, but for the bucket's name."""
    text = json.dumps(given["policy.json"]).replace("company-documents", s3_bucket.name)
    client.put_bucket_policy(Bucket=s3_bucket.name, Policy=text)
    assert json.loads(client.get_bucket_policy(Bucket=s3_bucket.name)["Policy"]) == json.loads(text)


def test_b61_s3_takes_the_lifecycle(client, s3_bucket, given):
    """As it stands on the page."""
    client.put_bucket_lifecycle_configuration(Bucket=s3_bucket.name, LifecycleConfiguration=given["lifecycle.json"])
    [rule] = client.get_bucket_lifecycle_configuration(Bucket=s3_bucket.name)["Rules"]
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}


def test_b61_s3_takes_the_cors_rules(client, s3_bucket, given):
    """A browser at the application's origin may then upload, and one elsewhere may not."""
    client.put_bucket_cors(Bucket=s3_bucket.name, CORSConfiguration=given["cors.json"])
    assert client.get_bucket_cors(Bucket=s3_bucket.name)["CORSRules"] == given["cors.json"]["CORSRules"]
    for origin, status in (("https://app.example.com", 200), ("https://elsewhere.example", 403)):
        asked = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
        asked["Access-Control-Request-Headers"] = "content-type"
        answer = httpx.options(f"{s3_bucket.server.endpoint}/{s3_bucket.name}/photo.jpg", headers=asked)
        assert answer.status_code == status


ACTIONS = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
ACTIONS += ["s3:ListBucket", "s3:ListBucketMultipartUploads"]


@pytest.mark.parametrize("missing", [None, *ACTIONS])
def test_b61_the_policy_is_enough_and_no_more(client, s3_bucket, given, missing):
    """A user who may do what it lists can do all that storages do; without any of it something is denied."""
    text = json.dumps(given["policy.json"]["Statement"]).replace("company-documents", s3_bucket.name)
    statements = json.loads(text)
    for statement in statements:
        del statement["Principal"]
        statement["Action"] = [action for action in statement["Action"] if action != missing] or ["s3:None"]
    storage = ObstoreBackend("documents", s3_bucket.url, **as_user(s3_bucket, statements).options)
    client.create_multipart_upload(Bucket=s3_bucket.name, Key="cut-off")
    with pytest.raises(AccessDeniedError) if missing else nullcontext():
        storage.put("a.txt", b"a", if_absent=True)
        storage.put("large.bin", bytes(9 * MIB))
        storage.copy("a.txt", "b.txt")
        assert [info.key for info in storage.list()] == ["a.txt", "b.txt", "large.bin"]
        assert storage.read("b.txt") == b"a"
        assert storage.clear_partial_uploads(time.time() + 60, delete=True) == ["cut-off"]
        storage.delete("a.txt")
        storage.delete(["b.txt", "large.bin"])


def as_user(bucket: S3Bucket, statements: list[dict[str, object]]) -> S3Bucket:
    """Return the bucket as a new user sees it, who may do what the statements say."""
    root = replace(bucket.server, access_key="test", secret_key="test")

    def iam(**parameters: str) -> ET.Element:
        form = {"Version": "2010-05-08", "UserName": f"user-of-{bucket.name}", **parameters}
        return ET.fromstring(root.request("POST", "/", service="iam", body=urlencode(form).encode()))

    iam(Action="CreateUser")
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam(Action="PutUserPolicy", PolicyName="documents", PolicyDocument=policy)
    key = iam(Action="CreateAccessKey")
    names = {"access_key": key.findtext(".//{*}AccessKeyId"), "secret_key": key.findtext(".//{*}SecretAccessKey")}
    return replace(bucket, server=replace(bucket.server, **names))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_json_is_json(page: Path) -> None:
    """Everything that says so."""
    for _, text in JSON.findall(page.read_text()):
        json.loads(text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """To a page that exists, and to a heading in it."""
    for target, anchor in LINK.findall(page.read_text()):
        found = page.parent / target
        assert found.exists() or target == "abilities.md", target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", found.read_text(), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_every_service_has_a_page() -> None:
    """And the index names each of them."""
    named = {target for target, _ in LINK.findall((FOLDER / "README.md").read_text())}
    assert {page.name for page in PAGES} - {"README.md"} <= named


@pytest.mark.parametrize(
    ("page", "packages", "protocol", "options"),
    [
        ("s3.md", "s3fs", "s3", ()),
        ("gcs.md", "gcsfs", "gcs", ()),
        ("azure.md", "adlfs", "abfs", ()),
        ("sftp.md", "sshfs", "sftp", ("host", "client_keys")),
        ("sftp.md", "paramiko", "sftp", ("host", "key_filename")),
        ("webdav.md", "webdav4", "webdav", ("base_url",)),
        ("http.md", "aiohttp", "http", ()),
        ("github-and-dropbox.md", "requests", "github", ("org", "repo")),
        ("github-and-dropbox.md", "dropboxdrivefs", "dropbox", ("token",)),
    ],
)
def test_b18_a_missing_package(page: str, packages: str, protocol: str, options: tuple[str, ...]) -> None:
    """The page shows what is said then."""
    command = [sys.executable, "-c", WITHOUT, packages, protocol, *options]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert said, "it was made"
    assert said in "".join(TEXT.findall((FOLDER / page).read_text())).splitlines()
