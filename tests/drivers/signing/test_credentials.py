"""Where obstore's stores have the keys from that sign, and what is said where there are none."""

import asyncio
import base64
import json
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import obstore as obs
import pytest
from google.cloud.storage import Client
from google.oauth2.service_account import Credentials
from obstore.store import AzureStore, GCSStore, S3Store

from holdfast import FileObject
from holdfast.backends.obstore import ObstoreBackend
from holdfast.drivers.gcs import signature as gcs
from holdfast.drivers.obstore import credentials
from holdfast.errors import ConfigurationError, MissingExtraError, UnsupportedError
from tests.drivers.signing.accounts import EMAIL, as_json, service_account
from tests.drivers.signing.http import send
from tests.drivers.signing.strategies import ODD
from tests.drivers.signing.urls import parts

HALVES = pytest.mark.parametrize("half", ["sync", "async"])
CANARY = "CANARY" * 6
KEY = base64.b64encode(CANARY.encode()).decode()
HEADERS = [{"content_type": "a/b"}, {"content_disposition": "inline"}, {"content_type": "a/b", "for_upload": True}]


def signed(storage, key, half="sync", **options):
    """Sign in one half."""
    if half == "sync":
        return storage.sign(key, **options)
    return asyncio.run(storage.sign_async(key, **options))


@pytest.fixture(autouse=True)
def _no_credentials_of_the_machine(monkeypatch):
    """Only what a test sets is there."""
    for name in (
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_TOKEN"),
        *("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT", "GOOGLE_SERVICE_ACCOUNT_KEY"),
        *("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_CONNECTION_STRING"),
    ):
        monkeypatch.delenv(name, raising=False)


# --- S3


@HALVES
def test_s3_keys_of_the_environment(s3_bucket, half, monkeypatch):
    """The same variables that obstore reads, also for a store that the user made."""
    server = s3_bucket.server
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_key)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    for storage in (ObstoreBackend("docs", f"s3://{s3_bucket.name}/"), ObstoreBackend("docs", S3Store(s3_bucket.name))):
        storage.put(ODD, b"bytes")
        status, headers, _ = send("GET", signed(storage, ODD, half, content_type="a/b"))
        assert (status, headers["content-type"]) == (200, "a/b")


@HALVES
def test_s3_keys_in_two_places(half, monkeypatch):
    """A session token of the environment counts where obstore counts it."""
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token/+")
    store = S3Store("bucket", access_key_id="k", secret_access_key=CANARY)
    url = signed(ObstoreBackend("docs", store), "x", half, content_type="a/b")
    assert parts(url)[2]["X-Amz-Security-Token"] == "token/+"
    assert CANARY not in url


@pytest.mark.parametrize(("kind", "half"), [("sync", "sync"), ("sync", "async"), ("async", "async")])
def test_s3_keys_of_a_provider(s3_bucket, kind, half):
    """obstore takes an async one that it was given directly in async calls only, and so does this."""  # noqa: D403
    server = s3_bucket.server
    answer = {"access_key_id": server.access_key, "secret_access_key": server.secret_key, "expires_at": None}

    def provide():
        return answer

    async def provide_async():
        return answer

    options = {name: value for name, value in s3_bucket.obstore.items() if "key" not in name}
    storage = ObstoreBackend(
        "docs", S3Store(**options, credential_provider={"sync": provide, "async": provide_async}[kind])
    )
    assert send("PUT", signed(storage, ODD, half, for_upload=True), b"bytes")[0] == 200
    assert send("GET", signed(storage, ODD, half, content_disposition="inline"))[1]["content-disposition"] == "inline"


class Slow:
    """A provider that takes its time, and counts."""

    def __init__(self, **answer):
        self.calls = 0
        self.answer = {"access_key_id": "k", "secret_access_key": CANARY, "expires_at": None, **answer}

    def __call__(self):
        self.calls += 1
        time.sleep(0.3)  # what it is about
        return self.answer


class SlowAsync(Slow):
    """The same, in no thread."""

    async def __call__(self):
        self.calls += 1
        await asyncio.sleep(0.3)
        return self.answer


async def longest_pause(awaitable):
    """Return how long the event loop stood still meanwhile."""
    pauses = []

    async def beat():
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.005)
            pauses.append(time.monotonic() - began)

    task = asyncio.create_task(beat())
    await asyncio.sleep(0)
    await awaitable
    task.cancel()
    return max(pauses)


@pytest.mark.parametrize("kind", [Slow, SlowAsync])
@pytest.mark.parametrize("is_own", [False, True], ids=["storage", "own store"])
def test_s3_the_loop_goes_on_while_a_provider_is_asked(kind, is_own):
    """And it is asked once by obstore and once here, or once for both, however many URLs are signed."""
    provider = kind()
    storage = ObstoreBackend("docs", "s3://bucket/", credential_provider=provider)
    if is_own:
        storage = ObstoreBackend("docs", S3Store("bucket", credential_provider=provider))

    async def main():
        pause = await longest_pause(storage.sign_async("x"))
        await asyncio.gather(*(storage.sign_async(f"{number}", content_type="a/b") for number in range(5)))
        return pause

    assert asyncio.run(main()) < 0.25
    storage.sign("y")
    assert provider.calls == (2 if is_own else 1)


@HALVES
def test_s3_keys_that_end_are_asked_for_again(half):
    """Not even for a minute are they kept beyond their end, or shortly before it."""
    provider = Slow(expires_at=datetime.now(UTC) + timedelta(seconds=61))
    storage = ObstoreBackend("docs", "s3://bucket/", credential_provider=provider)
    signed(storage, "x", half)
    provider.answer["expires_at"] = datetime.now(UTC) + timedelta(hours=1)
    first = provider.calls
    deadline = time.monotonic() + 10
    while provider.calls == first and time.monotonic() < deadline:
        signed(storage, "x", half)
    assert provider.calls == first + 1


@HALVES
def test_s3_keys_that_change_are_seen(half, monkeypatch):
    """Also where the provider names no end, which obstore takes for never."""
    monkeypatch.setattr(credentials, "_KEPT", 0.0)
    provider = Slow()
    storage = ObstoreBackend("docs", "s3://bucket/", credential_provider=provider)
    signed(storage, "x", half)
    provider.answer["access_key_id"] = "other"
    assert "Credential=other%2F" in signed(storage, "x", half)


ROLE = json.dumps(
    {"AccessKeyId": "ROLE", "SecretAccessKey": CANARY, "Token": "t", "Expiration": "2999-01-01T00:00:00Z"}
)
DELEGATION = f"""<UserDelegationKey><SignedOid>oid</SignedOid><SignedTid>tid</SignedTid>
<SignedStart>2026-01-01T00:00:00Z</SignedStart><SignedExpiry>2026-01-02T00:00:00Z</SignedExpiry>
<SignedService>b</SignedService><SignedVersion>2023-11-03</SignedVersion><Value>{KEY}</Value></UserDelegationKey>"""


@contextmanager
def answering(text):
    """Serve what a machine's agent or Azure answers to who asks for something to sign with."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = answer  # noqa: N815  # http.server's names

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@HALVES
def test_s3_keys_of_the_machine(half, tmp_path):
    """With them obstore signs any name; headers are refused with what to do, and a file's URL does without them."""
    token = tmp_path / "token"
    token.write_text("Bearer x")
    with answering(ROLE) as url:
        store = S3Store(
            "bucket",
            container_credentials_full_uri=f"{url}/role",
            container_authorization_token_file=str(token),
            client_options={"allow_http": True},
        )
        storage = ObstoreBackend("docs", store)
        for for_upload in (False, True):
            found = signed(storage, ODD, half, for_upload=for_upload)
            assert parts(found)[2]["X-Amz-Credential"].startswith("ROLE/")
        for headers in HEADERS:
            with pytest.raises(
                UnsupportedError, match=r"a credential_provider \(obstore\.auth\.boto3\), or aws_access_key_id"
            ) as caught:
                signed(storage, ODD, half, **headers)
            assert CANARY not in str(caught.value)
        file = FileObject(backend=storage, filename="x.html")
        assert "response-content" not in signed_file(file, half)
        with pytest.raises(UnsupportedError):
            signed_file(file, half, disposition="attachment")


def signed_file(file, half, **options):
    """Sign a file's URL in one half."""
    return file.sign(**options) if half == "sync" else asyncio.run(file.sign_async(**options))


def test_s3_without_credentials():
    """A public bucket that is read as anybody."""
    with pytest.raises(UnsupportedError, match=r"asks without credentials.*aws_access_key_id"):
        ObstoreBackend("docs", "s3://bucket/", aws_skip_signature=True).sign("x")


# --- Azure


def azure(**options):
    """Return a storage on a made-up account."""
    return ObstoreBackend("docs", "az://container/pre/", azure_storage_account_name="account", **options)


@HALVES
def test_b30_a_sas_token_cannot_sign(half, monkeypatch):
    """It is a signature itself; the error says so, with headers and without, wherever the token comes from."""
    token = f"sv=2022-11-02&sig={CANARY}%3D"
    storages = [azure(azure_storage_sas_token=token)]
    monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", token)
    storages.append(azure())
    for storage in storages:
        for options in ({}, {"for_upload": True}, {"content_type": "a/b"}):
            with pytest.raises(
                UnsupportedError, match=r"cannot sign with a SAS token.*azure_storage_account_key"
            ) as caught:
                signed(storage, ODD, half, **options)
            assert CANARY not in repr(caught.value)
        with pytest.raises(UnsupportedError, match="cannot sign with a SAS token"):
            signed_file(FileObject(backend=storage, filename="x"), half)


def test_b30_account_name_and_key():
    """They sign."""
    url = azure(azure_storage_account_key=KEY).sign(ODD, content_type="a/b")
    address, path, parameters = parts(url)
    assert address == "https://account.blob.core.windows.net"
    assert path.startswith("/container/pre/a%20b/%C3%A9%2B%2541~%2A%27%28%29%23%3F")
    assert (parameters["rsct"], parameters["spr"]) == ("a/b", "https")
    assert KEY not in url


def test_azure_key_of_the_environment(monkeypatch):
    """The same variables that obstore reads."""
    expected = parts(azure(azure_storage_account_key=KEY).sign("x"))[:2]
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", KEY)
    assert parts(azure().sign("x"))[:2] == expected
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    assert parts(ObstoreBackend("docs", AzureStore("container", prefix="pre")).sign("x"))[:2] == expected


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"use_emulator": True},
        {"endpoint": "https://files.test/"},
        {"endpoint": "http://127.0.0.1:10000/account", "client_options": {"allow_http": True}},
        {"use_fabric_endpoint": True},
    ],
)
def test_azure_addresses(options, monkeypatch):
    """They are those of obstore, whichever way they are given."""
    store = AzureStore("container", prefix="pre/fix", account_name="account", account_key=KEY, **options)
    storage = ObstoreBackend("docs", store)
    theirs = obs.sign(store, "GET", "x", timedelta(seconds=60)).partition("?")[0]
    assert storage.sign("x").partition("?")[0] == theirs
    monkeypatch.setenv("AZURITE_BLOB_STORAGE_URL", "http://127.0.0.1:10001/")
    store = AzureStore("container", use_emulator=True)
    theirs = obs.sign(store, "GET", "x", timedelta(seconds=60)).partition("?")[0]
    assert ObstoreBackend("docs", store).sign("x").partition("?")[0] == theirs


def test_azure_emulator(azure_container):
    """Its account is known to everybody; the endpoint is the user's."""
    options = {"use_emulator": True, "endpoint": azure_container.server.endpoint, "allow_http": True}
    url = ObstoreBackend("docs", f"az://{azure_container.name}/", azure_storage_use_emulator=True).sign(ODD)
    assert url.startswith(f"http://127.0.0.1:10000/devstoreaccount1/{azure_container.name}/a%20b/")
    storage = ObstoreBackend("docs", f"az://{azure_container.name}/", **options)
    address = storage.sign(ODD).partition("/devstoreaccount1/")[0]
    at = azure_container.server.endpoint.partition("/devstoreaccount1")[0]
    put, get = (storage.sign(ODD, for_upload=upload).replace(address, at) for upload in (True, False))
    assert send("PUT", put, b"bytes", x_ms_blob_type="BlockBlob")[0] == 201
    assert send("GET", get)[::2] == (200, b"bytes")


def test_azure_with_a_bearer_token(monkeypatch):
    """Only obstore can sign with it, and it signs the wrong name where that must be percent-encoded."""
    storage = ObstoreBackend("docs", AzureStore("container", account_name="account", token=CANARY))
    for headers in HEADERS:
        with pytest.raises(UnsupportedError, match="give the storage azure_storage_account_key, or leave out"):
            storage.sign("x", **headers)
    with pytest.raises(UnsupportedError, match="percent-encoded: give the storage azure_storage_account_key"):
        storage.sign(ODD)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", KEY)  # of another account, it may be
    with pytest.raises(UnsupportedError):
        storage.sign(ODD)
    store = AzureStore("container", account_name="account", account_key=KEY, token=CANARY)
    assert "sig=" in ObstoreBackend("docs", store).sign(ODD)


@HALVES
def test_azure_with_a_key_that_a_bearer_token_brings(half):
    """What obstore can sign with it, it signs, and a file's URL does without headers."""
    with answering(DELEGATION) as url:
        options = {"token": CANARY, "endpoint": url, "client_options": {"allow_http": True}}
        storage = ObstoreBackend("docs", AzureStore("container", account_name="account", **options))
        found = signed_file(FileObject(backend=storage, filename="a/x.png"), half)
        assert found.startswith(f"{url}/container/a/x.png?")
        assert parts(found)[2]["skoid"] == "oid"
        assert "rscd" not in found
        assert CANARY not in found


def test_azure_without_credentials():
    """A public container that is read as anybody."""
    with pytest.raises(UnsupportedError, match=r"asks without credentials.*azure_storage_account_key"):
        azure(azure_storage_skip_signature=True).sign("x")


def test_azure_key_that_is_none():
    """It is not shown."""
    with pytest.raises(ConfigurationError) as caught:
        azure(azure_storage_account_key=f"{CANARY}!").sign("x")
    assert CANARY not in str(caught.value)


# --- GCS


def googles(key, prefix="pre/", **options):
    """Return the URL of Google's own client."""
    credentials = Credentials.from_service_account_info(service_account())
    blob = Client(project="project", credentials=credentials).bucket("bucket").blob(prefix + key)
    return blob.generate_signed_url(version="v4", expiration=timedelta(hours=1), **options)


def alike(url, theirs):
    """Compare all but what depends on the second."""
    mine, other = parts(url), parts(theirs)
    moving = ("X-Goog-Date", "X-Goog-Signature")
    assert mine[:2] == other[:2]
    assert {k: v for k, v in mine[2].items() if k not in moving} == {
        k: v for k, v in other[2].items() if k not in moving
    }
    assert mine[2]["X-Goog-Date"] != other[2]["X-Goog-Date"] or mine == other
    return True


@pytest.fixture
def account_file(tmp_path):
    """The file of a service account."""
    path = tmp_path / "account.json"
    path.write_text(as_json())
    return str(path)


@HALVES
def test_gcs_service_account(account_file, half, monkeypatch):
    """As a file, as JSON, and from the environment."""
    storages = [
        ObstoreBackend("docs", "gs://bucket/pre/", google_service_account=account_file),
        ObstoreBackend("docs", "gcs://bucket/pre", google_service_account_key=as_json()),
        ObstoreBackend("docs", "gs://bucket/pre/", google_application_credentials=account_file),
        ObstoreBackend("docs", GCSStore("bucket", prefix="pre", service_account=account_file)),
    ]
    for storage in storages:
        url = signed(storage, ODD, half, content_type="a/b", content_disposition="inline")
        assert alike(url, googles(ODD, response_type="a/b", response_disposition="inline"))
        assert "PRIVATE" not in url
    for variable in ("GOOGLE_SERVICE_ACCOUNT", "GOOGLE_APPLICATION_CREDENTIALS"):
        with monkeypatch.context() as patch:
            patch.setenv(variable, account_file)
            url = signed(ObstoreBackend("docs", "gs://bucket/pre/"), ODD, half, for_upload=True, content_type="a/b")
            assert alike(url, googles(ODD, method="PUT", content_type="a/b"))


def test_gcs_endpoint(monkeypatch):
    """The account's own, or the one that is given."""
    account = as_json(gcs_base_url="http://localhost:4443")
    storage = ObstoreBackend("docs", "gs://bucket/pre/", google_service_account_key=account, google_allow_http=True)
    assert alike(storage.sign("x"), googles("x", api_access_endpoint="http://localhost:4443"))
    monkeypatch.setenv("GOOGLE_BASE_URL", "http://localhost:4444/")
    assert storage.sign("x").startswith("http://localhost:4444/bucket/pre/x?")


def test_gcs_with_a_token():
    """Only obstore can sign with it, and it signs the wrong name where that must be percent-encoded."""
    storage = ObstoreBackend(
        "docs", GCSStore("bucket", credential_provider=lambda: {"token": CANARY, "expires_at": None})
    )
    for headers in HEADERS:
        with pytest.raises(UnsupportedError, match=r"\(google_service_account\), or leave out content_"):
            storage.sign("x", **headers)
    with pytest.raises(UnsupportedError, match="percent-encoded: give the storage a service account"):
        storage.sign(ODD)


def test_gcs_without_credentials(gcs_xml_bucket):
    """An emulator's account has no key; nothing is asked for."""
    options = {"google_service_account_key": gcs_xml_bucket.service_account, "google_allow_http": True}
    storage = ObstoreBackend("docs", f"gs://{gcs_xml_bucket.name}/", **options)
    with pytest.raises(UnsupportedError, match=r"asks without credentials.*service account with its private key"):
        storage.sign("x")


def test_gcs_without_the_package(monkeypatch):
    """The error names it; where obstore can sign as well, it does."""
    gcs._loaded.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "cryptography.exceptions", None)
    storage = ObstoreBackend("docs", "gs://bucket/pre/", google_service_account_key=as_json())
    for key, headers in ((ODD, {}), ("x", {"content_type": "a/b"})):
        with pytest.raises(MissingExtraError, match=r'pip install "holdfast\[signing\]"'):
            storage.sign(key, **headers)
    assert EMAIL.replace("@", "%40") in storage.sign("x")
    assert "response-content" not in FileObject(backend=storage, filename="x").sign()
    with pytest.raises(MissingExtraError):
        FileObject(backend=storage, filename="x").sign(disposition="inline")


@HALVES
@pytest.mark.parametrize("text", [None, '{"private_key": "' + CANARY, f'["{CANARY}"]', b"\xff"], ids=str)
def test_gcs_service_account_file_that_was_lost(account_file, half, text):
    """Or half-written, by what renews it: the error says so, and shows nothing of the key, nor do its causes."""
    storage = ObstoreBackend("docs", "gs://bucket/", google_service_account=account_file)
    assert storage.native
    path = Path(account_file)
    path.unlink()
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(
        ConfigurationError, match=r"the service account's file .*account\.json' cannot be read"
    ) as caught:
        signed(storage, "x", half)
    error = caught.value
    while error is not None:
        assert CANARY not in str(error) + str(vars(error)) + str(getattr(error, "doc", ""))
        error = error.__cause__ or error.__context__


def test_gcs_key_that_is_none():
    """It is not shown."""
    storage = ObstoreBackend("docs", "gs://bucket/", google_service_account_key=as_json(private_key=CANARY))
    with pytest.raises(ConfigurationError) as caught:
        storage.sign("x")
    assert CANARY not in str(caught.value)
