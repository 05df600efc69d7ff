"""Which options are secrets."""

import re

import pytest

from holdfast.backends import azure_options, gcs_options, s3_options
from holdfast.config import check
from holdfast.config.forms.secret_names import is_secret

LIKE_SECRETS = re.compile("key|secret|token|pass|sas|sig|cred|connection|account")
PUBLIC = {
    s3_options: {
        "access_key_id",
        "skip_signature",
        "unsigned_payload",
        "sse_bucket_key_enabled",
        "sse_kms_key_id",
        "web_identity_token_file",
    }
    | {"container_authorization_token_file", "container_credentials_full_uri", "container_credentials_relative_uri"},
    gcs_options: {"application_credentials", "service_account", "service_account_path", "skip_signature"},
    azure_options: {"account_name", "credential_type", "federated_token_file", "fabric_token_service_url"}
    | {"skip_signature"},
}
"""What sounds like a secret and is none: names, paths, switches."""


@pytest.mark.parametrize("module", PUBLIC, ids=lambda module: module.VOCABULARY.service)
def test_every_option_that_sounds_like_a_secret(module):
    """It is one, under every name, or is listed here."""
    vocabulary = module.VOCABULARY
    for name in vocabulary.names | set(vocabulary.aliases):
        if LIKE_SECRETS.search(name) and name not in PUBLIC[module]:
            assert {prefix + name for prefix in vocabulary.prefixes} <= vocabulary.secret_names, name
        if name in PUBLIC[module]:
            assert not is_secret([name]), name
    assert vocabulary.secrets <= vocabulary.names
    assert all(is_secret([name]) for name in vocabulary.secret_names)


@pytest.mark.parametrize("name", ["password", "passphrase", "client_secret", "key_password", "Authorization", "secret"])
def test_options_of_other_services(name):
    """As file systems of fsspec call them."""
    assert is_secret(["options", name])


def test_the_name_of_a_key():
    """A key that the service keeps is named in the open."""
    assert is_secret(["azure_encryption_key"])
    assert not is_secret(["object_settings", "encryption_key"])


@pytest.mark.parametrize(
    "value",
    ["Y2FuYXJ5", "${HOLDFAST_NONE:-Y2FuYXJ5}", {"env": "HOLDFAST_NONE", "default": "Y2FuYXJ5"}],
    ids=["plain", "default in a text", "default"],
)
def test_defaults_are_pointed_out(value):
    """A default in place of a secret is one that stands in the configuration; it does not show."""
    table = {"uri": "az://c/", "account_name": "a", "azure_storage_access_key": value, "regoin": "Y2FuYXJ5"}
    report = check({"storages": {"docs": table}})
    (note,) = report.storages["docs"].notes
    assert note.startswith("azure_storage_access_key stands in the configuration in plain text")
    assert "Y2FuYXJ5" not in str(report.to_dict())
