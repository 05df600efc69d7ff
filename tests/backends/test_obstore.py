"""How an obstore storage is declared: URLs, options, and the errors that show the right form."""

import inspect
import re
from datetime import timedelta
from pathlib import Path

import pytest
from obstore.store import LocalStore, MemoryStore, S3Store

from holdfast.backends import client_options, s3_options
from holdfast.backends.obstore import ObstoreBackend
from holdfast.errors import ConfigurationError, NotFoundError

CANARY = "CANARY-" + "s" * 33


def credentials(bucket):
    """Return the documented options for a test bucket."""
    server = bucket.server
    return {
        "aws_access_key_id": server.access_key,
        "aws_secret_access_key": server.secret_key,
        "aws_endpoint": server.endpoint,
        "aws_region": server.region,
        "aws_allow_http": True,
    }


# --- B21: local disk


def test_b21_a_folder_is_made_at_the_first_write(tmp_path):
    """Not when the storage is declared; nested names make folders."""
    storage = ObstoreBackend("local", fs=f"file://{tmp_path}/var/app/uploads/")
    assert list(tmp_path.iterdir()) == []
    storage.put("a/b/c.txt", b"x")
    assert (tmp_path / "var/app/uploads/a/b/c.txt").read_bytes() == b"x"


def test_local_disk_is_our_own_driver(tmp_path):
    """With its options, also as text from the environment."""
    storage = ObstoreBackend("local", fs=f"file://{tmp_path}/x", durable="false", mode=0o640)
    assert storage.native == tmp_path / "x"
    storage.put("f", b"")
    assert (tmp_path / "x/f").stat().st_mode & 0o777 == 0o640


def test_a_file_url_is_decoded(tmp_path):
    """As `Path.as_uri` writes it."""
    folder = tmp_path / "ä b%20#?"
    assert ObstoreBackend("local", folder.as_uri()).native == folder


@pytest.mark.parametrize("mode", [True, "0640", -1, 0o1777])
def test_a_wrong_mode_is_refused(mode):
    """Permission bits are a number."""
    with pytest.raises(ConfigurationError, match="mode="):
        ObstoreBackend("local", "file:///x", mode=mode)


@pytest.mark.parametrize("url", ["file://uploads/", "file://./uploads", "file://", "file://~/x"])
def test_b31_a_relative_file_url_is_refused(url):
    """The error shows the whole path."""
    with pytest.raises(ConfigurationError, match=re.escape(f"file://{Path.cwd()}")):
        ObstoreBackend("local", url)


# --- B22: memory


def test_b22_memory_is_each_storage_by_itself():
    """Two storages share nothing."""
    one, other = ObstoreBackend("one", "memory://"), ObstoreBackend("other", "memory://")
    one.put("x", b"1")
    assert not other.exists("x")


def test_memory_has_no_prefix():
    """A path in the URL would be ignored, so it is refused."""
    with pytest.raises(ConfigurationError, match="memory://"):
        ObstoreBackend("test", "memory://bucket/prefix")


# --- B23: S3


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("prefix", ["", "/docs", "/a b/%41/é"])
def test_b23_bucket_and_prefix(s3_bucket, slash, prefix):
    """With or without the trailing slash; the prefix is taken as it is written."""
    storage = ObstoreBackend("docs", fs=f"s3://{s3_bucket.name}{prefix}{slash}", **credentials(s3_bucket))
    storage.put("x.txt", b"x")
    assert s3_bucket.keys() == [f"{prefix}/x.txt".removeprefix("/")]
    assert [info.key for info in storage.list()] == ["x.txt"]


def test_obstores_own_names(s3_bucket):
    """Each option also goes by obstore's own name, in its own places."""
    server = s3_bucket.server
    storage = ObstoreBackend(
        "docs",
        fs=f"s3://{s3_bucket.name}",
        access_key_id=server.access_key,
        config={"secret_access_key": server.secret_key},
        endpoint_url=f"{server.endpoint}/",
        region=server.region,
        virtual_hosted_style_request=False,
        client_options={"allow_http": True, "connect_timeout": 2, "pool_max_idle_per_host": 3},
        retry_config={"max_retries": 1},
    )
    storage.put("x", b"x")
    assert storage.read("x") == b"x"


def test_a_store_of_the_users_is_used_as_it_is(s3_bucket):
    """It is the native one, and it takes no options."""
    store = S3Store(**s3_bucket.obstore, prefix="p")
    storage = ObstoreBackend("docs", fs=store)
    assert storage.native is store
    storage.put("x", b"x")
    assert s3_bucket.keys() == ["p/x"]
    assert storage.sign("x").startswith("http")
    with pytest.raises(ConfigurationError, match="already made"):
        ObstoreBackend("docs", store, aws_region="x")


def test_a_store_of_the_users_without_metadata(tmp_path):
    """What the store cannot keep does not stop a put."""
    storage = ObstoreBackend("docs", LocalStore(tmp_path))
    storage.put("x", b"x", content_type="text/plain", metadata={"a": 1})
    assert storage.stat("x").metadata == {}


# --- B24, B25, B26: what every MinIO example does


@pytest.mark.parametrize("value", [True, "true", "True", "1", "yes"])
def test_b24_aws_allow_http(s3_bucket, value):
    """As a bool or as text from the environment."""
    storage = ObstoreBackend("s3", f"s3://{s3_bucket.name}/", **{**credentials(s3_bucket), "aws_allow_http": value})
    storage.put("x", b"x")


@pytest.mark.parametrize("value", [False, "false", None])
def test_b24_b25_http_must_be_allowed(value):
    """The error comes when the storage is declared, and shows the fix."""
    with pytest.raises(ConfigurationError, match="aws_allow_http=True"):
        ObstoreBackend("s3", "s3://bucket/", aws_endpoint="http://localhost:9000", aws_allow_http=value)


def test_b24_false_is_fine_with_https():
    """The documents write it with every endpoint."""
    ObstoreBackend("s3", "s3://bucket/", aws_endpoint="https://minio.example", aws_allow_http=False)


@pytest.mark.parametrize("endpoint", ["localhost:9000", "minio", "ftp://localhost:9000"])
def test_b25_an_endpoint_needs_a_scheme(endpoint):
    """The error shows both forms."""
    address = endpoint.removeprefix("ftp://")
    with pytest.raises(ConfigurationError) as caught:
        ObstoreBackend("s3", "s3://bucket/", aws_endpoint=endpoint)
    assert f'"https://{address}"' in str(caught.value)
    assert f'"http://{address}" with aws_allow_http=True' in str(caught.value)


def test_b26_none_is_not_given(s3_bucket):
    """An unset environment variable does no harm."""
    unset = dict.fromkeys(["aws_session_token", "aws_region", "client_options", "retry_config", "timeout"])
    storage = ObstoreBackend("s3", f"s3://{s3_bucket.name}/", **{**credentials(s3_bucket), **unset})
    storage.put("x", b"x")
    ObstoreBackend("s3", "s3://bucket/", aws_access_key_id=None, aws_secret_access_key=None, aws_endpoint=None)
    ObstoreBackend("local", "file:///x", durable=None, mode=None)


def test_the_environment_of_aws_counts(s3_bucket, monkeypatch):
    """Credentials, endpoint and even AWS_ALLOW_HTTP; what is written wins."""
    server = s3_bucket.server
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.secret_key)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.endpoint)
    with pytest.raises(ConfigurationError, match="AWS_ENDPOINT_URL_S3"):
        ObstoreBackend("s3", f"s3://{s3_bucket.name}/")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    ObstoreBackend("s3", f"s3://{s3_bucket.name}/").put("x", b"x")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    ObstoreBackend("s3", f"s3://{s3_bucket.name}/", aws_endpoint=server.endpoint).put("y", b"y")
    assert s3_bucket.keys() == ["x", "y"]


@pytest.mark.parametrize(
    ("endpoint", "region"),
    [
        ("https://abc.r2.cloudflarestorage.com", "auto"),
        ("https://nyc3.digitaloceanspaces.com", "nyc3"),
        ("https://s3.example", None),
    ],
)
def test_b27_a_missing_region(endpoint, region):
    """R2 knows only `auto`, Spaces have it in the endpoint; otherwise obstore's own default holds, us-east-1."""
    assert s3_options.s3_arguments({"aws_endpoint": endpoint}).store.get("region") == region
    assert s3_options.s3_arguments({"aws_endpoint": endpoint, "aws_region": "eu"}).store["region"] == "eu"


def test_large_bodies_may_take_their_time():
    """obstore's limit for a whole request would cut them; silence is limited instead."""  # noqa: D403
    assert s3_options.s3_arguments({}).client == client_options.CLIENT_DEFAULTS
    assert s3_options.s3_arguments({"timeout": 30}).client["timeout"].total_seconds() == 30


# --- B31: what is refused


@pytest.mark.parametrize(
    ("name", "near"),
    [("aws_acess_key_id", "aws_access_key_id"), ("regoin", "region"), ("aws_allow_htp", "aws_allow_http")],
)
def test_b31_an_unknown_option(name, near):
    """The error names it and what comes near."""
    with pytest.raises(ConfigurationError, match=f"'{name}' is not an option of S3.*'{near}'"):
        ObstoreBackend("s3", "s3://bucket/", **{name: "x"})


@pytest.mark.parametrize(
    ("url", "given"),
    [
        ("memory://", {"aws_region": "x"}),
        ("file:///x", {"durabel": True}),
        ("s3://b", {"client_options": {"timeot": 1}}),
    ],
)
def test_unknown_options_everywhere(url, given):
    """Also where there are none at all."""
    with pytest.raises(ConfigurationError, match="is not an option of"):
        ObstoreBackend("x", url, **given)


def test_an_option_given_twice():
    """Two names for one thing leave open which one counts."""
    with pytest.raises(ConfigurationError, match="twice"):
        ObstoreBackend("s3", "s3://bucket/", aws_region="a", region="b")


@pytest.mark.parametrize("url", ["sftp://host/x", "/var/uploads", "uploads", "", "s4://bucket"])
def test_b31_a_wrong_scheme(url):
    """The error lists those that there are, and says how a folder is written."""
    with pytest.raises(ConfigurationError, match=r"s3://.*memory://, file://") as caught:
        ObstoreBackend("x", url)
    if url.startswith("/"):
        assert "file:///var/uploads/" in str(caught.value)


@pytest.mark.parametrize("fs", [Path("/var/uploads"), object(), None, b"s3://bucket"])
def test_what_is_neither_a_url_nor_a_store(fs):
    """It is named by its type."""
    with pytest.raises(ConfigurationError, match=type(fs).__name__):
        ObstoreBackend("x", fs)


@pytest.mark.parametrize(
    "url", ["s3://", "s3:///prefix", "s3://a:b@bucket/", "s3://bucket/../x", "s3://bucket//x", "s3://bucket?x=1"]
)
def test_a_url_without_a_usable_bucket_or_prefix(url):
    """It is refused at once."""
    with pytest.raises(ConfigurationError):
        ObstoreBackend("x", url)


@pytest.mark.parametrize(
    "given",
    [
        {"aws_conditional_put": "perhaps"},
        {"default_headers": {"not a name": "x"}},
        {"proxy_url": "not an address"},
    ],
)
def test_a_value_that_only_obstore_knows(given):
    """It sees it at the first use; the error is still ours."""
    storage = ObstoreBackend("x", "s3://bucket", **given)
    with pytest.raises(ConfigurationError, match="the options of 'bucket' cannot be used"):
        storage.put("x", b"")


@pytest.mark.parametrize(
    "given",
    [
        {"aws_region": 5},
        {"aws_skip_signature": "perhaps"},
        {"allow_http": 2},
        {"config": "x"},
        {"timeout": "soon"},
        {"timeout": -1},
        {"timeout": float("nan")},
        {"connect_timeout": True},
        {"pool_max_idle_per_host": "many"},
        {"default_headers": {"a": 5}},
        {"default_headers": "x"},
        {"credential_provider": "x"},
        {"retry_config": "x"},
        {"retry_config": {"max_retries": "many"}},
        {"retry_config": {"max_retries": -1}},
        {"retry_config": {"retry_timeout": "soon"}},
        {"retry_config": {"bakoff": {}}},
        {"retry_config": {"backoff": {"init": 1}}},
        {"retry_config": {"backoff": {"base": 0}}},
        {"retry_config": {"backoff": {"init_backoff": 5, "max_backoff": 1}}},
    ],
    ids=str,
)
def test_a_value_that_is_refused_at_once(given):
    """Before anything is used."""
    with pytest.raises(ConfigurationError):
        ObstoreBackend("x", "s3://bucket", **given)


def test_durations_of_retries_and_connections(s3_bucket):
    """Seconds, a `timedelta`, or text as obstore or an environment variable writes it."""
    storage = ObstoreBackend(
        "s3",
        f"s3://{s3_bucket.name}/",
        **credentials(s3_bucket),
        connect_timeout="2.5",
        read_timeout="1 minute 30s",
        timeout=timedelta(hours=1),
        retry_config={"max_retries": 2, "retry_timeout": 30, "backoff": {"init_backoff": 20, "base": 1.5}},
    )
    assert storage.native.client_options["connect_timeout"] == "2s 500ms"
    assert storage.native.retry_config["retry_timeout"] == timedelta(seconds=30)
    assert storage.native.retry_config["backoff"] == {
        "base": 1.5,
        "init_backoff": timedelta(seconds=20),
        "max_backoff": timedelta(seconds=20),
    }
    storage.put("x", b"x")


# --- a Rust panic never reaches a user


@pytest.mark.parametrize(
    "given",
    [
        {"aws_access_key_id": f"{CANARY}\n", "aws_secret_access_key": "x"},
        {"aws_access_key_id": "x", "aws_secret_access_key": f"{CANARY}\n"},
        {"aws_session_token": f"{CANARY}é"},
        {"aws_region": "a\nb"},
        {"aws_endpoint": "https://"},
        {"aws_endpoint": "https://[::1"},
        {"aws_endpoint": "https://a b"},
        {"aws_endpoint": "https://é.example"},
        {"aws_endpoint": "https://127.0.0.1:99999"},
        {"aws_endpoint": f"https://minio.example?token={CANARY}"},
        {"client_options": {"default_content_type": "a\nb"}},
        {"aws_access_key_id": "x"},
    ],
    ids=str,
)
def test_what_obstore_would_panic_at_is_refused(given):
    """When the storage is declared, and without showing what may be a secret."""
    with pytest.raises(ConfigurationError) as caught:
        ObstoreBackend("x", "s3://bucket", **given)
    assert CANARY not in str(caught.value)


# --- S22: secrets


@pytest.mark.parametrize(
    ("url", "given"),
    [
        (f"s3://user:{CANARY}@bucket/", {}),
        (f"sftp://user:{CANARY}@host/", {}),
        ("s3://bucket/", {"aws_endpoint": f"http://user:{CANARY}@localhost:9000"}),
        ("s3://bucket/", {"aws_endpoint": f"user:{CANARY}@localhost:9000"}),
        ("s3://bucket/", {"aws_secret_access_key": CANARY, "aws_secret_acess_key": CANARY}),
        ("s3://bucket/", {"aws_secret_access_key": CANARY, "secret_access_key": CANARY}),
        ("s3://bucket/", {"aws_secret_access_key": CANARY, "aws_region": 5}),
    ],
)
def test_no_secret_in_errors(url, given):
    """Neither in the text nor in what caused it."""
    with pytest.raises(ConfigurationError) as caught:
        ObstoreBackend("x", url, **given).put("x", b"")
    error = caught.value
    while error is not None:
        assert CANARY not in f"{error} {error!r} {error.args}"
        error = error.__cause__ or error.__context__


def test_no_secret_in_repr():
    """Of the storage, of its driver, of its store."""
    storage = ObstoreBackend("x", "s3://bucket", aws_access_key_id="id", aws_secret_access_key=CANARY)
    assert CANARY not in f"{storage!r} {storage} {storage.native!r}"


# --- the tables of names


def test_the_names_are_obstores():
    """Each name that is accepted is one that obstore knows."""
    for name in s3_options.VOCABULARY.names:
        with pytest.raises(Exception, match=r"(?s)^(?!.*not valid for store)"):  # complains of the value, if at all
            S3Store("bucket", **{name: object()})


def test_the_client_names_are_obstores():
    """All of those that obstore documents."""
    stub = Path(inspect.getfile(MemoryStore)).parent / "_store/_client.pyi"
    assert set(re.findall(r"(?m)^    (\w+): ", stub.read_text())) == client_options.CLIENT


def test_settings_of_the_storage_are_keywords():
    """As for every storage."""
    storage = ObstoreBackend("x", "memory://", checksum=None, max_concurrency=2, key_scheme="{id}")
    assert storage.put("x", b"x").checksum is None
    with pytest.raises(NotFoundError):
        storage.read("y")
