"""S3 through obstore: whose credentials, which services, and what is sent along with an object."""

import asyncio
import secrets
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
from obstore.auth.boto3 import Boto3CredentialProvider
from obstore.store import S3Store

from holdfast.backends.obstore import ObstoreBackend
from holdfast.backends.s3_options import s3_arguments
from holdfast.errors import AuthenticationError, ConfigurationError
from holdfast.testing.half import Half
from holdfast.testing.s3 import S3Bucket

CANARY = "CANARY-secret"


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def is_async(request):
    """Which half."""
    return request.param


@pytest.fixture
def listener():
    """A server that has nothing, and what it was sent: its address and the headers of each request."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self):
            seen.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(200)
            self.send_header("Content-Length", "1")
            self.send_header("ETag", "x")
            self.send_header("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    thread.join()
    server.server_close()


def half_of(storage, is_async):
    """Return one half of a storage."""
    return Half(storage, is_async=is_async, abilities=storage.abilities)


def address(bucket):
    """Return the options but for the credentials."""
    return {"aws_endpoint": bucket.server.endpoint, "aws_allow_http": True, "retry_config": {"max_retries": 0}}


def keys(bucket):
    """Return the credentials by their documented names."""
    return {"aws_access_key_id": bucket.server.access_key, "aws_secret_access_key": bucket.server.secret_key}


def answer(bucket):
    """Return what a credential provider returns."""
    return {"access_key_id": bucket.server.access_key, "secret_access_key": bucket.server.secret_key}


# --- B27: credentials from elsewhere


class Provider:
    """A provider with an async call, as those of `obstore.auth` have."""

    def __init__(self, found):
        self.found, self.loops = found, set()

    async def __call__(self):
        await asyncio.sleep(0)
        self.loops.add(asyncio.get_running_loop())
        return {**self.found, "expires_at": datetime.now(UTC) + timedelta(seconds=1)}


def works(storage, half):
    """Write and read through one half."""
    half.put("x", b"x")
    assert half.read("x") == b"x"
    assert storage.sign(half.key("x")).startswith("http")
    half.close()


@pytest.mark.parametrize("kind", ["function", "async", "boto3", "own store"])
def test_b27_a_credential_provider(s3_bucket, is_async, kind):
    """One of obstore's, a callable, sync or async: through both halves."""
    found = answer(s3_bucket)
    session = boto3.Session(found["access_key_id"], found["secret_access_key"], region_name="us-east-1")
    provider = {
        "function": lambda: found,
        "async": Provider(found),
        "boto3": Boto3CredentialProvider(session),
        "own store": lambda: {**found, "expires_at": None},
    }[kind]
    fs, options = f"s3://{s3_bucket.name}/", {**address(s3_bucket), "credential_provider": provider}
    if kind == "own store":
        config = {**s3_bucket.obstore, "credential_provider": provider}
        fs, options = S3Store(**{name: config[name] for name in config if "key" not in name}), {}
    storage = ObstoreBackend("s3", fs, **options)
    works(storage, half_of(storage, is_async))


def test_b27_an_async_provider_never_waits_for_the_callers_loop(s3_bucket):
    """A sync call on an event loop, which it blocks, gets its credentials all the same."""
    provider = Provider(answer(s3_bucket))
    storage = ObstoreBackend("s3", f"s3://{s3_bucket.name}/", **address(s3_bucket), credential_provider=provider)

    async def main():
        storage.put("x", b"x")
        await storage.put_async("y", b"y")
        assert asyncio.get_running_loop() not in provider.loops

    asyncio.run(main())
    assert s3_bucket.keys() == ["x", "y"]


@pytest.mark.parametrize(
    "returned", [None, {"x": 1}, {"access_key_id": "a\n", "secret_access_key": CANARY}, KeyError("x")], ids=str
)
def test_b27_a_provider_that_fails(s3_bucket, is_async, returned):
    """It is an error of authentication that says what is wrong, never a panic."""

    def provider():
        if isinstance(returned, Exception):
            raise returned
        return returned

    storage = ObstoreBackend("s3", f"s3://{s3_bucket.name}/", **address(s3_bucket), credential_provider=provider)
    half = half_of(storage, is_async)
    with pytest.raises(AuthenticationError, match="credential provider"):
        half.put("x", b"x")
    if is_async:
        half._runner.close()


def test_b27_no_credentials(s3_bucket, is_async, monkeypatch):
    """The default chain ends at the machine, which has none here."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    storage = ObstoreBackend(
        "s3", f"s3://{s3_bucket.name}/", **address(s3_bucket), aws_metadata_endpoint="http://127.0.0.1:1"
    )
    half = half_of(storage, is_async)
    with pytest.raises(AuthenticationError):
        half.put("x", b"x")
    if is_async:
        half._runner.close()


def test_b27_one_key_without_the_other(monkeypatch):
    """A variable that is not set shows when the storage is declared."""
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY", raising=False)
    with pytest.raises(ConfigurationError, match="aws_access_key_id was given without aws_secret_access_key"):
        ObstoreBackend("s3", "s3://bucket/", aws_access_key_id="a", aws_secret_access_key=None)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    ObstoreBackend("s3", "s3://bucket/", aws_access_key_id="a", aws_secret_access_key=None)


@pytest.mark.parametrize(
    "variables",
    [
        {"AWS_SESSION_TOKEN": "TOKEN"},
        {"AWS_TOKEN": "TOKEN"},
        {"AWS_SESSION_TOKEN": "TOKEN", "AWS_ACCESS_KEY_ID": "other", "AWS_SECRET_ACCESS_KEY": CANARY},
        {"AWS_SESSION_TOKEN": ""},
    ],
    ids=str,
)
def test_b24_keys_go_without_the_token_of_the_environment(listener, monkeypatch, is_async, variables):
    """It is another key's, and goes to nobody else's server; an empty one is none."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    url, seen = listener
    options = {"aws_access_key_id": "k", "aws_secret_access_key": CANARY}
    storage = ObstoreBackend("s3", "s3://bucket/", aws_endpoint=url, aws_allow_http=True, **options)
    if is_async:
        asyncio.run(storage.stat_async("x"))
    else:
        storage.stat("x")
    [headers] = seen
    assert "Credential=k/" in headers["authorization"]
    assert "x-amz-security-token" not in headers
    assert "Security-Token" not in storage.sign("x")
    assert CANARY not in repr(storage.native.credential_provider)


def test_b27_an_empty_token_beside_the_environments_own_key(listener, monkeypatch):
    """It is none."""
    for name, value in {"ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "s", "SESSION_TOKEN": ""}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    url, seen = listener
    ObstoreBackend("s3", "s3://bucket/", aws_endpoint=url, aws_allow_http=True).stat("x")
    assert "x-amz-security-token" not in seen[0]


@pytest.mark.parametrize("options", [{"aws_access_key_id": "k", "aws_secret_access_key": "s"}, {}])
def test_b27_the_token_of_the_environments_own_key(monkeypatch, options):
    """It stays, also where that key was written out as an option."""
    for name, value in {"ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "s", "SESSION_TOKEN": "TOKEN"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    assert "Security-Token=TOKEN" in ObstoreBackend("s3", "s3://bucket/", **options).sign("x")
    own = {"aws_access_key_id": "o", "aws_secret_access_key": "s", "aws_session_token": "OWN"}
    assert "Security-Token=OWN" in ObstoreBackend("s3", "s3://bucket/", **own).sign("x")


# --- B27: R2 and Spaces


@pytest.mark.parametrize(
    ("endpoint", "clean", "region"),
    [
        ("https://acc.r2.cloudflarestorage.com", "https://acc.r2.cloudflarestorage.com", "auto"),
        ("https://acc.eu.r2.cloudflarestorage.com/docs/", "https://acc.eu.r2.cloudflarestorage.com", "auto"),
        ("https://nyc3.digitaloceanspaces.com", "https://nyc3.digitaloceanspaces.com", "nyc3"),
        ("https://docs.fra1.digitaloceanspaces.com", "https://fra1.digitaloceanspaces.com", "fra1"),
    ],
)
def test_b27_r2_and_spaces(endpoint, clean, region):
    """The address may be the one that both show for a bucket; the region follows from it, and what is written wins."""
    store = s3_arguments({"aws_endpoint": endpoint}, "docs").store
    assert (store["endpoint"], store["region"]) == (clean, region)
    assert s3_arguments({"aws_endpoint": endpoint, "aws_region": "weur"}, "docs").store["region"] == "weur"
    storage = ObstoreBackend("r2", "s3://docs/files/", aws_endpoint=endpoint)
    assert storage.native.config["region"] == region


@pytest.mark.parametrize("region", ["auto", "nyc3"])
def test_b27_their_regions_are_signed(ministack, region):
    """The signature is made for the region, which the server has the bucket in."""
    s3_bucket = S3Bucket(replace(ministack, region=region), f"test-{secrets.token_hex(8)}")
    place = f"<CreateBucketConfiguration><LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
    s3_bucket.server.request("PUT", f"/{s3_bucket.name}", body=place.encode())
    storage = ObstoreBackend(
        "r2", f"s3://{s3_bucket.name}/", **address(s3_bucket), **keys(s3_bucket), aws_region=region
    )
    storage.put("x", b"x")
    assert f"%2F{region}%2Fs3" in storage.sign("x")


# --- object_settings


def sent(bucket, key):
    """Return what another client sees of an object, and its tags."""
    server = bucket.server
    client = boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name=server.region,
    )
    place = {"Bucket": bucket.name, "Key": key}
    found = client.get_object_tagging(**place)["TagSet"]
    return client.head_object(**place, ChecksumMode="ENABLED"), {tag["Key"]: tag["Value"] for tag in found}


SETTINGS = {
    "storage_class": "STANDARD_IA",
    "tags": {"team": "red", "größe": "1 & 2"},
    "encryption": "AES256",
    "checksum_algorithm": "SHA256",
    "cache_control": "max-age=60",
    "content_disposition": "attachment; filename*=UTF-8''%C3%A9",
    "content_encoding": "gzip",
    "content_language": "de",
}


@pytest.mark.parametrize("size", [1, 9_000_000], ids=["one request", "parts"])
def test_b61_object_settings_arrive(s3_bucket, is_async, size):
    """Storage class, tags, encryption, checksum and headers, set for a storage."""
    storage = ObstoreBackend("s3", s3_bucket.url, **s3_bucket.options, object_settings=SETTINGS)
    half = half_of(storage, is_async)
    half.put("x", b"x" * size, content_type="text/plain", metadata={"a": "b"})
    head, tags = sent(s3_bucket, half.key("x"))
    if size == 1:  # ministack forgets the tags of uploads in parts; Azurite does not
        assert tags == SETTINGS["tags"]
    assert (head["StorageClass"], head["ServerSideEncryption"]) == ("STANDARD_IA", "AES256")
    assert head["ChecksumSHA256"]
    assert (head["CacheControl"], head["ContentEncoding"], head["ContentLanguage"]) == ("max-age=60", "gzip", "de")
    assert head["ContentDisposition"] == SETTINGS["content_disposition"]
    assert (head["ContentType"], head["Metadata"]) == ("text/plain", {"a": "b"})
    half.close()


def test_b61_settings_of_one_file_go_first(s3_bucket, is_async):
    """The others stay, and a store with other options is made once for all files that want it."""
    settings = {"storage_class": "STANDARD_IA", "tags": {"team": "red", "kind": "a"}, "encryption": "AES256"}
    storage = ObstoreBackend("s3", s3_bucket.url, **s3_bucket.options, object_settings=settings)
    half = half_of(storage, is_async)
    own = {"tags": {"team": "blue"}, "encryption": "aws:kms", "encryption_key": "alias/mine"}
    for name in ("x", "y"):
        half.put(name, b"x", object_settings=own)
    half.put("z", b"x")
    head, tags = sent(s3_bucket, half.key("y"))
    assert tags == {"team": "blue", "kind": "a"}
    assert (head["StorageClass"], head["ServerSideEncryption"]) == ("STANDARD_IA", "aws:kms")
    assert "mine" in head["SSEKMSKeyId"]
    assert sent(s3_bucket, half.key("z"))[0]["ServerSideEncryption"] == "AES256"
    assert len(storage._plain._changed) == 2
    half.close()


def test_b61_encryption_as_an_option_of_the_storage(s3_bucket):
    """obstore's own way, which holds for copies as well."""  # noqa: D403
    options = {"aws_server_side_encryption": "AES256", "aws_checksum_algorithm": "SHA256"}
    storage = ObstoreBackend("s3", s3_bucket.url, **s3_bucket.options, **options)
    storage.put("x", b"x")
    storage.copy("x", "y")
    for key in ("x", "y"):
        assert sent(s3_bucket, key)[0]["ServerSideEncryption"] == "AES256"


def test_a_store_of_the_users_takes_settings_too(s3_bucket):
    """Its own options stay: prefix, credentials, client."""
    storage = ObstoreBackend("s3", S3Store(**s3_bucket.obstore, prefix="p"))
    storage.put("x", b"x", object_settings={"checksum_algorithm": "CRC64NVME", "encryption": "AES256"})
    assert s3_bucket.keys() == ["p/x"]
    assert sent(s3_bucket, "p/x")[0]["ServerSideEncryption"] == "AES256"


@pytest.mark.parametrize(
    "settings",
    [
        {"encryption": "AES"},
        {"checksum_algorithm": "MD5"},
        {"encryption": "AES256", "encryption_key": "k"},
        {"storage_class": "é"},
        {"tags": {"": "x"}},
        {"tags": {"x": "x" * 257}},
        {"tags": {str(number): "x" for number in range(11)}},
    ],
    ids=str,
)
def test_settings_that_s3_would_refuse(settings):
    """They are refused when the storage is declared, or at the call, before anything is sent."""
    with pytest.raises(ConfigurationError, match="object_settings"):
        ObstoreBackend("s3", "s3://bucket/", object_settings=settings)
    storage = ObstoreBackend("s3", "s3://bucket/", aws_endpoint="http://127.0.0.1:1", aws_allow_http=True)
    with pytest.raises(ConfigurationError, match="object_settings"):
        storage.put("x", b"x", object_settings=settings)


def test_b34_metadata_that_s3_would_choke_on(s3_bucket, is_async):
    """Beyond ASCII, nested, names with spaces; and a content type that would be a header of its own."""
    storage = ObstoreBackend("s3", s3_bucket.url, **s3_bucket.options)
    half = half_of(storage, is_async)
    metadata = {"a b": "c", "Größe": "1 €", "nested": {"é": [None, 1.5, {"x": "y"}]}, "plain": "text"}
    half.put("x", b"x", metadata=metadata, content_type="text/plain\nX-Evil: 1")
    info = half.call("stat", half.key("x"))
    assert info.metadata == metadata
    half.close()
