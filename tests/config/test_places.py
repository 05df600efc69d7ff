"""Where storages are: nothing climbs out of its place, and no message shows a password."""

from pathlib import Path

import pytest

from holdfast.config import load
from holdfast.errors import ConfigurationError


def loaded(**table):
    """Return the storage of a table."""
    return load({"storages": {"docs": table}})[0]


@pytest.mark.parametrize("prefix", ["../outside", "a/../../b", "a\\b", "./a"])
@pytest.mark.parametrize(
    "table",
    [
        {"uri": "file:///srv/up"},
        {"type": "local", "path": "/srv/up"},
        {"uri": "file:///srv/up", "driver": "fsspec"},
        {"uri": "s3://b/"},
        {"uri": "memory://"},
        {"type": "memory"},
        {"type": "sftp", "path": "/srv", "host": "h"},
        {"uri": "sftp://h/srv"},
    ],
)
def test_a_prefix_that_climbs(table, prefix):
    """It is refused, whatever the place."""
    with pytest.raises(ConfigurationError, match=r"storage 'docs' .*prefix cannot be used"):
        loaded(**table, prefix=prefix)


@pytest.mark.parametrize("form", ["uri", "path", "fsspec"])
def test_a_prefix_is_taken_as_it_is(tmp_path, form):
    """In a URL of a file %41 would be an A."""
    table = {"type": "local", "path": str(tmp_path)} if form == "path" else {"uri": tmp_path.as_uri()}
    driver = {"driver": "fsspec"} if form == "fsspec" else {}
    loaded(**table, **driver, prefix="/a%41#?/").put("b.txt", b"bytes")
    assert (tmp_path / "a%41#?" / "b.txt").read_bytes() == b"bytes"


def test_a_prefix_on_the_web(plain_http):
    """There neither."""
    folder = Path(plain_http.folder) / "a%41"
    folder.mkdir()
    (folder / "b.txt").write_bytes(b"bytes")
    assert loaded(uri=plain_http.address, prefix="a%41", allow_http=True).read("b.txt") == b"bytes"


@pytest.mark.parametrize("uri", ["user:canary@host/x", "canary:pw", "x" * 50 + "canary"])
def test_a_uri_without_a_scheme(uri):
    """It may hold a password, and is not shown then."""
    with pytest.raises(ConfigurationError, match="uri needs a scheme") as caught:
        loaded(uri=uri)
    assert "canary" not in str(caught.value)


def test_a_password_in_a_url():
    """Whatever shows the URL, shows it without."""
    with pytest.raises(ConfigurationError) as caught:
        loaded(uri="s4://user:canary@host/x")
    assert "canary" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="http://user:…@host"):
        loaded(uri="memory://", max_concurrency="http://user:canary@host")


@pytest.mark.parametrize(
    ("storages", "complaint"),
    [
        ({"a": {"mirror": []}}, "mirror must be a list of storages"),
        ({"a": {"of": ""}}, "of must name another storage"),
        (
            {"a": {"mirror": ["b", "bakcup"]}, "b": "memory://", "backup": "memory://"},
            "'bakcup', which is no storage of this configuration; did you mean 'backup'",
        ),
        ({"a": {"of": "x", "prefix": "p"}, "b": "memory://"}, "'x', which is no storage .*; there are 'a', 'b'"),
    ],
)
def test_storages_over_others(storages, complaint):
    """What they name exists."""
    with pytest.raises(ConfigurationError, match=f"storage 'a' .*{complaint}"):
        load({"storages": storages})


def test_an_access_key_named_key():
    """s3fs has an option of the name that a table gives itself: it is not shown, and the cure is."""
    with pytest.raises(ConfigurationError, match=r"options = { key = … }") as caught:
        loaded(fs="s3", prefix="b", key="AKIACANARY")
    assert "CANARY" not in str(caught.value)
