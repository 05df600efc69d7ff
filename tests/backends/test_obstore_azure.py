"""Azure Blob Storage through obstore: the documented options, against Azurite."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta

import pytest
from azure.storage.blob import generate_container_sas

from holdfast.backends.azure_options import azure_arguments
from holdfast.backends.obstore import ObstoreBackend
from holdfast.errors import ConfigurationError, UnsupportedError

CANARY = base64.b64encode(b"CANARY" * 8).decode()
SECRET = f"AccountName=a;AccountKey={CANARY}"


def sas(container, permission="rcwdl"):
    """Return a SAS token for a container."""
    server = container.server
    expiry = datetime.now(UTC) + timedelta(hours=1)
    return generate_container_sas(server.account, container.name, server.key, permission=permission, expiry=expiry)


def works(storage):
    """Write, read and list."""
    storage.put("a/x.txt", b"x", content_type="text/plain", metadata={"ville": "Orléans", "tags": ["é", 1]})
    info = storage.stat("a/x.txt")
    assert (info.content_type, info.metadata) == ("text/plain", {"ville": "Orléans", "tags": ["é", 1]})
    assert [found.key for found in storage.list()] == ["a/x.txt"]
    return storage.read("a/x.txt") == b"x"


# --- B29: connection strings


def test_b29_the_connection_string_of_the_documents(azure_container):
    """As the portal shows it, and as an emulator's documentation does."""
    text = azure_container.server.connection_string
    assert text.startswith("DefaultEndpointsProtocol=http;AccountName=")
    assert works(ObstoreBackend("az", f"az://{azure_container.name}/", azure_storage_connection_string=text))


def test_b29_one_with_a_sas_token(azure_container):
    """It has no account name, which the endpoint holds."""
    text = f"BlobEndpoint={azure_container.server.endpoint}/;SharedAccessSignature=?{sas(azure_container)}"
    storage = ObstoreBackend(
        "az", f"az://{azure_container.name}/docs", azure_storage_connection_string=text, azure_storage_allow_http=True
    )
    assert works(storage)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "DefaultEndpointsProtocol=https;AccountName=acc;AccountKey=a2V5;EndpointSuffix=core.windows.net",
            {"account_name": "acc", "account_key": "a2V5", "endpoint": "https://acc.blob.core.windows.net"},
        ),
        (
            "accountname=acc; accountkey=a2V5YQ== ;endpointsuffix=core.chinacloudapi.cn;",
            {"account_name": "acc", "account_key": "a2V5YQ==", "endpoint": "https://acc.blob.core.chinacloudapi.cn"},
        ),
        (
            "AccountName=acc;AccountKey=a2V5;BlobEndpoint=https://files.example/;QueueEndpoint=https://q.example",
            {"account_name": "acc", "account_key": "a2V5", "endpoint": "https://files.example"},
        ),
        (
            "BlobEndpoint=https://acc.blob.core.windows.net;SharedAccessSignature=sv=1&sig=a%3D",
            {"account_name": "acc", "sas_key": "sv=1&sig=a%3D", "endpoint": "https://acc.blob.core.windows.net"},
        ),
    ],
)
def test_b29_what_a_connection_string_says(text, expected):
    """Endpoint suffix, endpoint and SAS token; in any case of letters, and with the other services' endpoints."""
    assert azure_arguments({"azure_storage_connection_string": text}).store == expected


def test_b29_the_development_storage():
    """`UseDevelopmentStorage=true` is the emulator on its usual port, without encryption."""
    arguments = azure_arguments({"azure_storage_connection_string": "UseDevelopmentStorage=true"})
    assert arguments.store["endpoint"] == "http://127.0.0.1:10000/devstoreaccount1"
    assert arguments.store["account_name"] == "devstoreaccount1"
    assert arguments.client["allow_http"] is True
    storage = ObstoreBackend("az", "az://container/", azure_storage_connection_string="UseDevelopmentStorage=true")
    assert storage.native.config["account_name"] == "devstoreaccount1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://host", "DevelopmentStorageProxyUri"),
        (CANARY, "made of"),
        (f"{CANARY}==", "a field that there is not"),
        (f"AccountKey={CANARY}", "neither AccountName nor BlobEndpoint"),
        (f"{SECRET};AccountKey={CANARY}", "AccountKey twice"),
        (f"{SECRET};DefaultEndpointsProtocol=ftp", "https or http"),
        (f"{SECRET};BlobEndpoint=http://host", "allow_http=True"),
        (f"{SECRET};BlobEndpoint=host", "needs a scheme"),
        (f"AccountName=a;AccountKey=_{CANARY}", "account_key is not base64"),
        (f"AccountName=a;SharedAccessSignature={CANARY.rstrip('=')}", "is not a SAS token"),
        (f"{SECRET}\n;x", "line break"),
        ("hello", "made of"),
        (5, "must be text"),
    ],
    ids=str,
)
def test_b29_b31_a_wrong_connection_string(text, expected):
    """It is refused when the storage is declared, and nothing of it is shown."""
    with pytest.raises(ConfigurationError, match=expected) as caught:
        ObstoreBackend("az", "az://container/", azure_storage_connection_string=text)
    assert CANARY.rstrip("=") not in str(caught.value)


def test_b29_a_connection_string_and_options():
    """What is said twice must be the same."""
    text = f"{SECRET};EndpointSuffix=core.windows.net"
    azure_arguments({"azure_storage_connection_string": text, "azure_storage_account_name": "a"})
    with pytest.raises(ConfigurationError, match="azure_storage_account_name is not what azure_storage_connection"):
        azure_arguments({"azure_storage_connection_string": text, "azure_storage_account_name": "b"})


def test_b26_an_unset_connection_string(monkeypatch):
    """None is not given; then the account must come from elsewhere."""
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with pytest.raises(ConfigurationError, match="azure_storage_account_name"):
        ObstoreBackend("az", "az://container/", azure_storage_connection_string=None)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "acc")
    ObstoreBackend("az", "az://container/", azure_storage_connection_string=None)


# --- B30: account and key, SAS token


def test_b30_account_name_and_key(azure_container):
    """The documented names."""
    assert works(ObstoreBackend("az", f"az://{azure_container.name}/files/", **azure_container.options))


def test_b30_a_sas_token(azure_container):
    """With or without its question mark; it cannot sign, and the error says so."""
    server = azure_container.server
    storage = ObstoreBackend(
        "az",
        f"az://{azure_container.name}/",
        azure_storage_account_name=server.account,
        azure_storage_sas_token=f"?{sas(azure_container)}",
        azure_storage_endpoint=server.endpoint,
        azure_storage_allow_http=True,
    )
    assert works(storage)
    with pytest.raises(UnsupportedError, match="cannot sign with a SAS token"):
        storage.sign("a/x.txt")


@pytest.mark.parametrize("prefix", ["", "azure_storage_", "azure_"])
def test_b30_obstores_own_names(azure_container, prefix):
    """Short names, and those of the environment's variables."""
    server = azure_container.server
    options = {"account_name": server.account, "access_key": server.key, "endpoint": server.endpoint}
    named = {prefix + name: value for name, value in options.items()}
    assert works(ObstoreBackend("az", f"az://{azure_container.name}", **named, allow_http="true"))


@pytest.mark.parametrize("variable", ["AZURE_STORAGE_ALLOW_HTTP", "AZURE_ALLOW_HTTP"])
def test_the_environment_of_azure_counts(azure_container, monkeypatch, variable):
    """Account, key, endpoint, and whether it may be unencrypted."""
    server = azure_container.server
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", server.account)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", server.key)
    monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", server.endpoint)
    with pytest.raises(ConfigurationError, match="AZURE_STORAGE_ENDPOINT"):
        ObstoreBackend("az", f"az://{azure_container.name}/")
    monkeypatch.setenv(variable, "true")
    assert works(ObstoreBackend("az", f"az://{azure_container.name}/"))


def test_urls_of_azure(azure_container):
    """Every scheme, and the account in the URL."""
    for scheme in ("az", "azure", "abfs", "abfss", "adl"):
        ObstoreBackend("az", f"{scheme}://{azure_container.name}/x", **azure_container.options)
    for host in ("dfs.core.windows.net", "blob.core.windows.net", "dfs.fabric.microsoft.com"):
        storage = ObstoreBackend("az", f"abfss://files@acc.{host}/a/b", azure_storage_account_key="a2V5")
        assert (storage.native.config["account_name"], storage.native.prefix) == ("acc", "a/b")
        assert storage.native.config["container_name"] == "files"
    with pytest.raises(ConfigurationError, match="of the account 'acc'"):
        ObstoreBackend("az", "abfss://files@acc.dfs.core.windows.net/", azure_storage_account_name="other")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"endpoint": "127.0.0.1:10000/devstoreaccount1"}, "needs a scheme"),
        ({"azure_storage_endpoint": "http://127.0.0.1:10000/a"}, "azure_storage_allow_http=True"),
        ({"azure_storage_acount_key": "x"}, "'azure_storage_account_key'"),
        ({"azure_storage_account_key": f"{CANARY}\n"}, "line break"),
        ({"azure_storage_account_key": f"!{CANARY}"}, "not base64"),
        ({"azure_storage_token": f"{CANARY}é"}, "line break or another character"),
        ({"azure_authority_host": "login.example"}, "needs a scheme"),
        ({"azure_msi_endpoint": "x"}, "needs a scheme"),
        ({"azure_storage_account_name": "b", "account_name": "a"}, "given twice"),
        ({"azure_storage_use_emulator": "perhaps"}, "neither true nor false"),
    ],
    ids=str,
)
def test_b31_what_azure_is_refused(given, expected):
    """When the storage is declared, near matches shown and secrets not."""
    with pytest.raises(ConfigurationError, match=expected) as caught:
        ObstoreBackend("az", "az://container/", **{"azure_storage_account_name": "a", **given})
    assert CANARY not in str(caught.value)


def test_b34_metadata_that_azure_would_choke_on(azure_container):
    """Names with spaces, in capitals, beyond ASCII; nested values."""
    storage = ObstoreBackend("az", f"az://{azure_container.name}/", **azure_container.options)
    metadata = {"a b": "c", "Größe": "1 €", "nested": {"é": [None, 1.5, {"x": "y"}]}, "plain": "text", "": "empty"}
    storage.put("x", b"x", metadata=metadata, content_type="text/plain\nX-Evil: 1")
    assert storage.stat("x").metadata == metadata


def test_object_settings_arrive(azure_container):
    """Access tier, tags and headers: of the storage, and of one file, which go first."""
    settings = {"storage_class": "Cool", "tags": {"team": "red", "kind": "a"}, "cache_control": "max-age=60"}
    storage = ObstoreBackend("az", f"az://{azure_container.name}/", **azure_container.options, object_settings=settings)
    storage.put("x", b"x")
    own = {"tags": {"team": "blue"}, "content_language": "de"}
    storage.put("big", b"x" * 9_000_000, object_settings=own)
    asyncio.run(storage.put_async("big async", b"x" * 9_000_000, object_settings=own))
    head, tags = azure_container.head("x"), azure_container.tags("x")
    assert (head["x-ms-access-tier"], head["cache-control"], head["x-ms-tag-count"]) == ("Cool", "max-age=60", "2")
    assert b"<Value>red</Value>" in tags
    for key in ("big", "big async"):
        head, tags = azure_container.head(key), azure_container.tags(key)
        assert (head["cache-control"], head["content-language"]) == ("max-age=60", "de")
        assert b"<Value>blue</Value>" in tags
        assert b"<Value>a</Value>" in tags


@pytest.mark.parametrize(
    "settings",
    [
        {"encryption": "AES256"},
        {"checksum_algorithm": "SHA256"},
        {"tags": {"é": "x"}},
        {"tags": dict.fromkeys("abcdefghijk", "x")},
        {"tags": {"x" * 129: "x"}},
        {"cache_control": "é"},
        {"content_disposition": 'attachment; filename="é"'},
    ],
    ids=str,
)
def test_object_settings_that_azure_has_not(settings):
    """They are refused when the storage is declared."""
    with pytest.raises(ConfigurationError, match="object_settings"):
        ObstoreBackend("az", "az://c/", account_name="a", object_settings=settings)
