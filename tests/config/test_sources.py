"""Every source says the same things."""

import json
import sys

import pytest
import yaml
from pydantic import BaseModel

from holdfast.config import configure, load
from holdfast.errors import MissingExtraError

STORAGES = {
    "docs": {"uri": "memory://", "checksum": "none", "max_concurrency": 3, "key_scheme": "docs/{id}"},
    "photos": {"type": "local", "path": "/var/app/photos", "mode": 0o640},
}
TOML = """
[storages.docs]
uri = "memory://"
checksum = "none"
max_concurrency = 3
key_scheme = "docs/{id}"

[storages.photos]
type = "local"
path = "/var/app/photos"
mode = 0o640
"""
LISTED = {"storage": {"backends": [{"key": key, **table} for key, table in STORAGES.items()]}}


class Settings(BaseModel):
    """A settings class with tables in it."""

    debug: bool = False
    storages: dict[str, dict[str, object]] = STORAGES


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("storages.toml", TOML),
        ("pyproject.toml", TOML.replace("[storages.", "[tool.holdfast.storages.")),
        ("storages.json", json.dumps({"storages": STORAGES})),
        ("storages.yaml", yaml.safe_dump({"storages": STORAGES})),
        ("storages.YML", yaml.safe_dump(LISTED)),
        ("storages.toml", "\ufeff" + TOML),  # as Windows' editor writes it
    ],
)
def test_files(write, name, text):
    """Whatever the format, and however the tables are named."""
    path = write(name, text)
    assert_same(load(path))
    assert_same(load(str(path)))


@pytest.mark.parametrize("source", [{"storages": STORAGES}, LISTED, Settings()], ids=["tables", "list", "settings"])
def test_objects(source):
    """Mappings and settings classes."""
    assert_same(load(source))


def assert_same(found):
    """Compare storages with those above."""
    docs, photos = found
    assert (docs.key, photos.key) == ("docs", "photos")
    assert docs.key_scheme == "docs/{id}"
    assert docs.put("a.txt", b"bytes").checksum is None
    assert docs._batch._limit == 3
    assert str(photos.native) == "/var/app/photos"


@pytest.mark.parametrize("name", [".env", ".env.production", ".env.local", "shop.env"])
def test_files_of_variables(write, name):
    """By any of their usual names."""
    assert load(write(name, "DOCS_STORAGE_URI=memory://\n"))[0].key == "docs"


def test_a_file_that_pyproject_names(write):
    """It lies beside it."""
    write("storages.toml", TOML)
    assert_same(load(write("pyproject.toml", '[tool.holdfast]\nstorages = "storages.toml"\n')))


def test_registering_again(registry):
    """What is configured replaces what had the name, and leaves the rest."""
    registry.register_backend("memory://", key="docs")
    other = registry.register_backend("memory://", key="other")
    (docs,) = configure({"storages": {"docs": "memory://"}}, registry=registry)
    assert registry.get("docs") is docs
    assert registry.get("other") is other


def test_files_of_secrets_beside_the_configuration(write):
    """A relative path begins where the configuration lies."""
    write("token", "us-west-2\n")
    path = write("storages.toml", '[storages.docs]\nuri = "s3://bucket/"\nregion = { file = "token" }\n')
    assert load(path)[0].native.config["region"] == "us-west-2"


def test_azure_has_a_variable_that_ends_like_a_name(monkeypatch):
    """``AZURE_STORAGE_KEY`` is a credential, not the name of a storage."""
    found = load({"AZURE_STORAGE_URI": "memory://", "AZURE_STORAGE_KEY": "canary"})
    assert [storage.key for storage in found] == ["azure"]


def test_options_that_are_settings_of_every_storage():
    """As in ``ObstoreBackend(key, fs, **options)``; and what has a place of its own goes first."""
    options = '{"checksum": "none", "max_concurrency": 3}'
    (storage,) = load({"STORAGE_URI": "memory://", "STORAGE_OPTIONS": options})
    assert storage.put("a.txt", b"bytes").checksum is None
    (storage,) = load({"STORAGE_URI": "memory://", "STORAGE_OPTIONS": options, "STORAGE_CHECKSUM": "sha256"})
    assert storage.put("a.txt", b"bytes").checksum.startswith("sha256:")


@pytest.mark.parametrize(
    ("name", "package", "extra"), [("storages.yaml", "yaml", "yaml"), (".env", "dotenv", "settings")]
)
def test_missing_packages(monkeypatch, write, name, package, extra):
    """The message holds the command."""
    monkeypatch.delitem(sys.modules, f"holdfast.config.{package}", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf'pip install "holdfast\[{extra}\]"'):
        load(write(name, ""))
