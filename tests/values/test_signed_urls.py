"""Holdfast's own signed URLs: what they allow comes back, and they lead where they should."""

from time import time
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import ConfigurationError, InvalidTokenError
from holdfast.signed_urls import Grant, SignedURLs

SECRET = "a secret that nobody else knows"
URLS = SignedURLs("https://app.example.com/files/", SECRET)
LATER = int(time()) + 3600
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
GRANTS = st.builds(
    Grant,
    st.sampled_from(["GET", "PUT"]),
    TEXTS,
    TEXTS,
    st.just(LATER),
    st.none() | TEXTS,
    st.none() | TEXTS,
    st.none() | st.integers(0, 2**62),
    st.none() | TEXTS,
    st.booleans(),
)


def token_of(url: str) -> str:
    """Return the token in a URL."""
    return url.split("/")[-2]


@given(GRANTS)
def test_s16_a_grant_comes_back(grant: Grant) -> None:
    """Every field of it, with none and empty kept apart."""
    assert URLS.read(token_of(URLS.url(grant)), grant.method) == grant


@given(GRANTS, GRANTS)
def test_s16_two_grants_have_two_urls(one: Grant, other: Grant) -> None:
    """Every field is signed."""
    assert (URLS.url(one) == URLS.url(other)) == (one == other)


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("asked", ["GET", "PUT", "get", "", "HEAD", "DELETE", "GET "])
def test_s16_another_method(method: str, asked: str) -> None:
    """A URL is for one method."""
    token = token_of(URLS.url(Grant(method, "docs", "a", LATER)))
    if asked == method:
        assert URLS.read(token, asked).key == "a"
    else:
        with pytest.raises(InvalidTokenError):
            URLS.read(token, asked)


FIELDS = ["=GET", "=docs", "=a", f"={LATER}", "", "", "", "", "=0"]


def test_s16_fields_as_they_are_signed() -> None:
    """The form is fixed: processes of two releases read each other's URLs."""
    url = URLS.url(Grant("GET", "docs", "a", LATER))
    assert token_of(url) == URLS.keys.sign("holdfast-url", FIELDS, expires_at=LATER)


@pytest.mark.parametrize(
    "fields",
    [
        [], FIELDS[:-1], [*FIELDS, "=0"], [*FIELDS, ""], [*FIELDS, *FIELDS], FIELDS[::-1],
        ["=GET", "=docs", "xa", *FIELDS[3:]], ["GET", *FIELDS[1:]],
        ["=DELETE", *FIELDS[1:]], ["", *FIELDS[1:]], ["=GET", "", *FIELDS[2:]], ["=GET", "=docs", "", *FIELDS[3:]],
        [*FIELDS[:3], "", *FIELDS[4:]], [*FIELDS[:3], "=soon", *FIELDS[4:]], [*FIELDS[:3], "=-1", *FIELDS[4:]],
        [*FIELDS[:6], "=", *FIELDS[7:]], [*FIELDS[:6], "=-1", *FIELDS[7:]], [*FIELDS[:6], "=1_0", *FIELDS[7:]],
        [*FIELDS[:6], "=" + "9" * 30, *FIELDS[7:]], [*FIELDS[:6], "=٣", *FIELDS[7:]],
        [*FIELDS[:8], ""], [*FIELDS[:8], "=2"], [*FIELDS[:8], "=True"],
    ],
)  # fmt: skip
def test_s16_a_grant_that_is_none_with_the_right_signature(fields: list[str]) -> None:
    """Too few fields, doubled ones, others: an invalid token, nothing else."""
    for method in ("GET", "PUT", "DELETE"):
        with pytest.raises(InvalidTokenError):
            URLS.read(URLS.keys.sign("holdfast-url", fields, expires_at=LATER), method)


def test_s16_a_token_for_something_else() -> None:
    """An upload ticket is no URL, although it has the same secret."""
    with pytest.raises(InvalidTokenError):
        URLS.read(URLS.keys.sign("ticket", FIELDS, expires_at=LATER), "GET")


def test_s16_clocks_that_differ() -> None:
    """The longest URL works at once also on a host whose clock is somewhat slow; none works for longer."""
    now = int(time())
    for seconds, works in ((7 * 24 * 3600, True), (7 * 24 * 3600 + 600, False)):
        token = URLS.url(Grant("GET", "docs", "a", now + seconds)).split("/")[-2]
        for late in (0, 60):
            if works:
                assert URLS.keys.read("holdfast-url", token, now=now - late)
            else:
                with pytest.raises(InvalidTokenError):
                    URLS.keys.read("holdfast-url", token, now=now - late)


def test_s16_rotation() -> None:
    """URLs from before a rotation work on."""
    old = SignedURLs("https://h", "old" * 10).url(Grant("GET", "docs", "a", LATER))
    assert SignedURLs("https://h", ["new" * 10, "old" * 10]).read(token_of(old), "GET").key == "a"


@pytest.mark.parametrize("key", ["a", "2025/é 🦊.png", "a/%2F", "a/?b#c", "x/;=&+ ,'\"<>"])
def test_the_last_part_is_the_name(key: str) -> None:
    """So that a URL can be read; whatever it is, it is one part."""
    url = URLS.url(Grant("GET", "docs", key, LATER))
    assert url.isascii()
    base, _, name = url.rsplit("/", 2)
    assert (base, unquote(name)) == ("https://app.example.com/files", key.rpartition("/")[2])
    assert not set("?#;&=+") & set(name)


@pytest.mark.parametrize(
    "base_url",
    ["https://h", "https://h/", "http://localhost:8000/a/b/", "HTTPS://H/x", "https://[::1]:8443/files"],
)
def test_addresses(base_url: str) -> None:
    """With or without a path, a port, a slash at the end."""
    assert URLS.base_url == "https://app.example.com/files"
    assert SignedURLs(base_url, SECRET).url(Grant("GET", "d", "k", LATER)).startswith(base_url.rstrip("/") + "/")


@pytest.mark.parametrize(
    "base_url",
    [
        "", "/files", "files", "h/files", "//h/files", "ftp://h", "https://", "https:///files", "https://h?x=canary",
        "https://h/?", "https://h#canary", "https://h/#", "https://user:canary@h/files", "https://canary@h", "https://h:x",
        "https://h:99999", "https://[::1", "https://h/a b", "https://h/\n", "\nhttps://h", "https://h/é", None, 5, b"https://h",
    ],
)  # fmt: skip
def test_s22_what_is_no_address(base_url: object) -> None:
    """It is an error when it is declared, and is not shown: it may hold a password."""
    with pytest.raises(ConfigurationError, match=r"base_url='https://example\.com/files'") as caught:
        SignedURLs(base_url, SECRET)
    assert "canary" not in str(caught.value)


def test_s22_nothing_secret_is_shown() -> None:
    """Of the secret, nothing is in the repr."""
    assert repr(URLS) == "<SignedURLs 'https://app.example.com/files'>"


def test_too_long_for_a_url() -> None:
    """A key and headers that no server would take are an error when the URL is made."""
    with pytest.raises(ConfigurationError, match="too long"):
        URLS.url(Grant("GET", "docs", "a", LATER, None, "attachment; " + "x" * 9000))
