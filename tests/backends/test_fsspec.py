"""How a storage over fsspec is declared: protocols, URLs, file systems, prefixes, and what is refused."""

import base64
import builtins
import json
import subprocess
import sys

import fsspec
import pytest
import requests
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from holdfast.backends.fsspec import FSSpecBackend
from holdfast.errors import ConfigurationError, InvalidKeyError, MissingExtraError


def refused(fs, prefix=None, **options):
    """Return the message of the error that a declaration raises."""
    with pytest.raises(ConfigurationError) as caught:
        FSSpecBackend("docs", fs, prefix, **options)
    return str(caught.value)


def test_b6_local_disk_makes_its_folders(tmp_path):
    """`fs="file"` with a prefix that does not exist makes it, and the folders of nested names."""
    prefix = tmp_path / "var" / "uploads"
    for form in [{"fs": "file", "prefix": str(prefix)}, {"fs": "local", "prefix": prefix}, {"fs": f"file://{prefix}"}]:
        storage = FSSpecBackend(key="local", **form)
        storage.put("2025/11/report.pdf", b"bytes")
        assert (prefix / "2025" / "11" / "report.pdf").read_bytes() == b"bytes"
        assert storage.native == prefix
        storage.delete("2025/11/report.pdf")


def test_b6_options_of_local_disk(tmp_path):
    """Local disk takes `mode` and `durable`, and the `auto_mkdir` that fsspec's needs."""
    storage = FSSpecBackend("local", "file", str(tmp_path), mode=0o640, durable=False, auto_mkdir=True)
    storage.put("x", b"bytes")
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o640
    assert "'mode'" in refused("file", str(tmp_path), moed=0o640)
    assert "0o640" in refused("file", str(tmp_path), mode="640")


def test_b7_a_local_file_system_is_used_as_it_is(tmp_path):
    """A file system that the user made is the one that stores."""
    fs = fsspec.filesystem("file", auto_mkdir=True)
    storage = FSSpecBackend(key="local", fs=fs, prefix=str(tmp_path / "uploads"))
    storage.put("a/b", b"bytes")
    assert storage.native is fs
    assert (tmp_path / "uploads" / "a" / "b").read_bytes() == b"bytes"


def test_b8_each_memory_is_its_own():
    """Two storages in memory share no bytes, neither with each other nor with the process."""
    first, second = FSSpecBackend("first", "memory"), FSSpecBackend("second", fs="memory://")
    first.put("x", b"bytes")
    assert not second.exists("x")
    assert not fsspec.filesystem("memory").exists("/x")
    assert isinstance(first.native, MemoryFileSystem)
    assert first.native.cat_file("/x") == b"bytes"


def test_a_memory_file_system_is_shared_as_the_user_shares_it():
    """A memory file system that the user made is seen by all who have it."""
    fs = fsspec.filesystem("memory")
    first, second = FSSpecBackend("first", fs, "shared"), FSSpecBackend("second", fs, "/shared/deeper")
    try:
        first.put("deeper/x", b"bytes")
        assert second.read("x") == b"bytes"
        assert fs.cat_file("/shared/deeper/x") == b"bytes"
    finally:
        fs.rm("/shared", recursive=True)


def test_a_file_system_inside_another(tmp_path):
    """A wrapper such as `dir` works, with and without a prefix."""
    fs = DirFileSystem(str(tmp_path), fsspec.filesystem("file", auto_mkdir=True))
    for prefix, name in [(None, "a/x"), ("below", "below/a/x")]:
        storage = FSSpecBackend("docs", fs, prefix)
        storage.put("a/x", b"bytes")
        assert (tmp_path / name).read_bytes() == b"bytes"
        assert "a/x" in [info.key for info in storage.list()]


def test_a_url_names_bucket_and_prefix():
    """`s3://bucket/x` and a prefix are joined; nothing is connected to before the first use."""
    for form in [
        {"fs": "s3://bucket/a/b"},
        {"fs": "s3://bucket/a/b/"},
        {"fs": "s3://bucket", "prefix": "a/b"},
        {"fs": "S3", "prefix": "bucket/a/b/"},
        {"fs": "s3", "prefix": "s3://bucket/a/b"},
    ]:
        driver = FSSpecBackend("docs", **form, endpoint_url="http://127.0.0.1:9")._plain
        assert (driver._bucket, driver._prefix, driver._fs) == ("bucket", "a/b/", None)


def test_options_reach_the_file_system():
    """Options are those of fsspec, None counts as not given, and no instance or listing is shared."""
    storage = FSSpecBackend(
        "docs",
        "s3",
        "bucket",
        username="AK",
        password=None,
        endpoint_url="http://127.0.0.1:9",
        config_kwargs={"retries": {}},
    )
    fs = storage.native
    assert (fs.key, fs.secret, fs.endpoint_url) == ("AK", None, "http://127.0.0.1:9")
    assert fs.config_kwargs == {"retries": {}}
    assert storage.native is fs
    assert FSSpecBackend("docs", "s3", "bucket", username="AK").native is not fs
    assert fs.dircache.use_listings_cache is False


MISSING = """
import importlib.abc, json, sys

class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[1].split(","):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocker())
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.errors import MissingExtraError

told = {}
for protocol in sys.argv[2].split(","):
    for form in protocol, f"{protocol}://bucket/x":
        try:
            FSSpecBackend("docs", form, "bucket/x")
        except MissingExtraError as error:
            told[protocol] = str(error)
print(json.dumps(told))
"""
PACKAGES = {
    'pip install "holdfast[s3]"': {"s3", "s3a"},
    'pip install "holdfast[gcs]"': {"gcs", "gs"},
    'pip install "holdfast[azure]"': {"abfs", "abfss", "az"},
    'pip install "holdfast[sftp]"': {"sftp", "ssh"},
    'pip install "holdfast[webdav]"': {"webdav"},
    'pip install "holdfast[http]"': {"http", "https"},
    'pip install "holdfast[github]"': {"github"},
    'pip install "holdfast[dropbox]"': {"dropbox"},
    "pip install smbprotocol": {"smb"},
}


def test_b18_a_missing_package_names_its_command():
    """On a machine that has none of the packages, each protocol gives one error that holds the command."""
    modules = "s3fs,gcsfs,adlfs,sshfs,paramiko,webdav4,aiohttp,requests,dropboxdrivefs,smbprotocol"
    protocols = {protocol for group in PACKAGES.values() for protocol in group}
    command = [sys.executable, "-c", MISSING, modules, ",".join(protocols)]
    told = json.loads(subprocess.run(command, capture_output=True, timeout=60, check=True).stdout)
    assert set(told) == protocols
    for command, group in PACKAGES.items():
        for protocol in group:
            assert command in told[protocol]
            assert told[protocol].count("pip install") == 1
    assert issubclass(MissingExtraError, ImportError)


def test_b18_without_fsspec(monkeypatch, tmp_path):
    """Without fsspec local disk works, and all else says what to install."""
    real = builtins.__import__

    def without(name, *more, **named):
        if name.partition(".")[0] == "fsspec":
            raise ImportError(name)
        return real(name, *more, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    FSSpecBackend("docs", "file", str(tmp_path)).put("x", b"bytes")
    for fs in ["memory", "s3", object()]:
        assert 'pip install "holdfast[fsspec]"' in refused(fs, "bucket")


def test_b19_a_bucket_has_no_slash_before_it():
    """A leading slash, or no bucket at all, is answered with the right form."""
    assert 'prefix="my-bucket/files"' in refused("s3", "/my-bucket/files")
    assert 'prefix="my-bucket"' in refused(fsspec.filesystem("s3", key="x", secret="y"), "/my-bucket/")
    assert 'prefix="bucket/folder"' in refused("s3")
    assert 'prefix="bucket/folder"' in refused("s3://")
    assert "climbs" in refused("s3", "bucket/../other")
    assert "empty segment" in refused("s3", "bucket//x")


def test_b19_a_local_prefix_is_absolute(tmp_path, monkeypatch):
    """A relative local prefix is answered with the absolute one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/ada")
    assert f'fs="file", prefix="{tmp_path}/uploads"' in refused("file", "uploads")
    assert f'fs="file", prefix="{tmp_path}/uploads"' in refused("file")
    assert f'fs="file", prefix="{tmp_path}/uploads"' in refused("file://uploads")
    assert 'prefix="/home/ada/uploads"' in refused("file", "~/uploads")
    assert f'prefix="{tmp_path}/uploads"' in refused(fsspec.filesystem("file"), "uploads")
    assert f'prefix="{tmp_path}/uploads"' in refused(fsspec.filesystem("file"))
    assert "two absolute paths" in refused(f"file://{tmp_path}", "/elsewhere")


def test_b19_urls_as_fs():
    """`s3://bucket/…`, `gs://…`, `abfs://…` as fs, or before a prefix, mean what they say; mixtures are refused."""
    azure = {"account_name": "account", "account_key": "a2V5"}
    for fs, prefix, options in [
        ("gs://bucket/a/b", None, {"token": "anon"}),
        ("gcs://bucket", "a/b/", {"token": "anon"}),
        ("gcs", "gs://bucket/a/b", {"token": "anon"}),
        ("abfs://bucket/a/b/", None, azure),
        ("az", "abfs://bucket/a/b", azure),
        ("abfs://bucket@account.dfs.core.windows.net/a/b", None, {"account_key": "a2V5"}),
        ("s3a", "s3://bucket/a/b", {}),
    ]:
        driver = FSSpecBackend("docs", fs, prefix, **options)._plain
        bucket = getattr(driver, "_bucket", None) or driver._container
        assert (bucket, driver._prefix, driver._fs) == ("bucket", "a/b/", None)
    assert 'prefix="my-bucket/x"' in refused("s3", "gs://my-bucket/x")
    assert 'prefix="my-bucket"' in refused("gcs", "https://my-bucket/", token="anon")
    assert 'prefix="bucket/folder"' in refused("abfs", "/", **azure)


def test_b19_what_is_no_file_system(tmp_path):
    """Things of another kind, and protocols that do not exist, are answered with what comes near."""
    assert f'fs="file", prefix="{tmp_path}"' in refused(tmp_path)
    assert "not int" in refused(3)
    assert "not int" in refused("s3", 3)
    assert "'sftp'" in refused("sfpt", "/x")
    assert "'s3'" in refused("s33", "bucket")
    assert "secret" not in refused("sfpt://user:secret@host/x")


def test_a_slip_of_the_pen_in_an_option(tmp_path):
    """An option that is nearly one is refused; one that belongs to what lies below is passed on."""
    assert "'endpoint_url'" in refused("s3", "bucket", endpont_url="http://127.0.0.1:9")
    FSSpecBackend("docs", "s3", "bucket", profile="dev")
    assert "already made" in refused(fsspec.filesystem("memory"), "x", auto_mkdir=True)


def test_unknown_options_of_the_clouds():
    """s3fs, gcsfs and adlfs hand any option on, or forget it; here an unknown one is refused with what comes near."""
    azure = {"account_name": "account", "account_key": "a2V5"}
    for fs, wrong, right in [
        ("gcs", "tokne", "'token'"),
        ("gcs", "projekt", "'project'"),
        ("gcs", "something_else", "there are"),
        ("abfs", "acount_key", "'account_key'"),
        ("abfs", "conection_string", "'connection_string'"),
        ("s3", "s3_aditional_kwargs", "'s3_additional_kwargs'"),
        ("s3", "nonsense", "there are"),
    ]:
        message = refused(fs, "bucket", **{**(azure if fs == "abfs" else {}), wrong: "canary"})
        assert wrong in message
        assert right in message
        assert "canary" not in message
    for fs, name, right in [
        ("s3", "aws_access_key_id", "username="),
        ("gcs", "google_service_account", "token="),
        ("abfs", "azure_storage_connection_string", "connection_string="),
    ]:
        assert right in refused(fs, "bucket", **{name: "canary"})
    FSSpecBackend("docs", "gcs", "bucket", token="anon", retry_timeout=5, use_listings_cache=False)
    FSSpecBackend("docs", "abfs", "bucket", account_name="x", exclude_cli_credential=True)


def test_credentials_that_cannot_be(tmp_path, monkeypatch):
    """No account, a file of credentials that is not there: told when the storage is declared."""
    for name in ("CONNECTION_STRING", "ACCOUNT_NAME"):
        monkeypatch.delenv(f"AZURE_STORAGE_{name}", raising=False)
    assert "account_name=" in refused("abfs", "container/x")
    assert "not a file" in refused("gcs", "bucket", token="/path/to/service-account.json")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "account.json").write_text("{}")
    assert f'token="{tmp_path}/account.json"' in refused("gcs", "bucket", token="~/account.json")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    FSSpecBackend("docs", "abfs", "container/x")
    broken = FSSpecBackend("docs", "abfs", "container", connection_string="nonsense")
    with pytest.raises(ConfigurationError, match="malformed"):
        broken.read("x")


def test_an_endpoint_has_a_scheme():
    """An endpoint without http:// or https:// would fail at every call: it is refused at once."""
    for options in [{"endpoint_url": "localhost:9000"}, {"client_kwargs": {"endpoint_url": "minio"}}]:
        assert 'endpoint_url="https://' in refused("s3", "bucket", **options)


def test_a_file_system_of_one_event_loop_is_refused():
    """`asynchronous=True` binds a file system to a loop; the error shows how to make it."""
    fs = fsspec.filesystem("s3", asynchronous=True, key="x", secret="y", skip_instance_cache=True)
    assert 'fsspec.filesystem("s3", …)' in refused(fs, "bucket")
    assert "asynchronous" in refused("s3", "bucket", asynchronous=True)


def test_settings_of_every_storage():
    """Checksum, concurrency and key scheme are taken like by any storage."""
    storage = FSSpecBackend("docs", "memory", checksum=None, max_concurrency=2, key_scheme="{id}-{name}")
    assert storage.put("x", b"bytes").checksum is None
    assert storage.key_scheme == "{id}-{name}"
    assert "max_concurrency" in refused("memory", max_concurrency=0)
    with pytest.raises(InvalidKeyError):
        storage.put("../x", b"bytes")


# --- values


def test_values_may_be_text():
    """What environment variables hold becomes what the file systems need: switches, numbers, mappings."""
    fs = FSSpecBackend(
        "docs",
        "s3",
        "bucket",
        anon="false",
        use_ssl="no",
        default_block_size="6291456",
        max_concurrency=4,
        client_kwargs='{"region_name": "eu-west-1"}',
        config_kwargs='{"retries": {"max_attempts": 2}}',
    ).native
    assert (fs.anon, fs.use_ssl, fs.default_block_size) == (False, False, 6 * 1024 * 1024)
    assert (fs.client_kwargs, fs.config_kwargs) == ({"region_name": "eu-west-1"}, {"retries": {"max_attempts": 2}})
    fs = FSSpecBackend("docs", "gcs", "bucket", token="anon", requester_pays="0", requests_timeout="2.5").native
    assert (fs.requester_pays, fs.requests_timeout) == (False, 2.5)
    fs = FSSpecBackend("docs", "az", "c", account_name="x", anon="true", connection_timeout="7", blocksize="5").native
    assert (fs.anon, fs._timeout_kwargs["connection_timeout"], fs.blocksize) == (True, 7, 5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("anon", "secret-canary"),
        ("default_block_size", "secret-canary"),
        ("client_kwargs", "secret-canary"),
        ("client_kwargs", '["secret-canary"]'),
        ("config_kwargs", 3),
    ],
)
def test_values_that_cannot_be(name, value):
    """Text that is no switch, number or mapping is refused with the option's name, and not shown."""
    message = refused("s3", "bucket", **{name: value})
    assert name in message
    assert "canary" not in message


ACCOUNT = {"type": "service_account", "client_email": "a@b", "private_key": "canary/key", "token_uri": "https://x/y"}


def test_the_text_of_a_service_account_is_no_token(tmp_path, monkeypatch):
    """What a file of credentials holds is used as such, never sent as a token; in other forms it is refused, unseen."""
    asked = []
    monkeypatch.setattr(requests.Session, "request", lambda *args, **_: asked.append(args))
    for indent in (None, 2):
        storage = FSSpecBackend("docs", "gcs", "bucket", token=json.dumps(ACCOUNT, indent=indent))
        with pytest.raises(ConfigurationError, match="no credentials that can be read") as caught:
            storage.read("x")
        assert "canary" not in str(caught.value)
    text = json.dumps(ACCOUNT)
    for wrong in [
        json.dumps(text),
        base64.b64encode(text.encode()).decode(),
        text[:-1],
        "{}",
        {"private_key": "canary"},
    ]:
        message = refused("gcs", "bucket", token=wrong)
        assert "token" in message
        assert "canary" not in message
        assert "eyJ" not in message
    path = tmp_path / "account"
    path.write_text(text)
    assert FSSpecBackend("docs", "gcs", "bucket", token=path)._plain._make.keywords["token"] == str(path)
    assert asked == []


def test_secrets_in_the_wrong_place_are_not_shown():
    """A user and a password before a bucket, a signature in an endpoint, a connection string as fs."""
    for url in ["s3://AK:canary@bucket/../x", "s3://AK:canary@bucket", "gs://AK:canary@bucket/x", "gs://AK:canary/x"]:
        message = refused(url, **({"token": "anon"} if url.startswith("gs") else {}))
        assert "before the bucket" in message
        assert "canary" not in message
    assert "canary" not in refused("s3", "gs://AK:canary@bucket/x")
    assert "canary" not in refused("s3", "bucket", endpoint_url="host:9000/?sig=canary")
    assert "canary" not in refused("DefaultEndpointsProtocol=https;AccountName=a;AccountKey=canary==")
    FSSpecBackend("docs", "s3", "arn:aws:s3:eu-west-1:123456789012:accesspoint:docs")


def test_settings_of_azure_are_checked_at_once():
    """A header that Azure's library would sign wrongly, and a tier that there is not, fail when they are declared."""
    azure = {"account_name": "account", "account_key": "a2V5"}
    for name, value in [("cache_control", "ü"), ("content_disposition", "ü"), ("storage_class", "nonsense")]:
        assert name in refused("az", "container", object_settings={name: value}, **azure)
