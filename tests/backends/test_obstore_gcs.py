"""Google Cloud Storage through obstore: the documented options."""

import json

import pytest

from holdfast.backends.gcs_options import gcs_arguments
from holdfast.backends.obstore import ObstoreBackend
from holdfast.errors import ConfigurationError

CANARY = "CANARY-private-key"
ACCOUNT = {"type": "service_account", "client_email": "a@b", "private_key": CANARY, "private_key_id": "1"}


@pytest.fixture
def path(gcs_xml_bucket, tmp_path):
    """A service account file that names the server."""
    file = tmp_path / "service-account.json"
    file.write_text(gcs_xml_bucket.service_account)
    return file


@pytest.mark.parametrize("scheme", ["gs", "gcs"])
def test_b28_a_service_account_file(gcs_xml_bucket, path, scheme):
    """By its path, as text or as `Path`, under both schemes."""
    for value in (str(path), path):
        storage = ObstoreBackend(
            "gcs", f"{scheme}://{gcs_xml_bucket.name}/files/", google_service_account=value, google_allow_http=True
        )
        storage.put("x y/é", b"x", content_type="text/plain", metadata={"ville": "Orléans", "a": [1]})
        info = storage.stat("x y/é")
        assert (info.content_type, info.metadata) == ("text/plain", {"ville": "Orléans", "a": [1]})
        assert [found.key for found in storage.list()] == ["x y/é"]


@pytest.mark.parametrize("name", ["google_service_account_key", "service_account_key", "google_service_account"])
def test_b28_a_service_account_as_json(gcs_xml_bucket, name):
    """As text, or as the mapping that it holds."""
    text = gcs_xml_bucket.service_account
    for value in (text, json.loads(text)):
        storage = ObstoreBackend("gcs", f"gs://{gcs_xml_bucket.name}/", **{name: value}, allow_http=True)
        storage.put("x", b"x")
        assert storage.read("x") == b"x"


def test_b28_default_credentials(gcs_xml_bucket, path, monkeypatch):
    """Nothing is given: those of the environment count, asked for at the first use."""
    monkeypatch.setenv("GOOGLE_SERVICE_ACCOUNT", str(path))
    storage = ObstoreBackend("gcs", f"gs://{gcs_xml_bucket.name}/", google_service_account=None, allow_http=True)
    storage.put("x", b"x")
    monkeypatch.delenv("GOOGLE_SERVICE_ACCOUNT")
    ObstoreBackend("gcs", "gs://product-images/")


def test_b28_the_variable_of_google(path, monkeypatch):
    """`GOOGLE_APPLICATION_CREDENTIALS` may hold a service account or a user's credentials."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    given = gcs_arguments({"google_service_account": str(path), "allow_http": True})
    assert given.store == {"service_account": str(path)}
    user = path.with_name("user.json")
    user.write_text(json.dumps({"type": "authorized_user", "client_id": "x", "refresh_token": CANARY}))
    assert gcs_arguments({"google_service_account": str(user)}).store == {"application_credentials": str(user)}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("/no/such/file.json", "cannot be read: No such file"),
        (f'{{"private_key": "{CANARY}"', "is not the JSON"),
        (f'["{CANARY}"]', "cannot be read"),
        ({"type": "service_account", "private_key": CANARY}, "no client_email and no private_key_id"),
        ({"type": "external_account", "token": CANARY}, "GoogleCredentialProvider"),
        ({"type": "authorized_user", "refresh_token": CANARY}, "give its path"),
        ({**ACCOUNT, "gcs_base_url": "http://127.0.0.1:1"}, "google_allow_http=True"),
        ({**ACCOUNT, "gcs_base_url": "localhost"}, "needs a scheme"),
    ],
    ids=str,
)
def test_b28_a_wrong_service_account(value, expected):
    """It is refused when the storage is declared, and its content is not shown."""
    with pytest.raises(ConfigurationError, match=expected) as caught:
        ObstoreBackend("gcs", "gs://bucket/", google_service_account=value)
    assert caught.value.__cause__ is None
    if "cannot be read" not in expected:
        assert CANARY not in str(caught.value)


def test_b28_a_file_that_is_no_service_account(tmp_path):
    """Its content is not shown either."""
    file = tmp_path / "x.json"
    for content in (f"key={CANARY}".encode(), b"\xff\xfe", b"{}"):
        file.write_bytes(content)
        with pytest.raises(ConfigurationError, match="google_service_account") as caught:
            ObstoreBackend("gcs", "gs://bucket/", google_service_account=str(file))
        assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"google_servce_account": "x"}, "'google_service_account'"),
        ({"google_base_url": "http://127.0.0.1:4443"}, "google_allow_http=True"),
        ({"google_base_url": "localhost"}, "needs a scheme"),
        ({"google_bearer_token": f"{CANARY}\n"}, "line break"),
        ({"google_service_account_key": "/a/path.json"}, "google_service_account$"),
        ({"google_service_account": ACCOUNT, "google_service_account_key": ACCOUNT}, "give one of them"),
    ],
    ids=str,
)
def test_b31_what_gcs_is_refused(given, expected):
    """When the storage is declared, near matches shown and secrets not."""
    with pytest.raises(ConfigurationError, match=expected) as caught:
        ObstoreBackend("gcs", "gs://bucket/", **given)
    assert CANARY not in str(caught.value)


def test_the_address_in_the_environment_is_checked(monkeypatch):
    """obstore would panic at a wrong one."""  # noqa: D403
    monkeypatch.setenv("GOOGLE_BASE_URL", "localhost")
    with pytest.raises(ConfigurationError, match="GOOGLE_BASE_URL"):
        ObstoreBackend("gcs", "gs://bucket/")


def test_settings_of_gcs(gcs_xml_bucket):
    """Storage class and headers; it has neither tags nor a key to encrypt with."""
    options = {"google_service_account_key": gcs_xml_bucket.service_account, "google_allow_http": True}
    url = f"gs://{gcs_xml_bucket.name}/"
    storage = ObstoreBackend("gcs", url, **options, object_settings={"storage_class": "NEARLINE"})
    storage.put("x", b"x", object_settings={"cache_control": "no-cache"})
    headers = gcs_xml_bucket.head("x")
    assert (headers["cache-control"], headers["x-goog-storage-class"]) == ("no-cache", "NEARLINE")
    for settings in ({"tags": {"a": "b"}}, {"encryption_key": "k"}):
        with pytest.raises(ConfigurationError):
            ObstoreBackend("gcs", url, **options, object_settings=settings)
