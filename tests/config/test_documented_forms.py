"""The forms of configuration that the documents show load as they are."""

import json
import os
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from holdfast.config import check, configure, load
from holdfast.drivers.local import LocalDriver
from holdfast.errors import ConfigurationError
from tests.servers.secrets_manager import secrets_manager
from tests.servers.shared import start_or_skip


def works(storage):
    """Write and read an object."""
    storage.put("a.txt", b"bytes")
    return storage.read("a.txt") == b"bytes"


def opened(storage):
    """Return the kind of a storage's store and the bucket in it."""
    config = storage.native.config
    return type(storage.native).__name__, config.get("bucket") or config.get("container_name")


def client_of(service, server, key=None, secret=None):
    """Return Amazon's own client."""
    return boto3.client(
        service,
        endpoint_url=server.endpoint,
        region_name=server.region,
        aws_access_key_id=key or server.access_key,
        aws_secret_access_key=secret or server.secret_key,
    )


@pytest.fixture
def minio(s3_bucket):
    """The options of the documents' MinIO examples, for the server here."""
    server = s3_bucket.server
    return {
        "aws_access_key_id": server.access_key,
        "aws_secret_access_key": server.secret_key,
        "aws_endpoint": server.endpoint,
        "aws_region": "us-east-1",
        "aws_allow_http": True,
    }


def test_b57_storage_backend_s3(monkeypatch, s3_bucket):
    """``STORAGE_BACKEND=s3`` with ``S3_BUCKET`` and AWS's own variables."""
    server = s3_bucket.server
    for name, value in {
        "STORAGE_BACKEND": "s3",
        "S3_BUCKET": s3_bucket.name,
        "AWS_ACCESS_KEY_ID": server.access_key,
        "AWS_SECRET_ACCESS_KEY": server.secret_key,
        "AWS_ENDPOINT_URL": server.endpoint,
        "AWS_ALLOW_HTTP": "true",
    }.items():
        monkeypatch.setenv(name, value)
    (storage,) = load(os.environ)
    assert storage.key == "default"
    assert storage.native.config["region"] == "us-east-1"
    assert works(storage)


def test_b57_storage_backend_without_credentials():
    """What is unset, or empty, is left to the service's own chain."""
    (storage,) = load({"STORAGE_BACKEND": "s3", "S3_BUCKET": "uploads", "AWS_ACCESS_KEY_ID": ""})
    assert opened(storage) == ("S3Store", "uploads")
    assert "access_key_id" not in storage.native.config


def test_b57_storage_backend_minio(monkeypatch, minio, s3_bucket):
    """``STORAGE_BACKEND=minio``: http:// is what it is for."""
    for name, value in {
        "STORAGE_BACKEND": "minio",
        "MINIO_BUCKET": s3_bucket.name,
        "MINIO_ACCESS_KEY": minio["aws_access_key_id"],
        "MINIO_SECRET_KEY": minio["aws_secret_access_key"],
        "MINIO_ENDPOINT": minio["aws_endpoint"],
    }.items():
        monkeypatch.setenv(name, value)
    assert works(load(os.environ)[0])


def test_b57_storage_backend_minio_on_this_machine(monkeypatch):
    """Without an endpoint it is the one that MinIO listens at."""
    monkeypatch.setenv("STORAGE_BACKEND", "minio")
    monkeypatch.setenv("MINIO_BUCKET", "uploads")
    assert load(os.environ)[0].native.config["endpoint"] == "http://localhost:9000"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"STORAGE_BACKEND": "gcs", "GCS_BUCKET": "uploads"}, ("GCSStore", "uploads")),
        (
            {
                "STORAGE_BACKEND": "azure",
                "AZURE_CONTAINER": "uploads",
                "AZURE_STORAGE_ACCOUNT_NAME": "account",
                "AZURE_STORAGE_ACCOUNT_KEY": "a2V5",
            },
            ("AzureStore", "uploads"),
        ),
    ],
    ids=["gcs", "azure"],
)
def test_b57_storage_backend_of_each_cloud(monkeypatch, gcs_account, variables, expected):
    """The other services have their own variables."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(gcs_account))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert opened(load(os.environ)[0]) == expected


@pytest.fixture
def gcs_account(write):
    """A service account's file, which names no account."""
    fields = {"disable_oauth": True, "client_email": "", "private_key": "", "private_key_id": ""}
    return write("service-account.json", json.dumps(fields))


def test_b57_azure_connection_string(monkeypatch, azure_container):
    """``AZURE_STORAGE_CONNECTION_STRING`` says it all."""
    server = azure_container.server
    string = (
        f"DefaultEndpointsProtocol=http;AccountName={server.account};AccountKey={server.key};"
        f"BlobEndpoint={server.endpoint};"
    )
    monkeypatch.setenv("STORAGE_BACKEND", "azure")
    monkeypatch.setenv("AZURE_CONTAINER", azure_container.name)
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", string)
    assert works(load(os.environ)[0])


def test_b57_storage_backend_local(monkeypatch, tmp_path):
    """``UPLOAD_DIR`` is the folder, and ``/var/app/uploads`` without it."""
    monkeypatch.setenv("STORAGE_BACKEND", "local")
    assert str(load(os.environ)[0].native) == "/var/app/uploads"
    monkeypatch.setenv("UPLOAD_DIR", str(tmp_path))
    assert works(load(os.environ)[0])
    assert (tmp_path / "a.txt").read_bytes() == b"bytes"


def test_b57_storage_backend_is_no_service(monkeypatch):
    """A slip does not end on the local disk."""
    monkeypatch.setenv("STORAGE_BACKEND", "axure")
    with pytest.raises(ConfigurationError, match=r"environment variable STORAGE_BACKEND is 'axure'.*'azure'"):
        load(os.environ)


def test_b57_storage_backend_without_its_bucket(monkeypatch):
    """The variable that is missing is named."""
    monkeypatch.setenv("STORAGE_BACKEND", "gcs")
    with pytest.raises(ConfigurationError, match="STORAGE_BACKEND=gcs needs GCS_BUCKET"):
        load(os.environ)


ENV_FILE = """\
PUBLIC_STORAGE_URI=s3://{public}/
PUBLIC_STORAGE_OPTIONS={options}

PRIVATE_STORAGE_URI=s3://{private}/
PRIVATE_STORAGE_OPTIONS={options}
"""


def test_b57_public_and_private_storage(monkeypatch, minio, s3_bucket, registry):
    """``PUBLIC_STORAGE_URI`` and ``PUBLIC_STORAGE_OPTIONS``, and the same for the private one."""
    private = s3_bucket.server.make_bucket()
    for name, bucket in {"PUBLIC": s3_bucket.name, "PRIVATE": private.name}.items():
        monkeypatch.setenv(f"{name}_STORAGE_URI", f"s3://{bucket}/")
        monkeypatch.setenv(f"{name}_STORAGE_OPTIONS", json.dumps(minio, separators=(",", ":")))
    configure(os.environ, registry=registry)
    assert sorted(registry.all()) == ["private", "public"]
    assert works(registry.get("public"))
    assert works(registry.get("private"))
    assert private.keys() == ["a.txt"]


def test_b57_env_file(write, minio, s3_bucket):
    """The documents' ``.env`` is one of these configurations."""
    options = json.dumps(minio, separators=(",", ":"))
    path = write(".env", ENV_FILE.format(public=s3_bucket.name, private=s3_bucket.name, options=options))
    public, private = load(path)
    assert (public.key, private.key) == ("public", "private")
    assert works(public)


@dataclass
class MinioSettings:
    """The documents' dataclass."""

    PUBLIC_STORAGE_KEY: str = field(default="public")
    PUBLIC_STORAGE_URI: str = field(default="s3://public/")
    PUBLIC_STORAGE_OPTIONS: dict[str, Any] = field(default_factory=dict)

    PRIVATE_STORAGE_KEY: str = field(default="private")
    PRIVATE_STORAGE_URI: str = field(default="s3://private/")
    PRIVATE_STORAGE_OPTIONS: dict[str, Any] = field(default_factory=dict)


def test_b57_settings_dataclass(minio, s3_bucket):
    """Its fields are the same names."""
    settings = MinioSettings(
        PUBLIC_STORAGE_URI=f"s3://{s3_bucket.name}/", PUBLIC_STORAGE_OPTIONS=minio, PRIVATE_STORAGE_KEY="hidden"
    )
    public, hidden = load(settings)
    assert works(public)
    assert (hidden.key, opened(hidden)) == ("hidden", ("S3Store", "private"))


CONFIG_TOML = """\
[storage]
[[storage.backends]]
key = "documents"
type = "s3"
bucket = "s3://company-documents/"
region = "us-west-2"

[[storage.backends]]
key = "images"
type = "gcs"
bucket = "gs://company-images/"
"""


def test_b58_storage_backends(write, gcs_account, registry):
    """The documents' file, word for word: both entries are storages."""
    configure(write("config.toml", CONFIG_TOML), registry=registry)
    documents, images = registry.get("documents"), registry.get("images")
    assert opened(documents) == ("S3Store", "company-documents")
    assert documents.native.config["region"] == "us-west-2"
    # Opening a bucket of Google's would ask the machine for its identity.
    assert images.key == "images"
    (images,) = load({"storages": {"images": {"uri": "gs://company-images/", "service_account": str(gcs_account)}}})
    assert opened(images) == ("GCSStore", "company-images")


EVERY_TYPE = """\
[[storage.backends]]
key = "s3"
type = "s3"
bucket = "{bucket}"
endpoint = "{endpoint}"
allow_http = true
access_key_id = "{access_key}"
secret_access_key = "{secret_key}"

[[storage.backends]]
key = "minio"
type = "minio"
bucket = "s3://{bucket}/folder/"
endpoint = "{endpoint}"
access_key_id = "{access_key}"
secret_access_key = "{secret_key}"

[[storage.backends]]
key = "local"
type = "local"
path = "{folder}"

[[storage.backends]]
key = "file"
type = "local"
bucket = "file://{folder}/sub folder/"

[[storage.backends]]
key = "memory"
type = "memory"
"""


@pytest.mark.parametrize("key", ["s3", "minio", "local", "file", "memory"])
def test_b58_every_type(write, s3_bucket, tmp_path, key):
    """Each type that runs here takes a bucket as a URL or as a name, and works."""
    server = s3_bucket.server
    text = EVERY_TYPE.format(
        bucket=s3_bucket.name,
        endpoint=server.endpoint,
        access_key=server.access_key,
        secret_key=server.secret_key,
        folder=tmp_path / "files",
    )
    found = {storage.key: storage for storage in load(write("storages.toml", text))}
    assert works(found[key])


def test_b58_azure(write, azure_container):
    """Of Azure the bucket is a container."""
    server = azure_container.server
    path = write(
        "storages.toml",
        f"""
        [[storage.backends]]
        key = "azure"
        type = "azure"
        container = "{azure_container.name}"
        azure_storage_account_name = "{server.account}"
        azure_storage_account_key = "{server.key}"
        endpoint = "{server.endpoint}"
        allow_http = true
        """,
    )
    assert works(load(path)[0])


def test_b58_type_and_url_differ():
    """Of two things that contradict each other neither is believed."""
    with pytest.raises(ConfigurationError, match=r"storage 'x'.*type is 'gcs', but the URL begins with s3://"):
        load({"storage": {"backends": [{"key": "x", "type": "gcs", "bucket": "s3://bucket/"}]}})


class StorageSettings(BaseSettings):
    """The documents' class, with pydantic's present way to name the prefix."""

    model_config = SettingsConfigDict(env_prefix="STORAGE_")

    backend: str = Field(default="local")
    s3_bucket: str | None = Field(default=None)
    s3_region: str = Field(default="us-east-1")
    aws_access_key_id: str | None = Field(default=None)
    aws_secret_access_key: SecretStr | None = Field(default=None)
    upload_dir: str = Field(default="/var/app/uploads")


def test_b59_pydantic_settings_s3(monkeypatch):
    """Fields of the class, credentials left out."""
    monkeypatch.setenv("STORAGE_BACKEND", "s3")
    monkeypatch.setenv("STORAGE_S3_BUCKET", "uploads")
    monkeypatch.setenv("STORAGE_S3_REGION", "eu-central-1")
    (storage,) = load(StorageSettings())
    assert (storage.key, opened(storage)) == ("default", ("S3Store", "uploads"))
    assert storage.native.config["region"] == "eu-central-1"
    assert "access_key_id" not in storage.native.config


def test_b59_pydantic_settings_with_a_secret(monkeypatch):
    """A ``SecretStr`` gives its value to the store and to nobody else."""
    monkeypatch.setenv("STORAGE_BACKEND", "s3")
    monkeypatch.setenv("STORAGE_S3_BUCKET", "uploads")
    monkeypatch.setenv("STORAGE_AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("STORAGE_AWS_SECRET_ACCESS_KEY", "canary")
    (storage,) = load(StorageSettings())
    assert storage.native.config["secret_access_key"] == "canary"
    assert "canary" not in repr(storage)


def test_b59_pydantic_settings_local(monkeypatch, tmp_path):
    """The default is a folder."""
    assert isinstance(load(StorageSettings())[0]._plain, LocalDriver)
    monkeypatch.setenv("STORAGE_UPLOAD_DIR", str(tmp_path))
    assert works(load(StorageSettings())[0])


def test_b59_an_application_s_settings():
    """In a class about more than storages a bare name means something else."""

    class Settings(BaseSettings):
        storage_backend: str = "memory"
        prefix: str = "/api"
        key: str = "other"
        options: dict[str, str] = {"title": "Shop"}  # a field of pydantic's

    assert load(Settings())[0].key == "default"


def test_b59_the_class_itself():
    """A class is not yet settings."""
    with pytest.raises(ConfigurationError, match=r"configure\(StorageSettings\(\)\)"):
        load(StorageSettings)


def test_b61_secrets_manager(s3_bucket, write):
    """Credentials of AWS Secrets Manager, by the documents' function."""
    server = start_or_skip(secrets_manager)
    client = boto3.client("secretsmanager", **server)
    fields = {"access_key_id": s3_bucket.server.access_key, "secret_access_key": s3_bucket.server.secret_key}
    client.create_secret(Name="storage-credentials", SecretString=json.dumps(fields))
    asked = []

    def fetch(name):
        asked.append(name)
        return json.loads(client.get_secret_value(SecretId=name)["SecretString"])

    path = write(
        "storages.toml",
        f"""
        [storages.s3]
        uri = "s3://{s3_bucket.name}/"
        aws_endpoint = "{s3_bucket.server.endpoint}"
        aws_allow_http = true
        aws_access_key_id = {{ secret = "storage-credentials", field = "access_key_id" }}
        aws_secret_access_key = {{ secret = "storage-credentials", field = "secret_access_key" }}
        """,
    )
    assert works(load(path, secrets=fetch)[0])
    assert asked == ["storage-credentials"]


@pytest.mark.parametrize("driver", ["obstore", "s3fs", "documented"])
def test_b61_encryption_at_rest(s3_bucket, driver):
    """AES256 by Holdfast's setting on both drivers, and by the documents' option of s3fs."""
    settings = {"object_settings": {"encryption": "AES256"}}
    by_option = {"s3_additional_kwargs": {"ServerSideEncryption": "AES256"}}
    server = s3_bucket.server
    table = {
        "obstore": {
            "uri": f"s3://{s3_bucket.name}/",
            "endpoint": server.endpoint,
            "allow_http": True,
            "access_key_id": server.access_key,
            "secret_access_key": server.secret_key,
            **settings,
        },
        "s3fs": {"fs": "s3", "prefix": s3_bucket.name, "options": s3_bucket.s3fs, **settings},
        "documented": {"fs": "s3", "prefix": s3_bucket.name, "options": {**s3_bucket.s3fs, **by_option}},
    }[driver]
    (storage,) = load({"storages": {"docs": table}})
    assert works(storage)
    s3 = client_of("s3", server)
    assert s3.head_object(Bucket=s3_bucket.name, Key="a.txt")["ServerSideEncryption"] == "AES256"


CORS = {
    "CORSRules": [
        {
            "AllowedOrigins": ["https://app.example.com"],
            "AllowedMethods": ["GET", "PUT", "POST"],
            "AllowedHeaders": ["*"],
            "ExposeHeaders": ["ETag"],
            "MaxAgeSeconds": 3000,
        }
    ]
}


def test_b61_cors(s3_bucket):
    """The documents' JSON is what the service takes."""
    s3 = client_of("s3", s3_bucket.server)
    s3.put_bucket_cors(Bucket=s3_bucket.name, CORSConfiguration=CORS)
    assert s3.get_bucket_cors(Bucket=s3_bucket.name)["CORSRules"] == CORS["CORSRules"]


def test_b61_the_policy(s3_bucket):
    """Under the documents' policy files are stored, read and deleted; what it leaves out, listing, is named."""
    iam = client_of("iam", s3_bucket.server, "test", "test")
    statement = {
        "Effect": "Allow",
        "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
        "Resource": f"arn:aws:s3:::{s3_bucket.name}/*",
    }
    user = s3_bucket.name
    iam.create_user(UserName=user)
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName=user, PolicyName="files", PolicyDocument=policy)
    access = iam.create_access_key(UserName=user)["AccessKey"]
    (storage,) = load(
        {
            "storages": {
                "docs": {
                    "uri": f"s3://{s3_bucket.name}/",
                    "endpoint": s3_bucket.server.endpoint,
                    "allow_http": True,
                    "access_key_id": access["AccessKeyId"],
                    "secret_access_key": access["SecretAccessKey"],
                }
            }
        }
    )
    steps = {step.name: step for step in check(storage).storages["docs"].steps}
    assert [name for name, step in steps.items() if step.outcome != "ok"] == ["list"]
    assert "Check what the credentials allow" in steps["list"].detail
    assert s3_bucket.keys() == []
