"""Public URLs and Holdfast's own signed ones, in every form of a configuration."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from holdfast.config import check, configure, load
from holdfast.errors import ConfigurationError

SECRET = "canary: a secret that nobody else knows"
BASE = "https://app.example.com/files"
TABLE = {"base_url": BASE, "secret": SECRET}
MEMORY = {"storages": {"docs": {"uri": "memory://"}}}


@dataclass
class Settings:
    """A settings class with tables."""

    storages: Any = field(default_factory=lambda: MEMORY["storages"])
    signed_urls: Any = field(default_factory=lambda: TABLE)


class Single(BaseSettings):
    """One with a field for each name."""

    storage_uri: str = "memory://"
    signed_urls_base_url: str = BASE
    signed_urls_secret: SecretStr = SecretStr(SECRET)


FORMS = {
    "mapping": lambda: {**MEMORY, "signed_urls": TABLE},
    "storage": lambda: {"storage": {"backends": {"docs": "memory://"}, "signed_urls": TABLE}},
    "settings": Settings,
    "fields": Single,
    "flat": lambda: {"STORAGE_URI": "memory://", "SIGNED_URLS_BASE_URL": BASE, "SIGNED_URLS_SECRET": SECRET},
    "prefixed": lambda: {
        "STORAGE_URI": "memory://",
        "STORAGE_SIGNED_URLS_BASE_URL": BASE,
        "STORAGE_SIGNED_URLS_SECRET": SECRET,
    },
}


@pytest.mark.parametrize("form", FORMS)
def test_signed_urls_in_every_form(registry, form):
    """The storages that come with it sign at once."""
    [storage] = configure(FORMS[form](), registry=registry)
    assert storage.sign("a").startswith(f"{BASE}/")


def test_signed_urls_in_a_file(registry, write, monkeypatch):
    """With references as for any secret: variables, files, a store of secrets; and several, for a rotation."""
    monkeypatch.setenv("APP_HOST", "app.example.com")
    monkeypatch.setenv("NEW_SECRET", SECRET)
    write("old", "an older secret of the application\n")
    storages = '[storages]\ndocs = "memory://"\n[signed_urls]\nbase_url = "https://${APP_HOST}/files"\n'
    path = write(
        "a.toml", storages + 'secret = [{ env = "NEW_SECRET" }, { file = "old" }, { secret = "app/oldest" }]\n'
    )
    [storage] = configure(path, secrets=lambda name: f"the secret of {name}", registry=registry)
    url = storage.sign("a")
    for secret in (SECRET, "an older secret of the application", "the secret of app/oldest"):
        assert registry.signed_urls.read(url.split("/")[-2], "GET").key == "a"
        registry.sign_urls(BASE, [secret])
        url = storage.sign("a")
        [storage] = configure(path, secrets=lambda name: f"the secret of {name}", registry=registry)


def test_several_secrets_in_the_environment(registry):
    """A JSON list, the newest first."""
    names = {"STORAGE_URI": "memory://", "SIGNED_URLS_BASE_URL": BASE}
    [storage] = configure({**names, "SIGNED_URLS_SECRET": f'["{SECRET}", "{"o" * 20}"]'}, registry=registry)
    url = storage.sign("a")
    configure({**names, "SIGNED_URLS_SECRET": SECRET}, registry=registry)
    assert registry.signed_urls.read(url.split("/")[-2], "GET").key == "a"


def test_a_configuration_that_does_not_say_leaves_it_alone(registry):
    """An application may call sign_urls itself, before or after."""
    signing = registry.sign_urls(BASE, SECRET)
    configure(MEMORY, registry=registry)
    assert registry.signed_urls is signing
    assert load({**MEMORY, "signed_urls": TABLE})[0].link("a") is None


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"base_url": BASE}, "secret is not set"),
        ({"secret": SECRET}, "base_url is not set"),
        ({}, "base_url and secret are not set"),
        (
            {"base_url": BASE, "secret": {"env": "NOT_SET"}},
            r"secret is not set.*\(secret is the environment variable NOT_SET\)",
        ),
        ({"base_url": BASE, "secret": "canary"}, "16 bytes"),
        ({"base_url": BASE, "secret": [SECRET, None]}, "16 bytes"),
        ({"base_url": BASE, "secret": 5}, "16 bytes"),
        ({"base_url": "/files", "secret": SECRET}, "base_url must be a whole address"),
        ({"baseurl": BASE, "secret": SECRET}, "did you mean 'base_url'"),
        ([TABLE], "must be one table"),
        ("canary", "must be one table"),
    ],
)
def test_what_cannot_be(registry, table, message):
    """It is an error that says where it stands and shows no secret; nothing is registered."""
    source = {**MEMORY, "signed_urls": table}
    for call in (lambda: configure(source, registry=registry), lambda: check(source)):
        with pytest.raises(ConfigurationError, match=message) as caught:
            call()
        assert "signed_urls" in str(caught.value)
        assert "canary" not in str(caught.value)
    assert registry.all() == {}
    assert registry.signed_urls is None


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"SIGNED_URLS_SECRET": SECRET}, "base_url is not set"),
        ({"SIGNED_URLS_BASE_URL": BASE}, "secret is not set"),
        ({"SIGNED_URLS_BASE_URL": BASE, "SIGNED_URLS_SECRET": '["canary'}, "no JSON"),
        ({"SIGNED_URLS_BASE_URL": BASE, "SIGNED_URLS_SECRET": "[1]"}, "16 bytes"),
        ({"SIGNED_URL_SECRET": SECRET}, "did you mean SIGNED_URLS_SECRET"),
        ({"STORAGE_SIGNED_URL_BASE_URL": BASE}, "did you mean SIGNED_URLS_BASE_URL"),
    ],
)
def test_names_that_cannot_be(registry, names, message):
    """The variable is named."""
    with pytest.raises(ConfigurationError, match=message) as caught:
        configure({"STORAGE_URI": "memory://", **names}, registry=registry)
    assert "SIGNED_URL" in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "source", [{**MEMORY, "signed_url": TABLE}, {**MEMORY, "storage": {"signed_urls": TABLE}, "signed_urls": TABLE}]
)
def test_a_slip_and_two_tables(registry, source):
    """Neither is passed over."""
    with pytest.raises(ConfigurationError, match="signed_urls"):
        configure(source, registry=registry)


def test_public_urls(write, monkeypatch):
    """For each storage, also for one that stands on another, and by a variable."""
    monkeypatch.setenv("CDN", "cdn.example.com")
    text = """
    [storages.images]
    uri = "memory://"
    prefix = "inside"
    public_url = "https://${CDN}/images/"
    read_only = true
    [storages.scratch]
    uri = "memory://"
    prefix = "inside"
    public_url = "https://scratch.example.com"
    [storages.avatars]
    of = "images"
    prefix = "avatars"
    [storages.other]
    of = "images"
    prefix = "other"
    public_url = "https://other.example.com"
    """
    images, scratch, avatars, other = load(write("a.toml", text))
    assert images.public_url_of("a b") == "https://cdn.example.com/images/a%20b"
    assert scratch.public_url_of("a") == "https://scratch.example.com/a"
    assert avatars.public_url_of("a") == "https://cdn.example.com/images/avatars/a"
    assert other.public_url_of("a") == "https://other.example.com/a"
    [storage] = load({"A_STORAGE_URI": "memory://", "A_STORAGE_PUBLIC_URL": "https://cdn.example.com"})
    assert storage.public_url_of("a") == "https://cdn.example.com/a"
    with pytest.raises(ConfigurationError, match="public_url must be a whole address"):
        load({"A_STORAGE_URI": "memory://", "A_STORAGE_PUBLIC_URL": "cdn.example.com"})


def test_a_check_does_not_ask_the_application(registry):
    """What it tries are the services; the application need not run."""
    configure({**MEMORY, "signed_urls": TABLE}, registry=registry)
    found = check(registry).storages["docs"]
    assert (found.ok, found.outcome("sign"), found.outcome("upload")) == (True, "lacks", "lacks")


def test_s22_the_secret_is_in_no_repr(registry):
    """Not in that of the registry, nor of what signs."""
    configure({**MEMORY, "signed_urls": TABLE}, registry=registry)
    assert SECRET not in repr([registry, registry.signed_urls, registry.signed_urls.keys, registry.all()])
