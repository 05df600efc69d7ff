"""Signed tokens: what was signed comes back, and nothing else is taken, however it was made."""

import base64
import hmac
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import ConfigurationError, InvalidTokenError
from holdfast.tokens import LONGEST_TOKEN, TokenKeys

SECRET = "a secret that nobody else knows"
NOW = 1_800_000_000
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
KEYS = TokenKeys(SECRET)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
REFUSED = pytest.raises(InvalidTokenError)


def token(*fields: str, purpose: str = "test", expires_at: int = NOW + 60, keys: TokenKeys = KEYS) -> str:
    """Sign."""
    return keys.sign(purpose, fields, expires_at=expires_at)


def read(text: str, purpose: str = "test", now: float = NOW, keys: TokenKeys = KEYS) -> list[str]:
    """Read."""
    return keys.read(purpose, text, now=now)


def unpadded(data: bytes) -> str:
    """Return base64 as tokens have it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def with_right_signature(payload: bytes) -> str:
    """Return a token for any bytes, as only the holder of the secret can make it."""
    return unpadded(payload + hmac.digest(SECRET.encode(), payload, "sha256"))


def framed(*fields: bytes) -> bytes:
    """Return fields as a payload has them."""
    return b"".join(len(field).to_bytes(4, "big") + field for field in fields)


@given(st.lists(TEXTS, max_size=6), TEXTS, st.integers(NOW + 1, NOW + 7 * 24 * 3600))
def test_what_was_signed_comes_back(fields: list[str], purpose: str, expires_at: int) -> None:
    """Any texts, also empty ones and those that look like other fields."""
    assert read(token(*fields, purpose=purpose, expires_at=expires_at), purpose) == fields


def test_a_token_is_one_part_of_a_url() -> None:
    """It needs no quoting anywhere."""
    assert set(token("é", "x" * 300)) <= set(ALPHABET)


def test_s16_the_signature_is_hmac_sha256_over_fields_with_their_lengths() -> None:
    """The form is fixed: processes of two releases read each other's tokens."""
    payload = framed(b"test", b"1800000060", b"a", "é".encode())
    assert token("a", "é") == with_right_signature(payload)


def test_s16_every_bit() -> None:
    """No bit of a token can be changed."""
    data = base64.urlsafe_b64decode(token("GET", "docs", "a/b") + "==")
    for place in range(len(data) * 8):
        changed = bytearray(data)
        changed[place // 8] ^= 1 << place % 8
        with REFUSED:
            read(unpadded(changed))


def test_s16_every_character() -> None:
    """Nor any character, not even to one that decodes to the same bytes."""
    text = token("GET", "docs")
    for place, character in enumerate(text):
        for other in ALPHABET + "=+/ \n.é":
            if other != character:
                with REFUSED:
                    read(text[:place] + other + text[place + 1 :])


@pytest.mark.parametrize("more", ["=", "==", "A", "AA", "\n", " ", "-", "%3D", "\x00"])
def test_s16_more_characters(more: str) -> None:
    """A token has one form; base64 alone would pass over some of these."""
    text = token("GET")
    for other in (text + more, more + text, text[:9] + more + text[9:]):
        with REFUSED:
            read(other)


def test_s16_every_length() -> None:
    """A token that was cut, at either end, is none."""
    text = token("GET", "docs")
    for length in range(len(text)):
        with REFUSED:
            read(text[:length])
        with REFUSED:
            read(text[len(text) - length :])


@pytest.mark.parametrize(
    "text", ["", ".", "é" * 60, "🦊", "\ud800" * 60, "A" * 42, "A" * 43, "A" * 44, "A" * LONGEST_TOKEN]
)
def test_s16_no_token_at_all(text: str) -> None:
    """Empty, not ASCII, nothing but a signature: each is refused as the same error."""
    with REFUSED:
        read(text)


@pytest.mark.parametrize("signature", [b"", b"\x00" * 31, b"\x00" * 32, b"\xff" * 32, b"\x00" * 33])
def test_s16_another_signature(signature: bytes) -> None:
    """Empty, short, long, or of zeros."""
    payload = framed(b"test", b"1800000060", b"a")
    with REFUSED:
        read(unpadded(payload + signature))


def test_s16_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused before anything is computed, and never made."""
    monkeypatch.setattr("holdfast.tokens.hmac.digest", lambda *_: pytest.fail("computed"))
    with REFUSED:
        read("A" * (LONGEST_TOKEN + 4))
    monkeypatch.undo()
    with pytest.raises(ConfigurationError, match=str(LONGEST_TOKEN)):
        token("x" * LONGEST_TOKEN)
    room = LONGEST_TOKEN * 3 // 4 - 32 - len(framed(b"test", b"1800000060", b""))
    assert read(token("x" * room)) == ["x" * room]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["ab", "c"], ["a", "bc"]),
        (["a", "b"], ["b", "a"]),
        (["a", ""], ["a"]),
        (["a", "a"], ["a"]),
        (["a\x00\x00\x00\x01b"], ["a", "b"]),
        (["60", "x"], ["x", "60"]),
    ],
)
def test_s16_fields_swapped_moved_and_doubled(one: list[str], other: list[str]) -> None:
    """No two lists of fields have one payload, so that one's signature is never the other's."""
    first, second = (base64.urlsafe_b64decode(token(*fields) + "==") for fields in (one, other))
    assert first[:-32] != second[:-32]
    with REFUSED:
        read(unpadded(first[:-32] + second[-32:]))


def test_s16_the_purpose_is_no_field() -> None:
    """A token for one thing is none for another, nor is a field taken for the purpose."""
    for signed, asked in [
        ("upload", "url"),
        ("url", "upload"),
        ("", "url"),
        ("url", ""),
        ("url ", "url"),
        ("URL", "url"),
    ]:
        with REFUSED:
            read(token("x", purpose=signed), asked)
    with REFUSED:
        read(with_right_signature(framed(b"1800000060", b"test", b"x")))


def test_s16_expiry() -> None:
    """To the second; and what would be valid for longer than is allowed is refused, whoever signed it."""
    keys = TokenKeys(SECRET, max_age=100)
    assert read(token(expires_at=NOW + 100), keys=keys) == []
    assert read(token(expires_at=NOW + 1), now=NOW + 0.5) == []
    for expires_at, now in [(NOW, NOW), (NOW - 1, NOW), (0, NOW), (NOW + 101, NOW), (NOW + 1, NOW + 1)]:
        with REFUSED:
            read(token(expires_at=expires_at), now=now, keys=keys)
    with pytest.raises(InvalidTokenError, match="expired"):
        KEYS.read("test", token(expires_at=int(time.time()) - 1))
    assert KEYS.read("test", token(expires_at=int(time.time()) + 60)) == []


@pytest.mark.parametrize(
    "expiry",
    [
        b"", b"soon", b"-1", b"+1800000060", b" 1800000060", b"1800000060\n", b"1_800_000_060", b"01800000060", b"1e12",
        b"1800000060.0", b"nan", b"inf", b"0x6b49d23c", "１８０００００060".encode(), b"9" * 16, b"9" * 5000,
    ],
)  # fmt: skip
def test_s16_an_expiry_that_is_no_number(expiry: bytes) -> None:
    """Text, signs, other digits, far too many: an invalid token, also with the right signature."""
    with REFUSED:
        read(with_right_signature(framed(b"test", expiry, b"x"))[:LONGEST_TOKEN])


@pytest.mark.parametrize(
    "payload",
    [
        b"\x00", b"\x00\x00\x00", b"\x00\x00\x00\x05test", b"\xff\xff\xff\xfftest", framed(b"test"), framed(),
        framed(b"test", b"1800000060") + b"\x00\x00\x00\x01", framed(b"test", b"1800000060") + b"\x00",
        framed(b"test", b"1800000060", b"\xff"), framed(b"\xff", b"1800000060"),
        framed(b"test", b"1800000060", b"\xed\xa0\x80"),
    ],
)  # fmt: skip
def test_s16_a_malformed_payload_with_the_right_signature(payload: bytes) -> None:
    """Nobody makes these; should somebody, the error is still the one that everybody catches."""
    with REFUSED:
        read(with_right_signature(payload))


@given(st.binary(max_size=200))
def test_s16_any_payload_with_the_right_signature(payload: bytes) -> None:
    """It is read or refused, nothing else happens."""
    with suppress(InvalidTokenError):
        assert all(isinstance(field, str) for field in read(with_right_signature(payload)))


@given(st.text(max_size=200))
def test_s16_any_text(text: str) -> None:
    """Nothing that was not signed is a token."""
    with REFUSED:
        read(text)


def test_s16_rotation() -> None:
    """The newest secret signs, the older ones are accepted until they are taken away."""
    old, new = TokenKeys("old" * 10), TokenKeys("new" * 10)
    both = TokenKeys(["new" * 10, "old" * 10])
    assert read(token("x", keys=old), keys=both) == ["x"]
    assert read(token("x", keys=both), keys=new) == ["x"]
    for signed, keys in [(both, old), (old, new), (new, old)]:
        with REFUSED:
            read(token("x", keys=signed), keys=keys)


def test_bytes_are_a_secret_as_well() -> None:
    """They are the same as their text."""
    assert read(token("x", keys=TokenKeys(SECRET.encode()))) == ["x"]


@pytest.mark.parametrize(
    "secrets",
    ["", "short and known", b"15 bytes of it.", [], [""], ["x" * 16, "short"], None, 5, [None], [5, 5], {"x" * 16: 1}],
)
def test_secrets_that_are_none(secrets: object) -> None:
    """Too short, missing (an unset variable), of another type: an error when it is declared, without the secret."""
    with pytest.raises(ConfigurationError, match="16 bytes or more") as caught:
        TokenKeys(secrets)
    assert "short" not in str(caught.value)
    assert "15 bytes" not in str(caught.value)


def test_a_field_that_is_no_text() -> None:
    """A lone surrogate has no bytes."""
    with pytest.raises(ConfigurationError, match="surrogate"):
        token("\ud800")


def test_s22_no_secret_and_no_token_is_shown() -> None:
    """Not in a repr, and in no error."""
    assert SECRET not in repr(KEYS)
    text = token("canary", purpose="canaries", expires_at=NOW - 1)
    for asked, now in [("test", NOW), ("canaries", NOW), ("canaries", 0)]:
        with REFUSED as caught:
            read(text, asked, now)
        assert "canar" not in str(caught.value)
        assert text not in str(caught.value)
