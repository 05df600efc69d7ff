"""Single names: environment variables and the like."""

import pytest

from holdfast.backends.wrappers import CachedBackend, LimitedBackend
from holdfast.config import load
from holdfast.errors import ConfigurationError


def test_limits_and_a_cache(tmp_path):
    """As JSON."""
    (storage,) = load({"PUBLIC_STORAGE_URI": "s3://b/", "PUBLIC_STORAGE_LIMITS": '{"retries": 5}'})
    assert storage.native.retry_config["max_retries"] == 5
    (storage,) = load({"STORAGE_BACKEND": "memory", "STORAGE_LIMITS": '{"timeout": 5}'})
    assert isinstance(storage, LimitedBackend)
    cache = f'{{"folder": "{tmp_path}", "max_bytes": 1000}}'
    (storage,) = load({"STORAGE_URI": "memory://", "STORAGE_CACHE": cache})
    assert isinstance(storage, CachedBackend)
    with pytest.raises(ConfigurationError, match=r'STORAGE_LIMITS is not JSON such as {"retries": 5'):
        load({"STORAGE_URI": "memory://", "STORAGE_LIMITS": "{"})


@pytest.mark.parametrize("first", [{"STORAGE_BACKEND": "memory"}, {"STORAGE_URI": "memory://"}, {"UPLOAD_DIR": "/x"}])
def test_a_slip_of_the_pen(first):
    """Beside each form a name that comes near to another one is refused."""
    with pytest.raises(ConfigurationError, match="STORAGE_OPTION says nothing; did you mean STORAGE_OPTIONS"):
        load({**first, "STORAGE_OPTION": '{"x": 1}'})


def test_b57_storage_backend_unset(tmp_path):
    """The documents' pattern takes local disk then."""
    (storage,) = load({"UPLOAD_DIR": str(tmp_path)})
    assert (storage.key, str(storage.native)) == ("default", str(tmp_path))
    (storage,) = load({"UPLOAD_DIR": "/elsewhere", "A_STORAGE_URI": "memory://"})
    assert storage.key == "a"


def test_storage_backend_forgotten():
    """Where another service is described, files do not land on the local disk."""
    with pytest.raises(ConfigurationError, match="S3_BUCKET is set, but STORAGE_BACKEND is not"):
        load({"UPLOAD_DIR": "/x", "S3_BUCKET": "b"})


def test_the_parser_s_error_is_not_kept():
    """It holds the whole text, secrets and all."""
    with pytest.raises(ConfigurationError) as caught:
        load({"STORAGE_URI": "s3://b/", "STORAGE_OPTIONS": '{"aws_secret_access_key": "canary'})
    assert caught.value.__context__ is None


def test_permission_bits(tmp_path):
    """They are octal where a form has no such numbers."""
    for mode in ("0640", "640", "0o640"):
        (storage,) = load({"STORAGE_URI": tmp_path.as_uri(), "STORAGE_OPTIONS": f'{{"mode": "{mode}"}}'})
        storage.put("a.txt", b"bytes")
        assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o640
    with pytest.raises(ConfigurationError, match="permission bits"):
        load({"STORAGE_URI": tmp_path.as_uri(), "STORAGE_OPTIONS": '{"mode": "0980"}'})
