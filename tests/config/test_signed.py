"""What the report says of signed URLs that cannot make a browser save a file."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import boto3
import pytest

from holdfast.config import check


@pytest.fixture
def machine(ministack):
    """The address at which a container of AWS gets the credentials of its role."""
    sts = boto3.client(
        "sts",
        endpoint_url=ministack.endpoint,
        region_name=ministack.region,
        aws_access_key_id=ministack.access_key,
        aws_secret_access_key=ministack.secret_key,
    )
    found = sts.get_session_token()["Credentials"]
    keys = {name: found[name] for name in ("AccessKeyId", "SecretAccessKey")} | {"Token": found["SessionToken"]}

    class Credentials(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps({**keys, "Expiration": "2099-01-01T00:00:00Z", "RoleArn": "role"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Credentials) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/role"
        server.shutdown()


def test_the_credentials_of_a_machine(machine, s3_bucket, write):
    """URLs are signed and work, but not with a header: the report says so, and what to do."""
    table = {
        "uri": s3_bucket.url,
        "aws_endpoint": s3_bucket.server.endpoint,
        "aws_allow_http": True,
        "aws_container_credentials_full_uri": machine,
        "aws_container_authorization_token_file": str(write("token", "t")),
    }
    report = check({"storages": {"docs": table}})
    assert report.ok, report.to_dict()
    assert report.storages["docs"].outcome("sign") == "ok"
    (note,) = report.storages["docs"].notes
    assert note.startswith("signed URLs cannot say that a browser is to save the file")
    assert "give the storage" in note
    assert "holdfast-check" not in note
    keys = {name: value for name, value in s3_bucket.options.items() if name != "aws_allow_http"}
    assert "browser" not in str(check({"storages": {"docs": {**table, **keys}}}).to_dict())
