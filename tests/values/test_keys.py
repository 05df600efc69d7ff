"""Keys: fresh ones sort by time and cannot be guessed, and no client's name makes a key that climbs."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holdfast.errors import InvalidKeyError
from holdfast.keys import (
    clean_label,
    clean_name,
    default_key,
    find_id,
    id_time,
    new_id,
    validate_generated_key,
    validate_key,
)

HOSTILE = [
    "../../etc/passwd",
    "..\\..\\x",
    "/etc/passwd",
    "C:\\x",
    "a/../b",
    ".",
    "..",
    "",
    "x\0.png",
    "%2e%2e%2f",
    "....//",
    "CON",
    "a.",
    "a\u2215b",
    "a\u202egnp.exe",
    "\ud800",
    "a" * 10_000,
    "é" * 10_000 + ".png",
    "~root",
    "-rf",
    "a\r\nX-Evil: 1",
    "*",
    "[a-z]",
    "{a,b}",
    "?",
    "\u2024\u2024/x",
    "．．／x",
]
NAMES = st.text(st.characters(exclude_categories=()), max_size=200) | st.sampled_from(HOSTILE)
SEGMENTS = st.lists(st.sampled_from(["a", "..", ".", "", "b\\c", "\0", "ü", "x" * 300]), max_size=5)


def each_hostile(test):
    """Try each hostile name, then arbitrary ones."""
    for name in HOSTILE:
        test = example(name)(test)
    return test


@each_hostile
@given(NAMES)
def test_s1_a_cleaned_name_is_safe(filename: str) -> None:
    """Letters, digits, _ . and -, at most 80, never a dot name, an option or a hidden file."""
    name = clean_name(filename)
    assert re.fullmatch(r"[A-Za-z0-9_.-]{1,80}", name)
    assert name[0] not in ".-_"
    assert ".." not in name


@each_hostile
@given(NAMES)
def test_s1_a_default_key_is_valid(filename: str) -> None:
    """Whatever the name, the key is a valid one of three folders and a file."""
    key = default_key(new_id(), filename)
    assert validate_generated_key(key) == key
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/[0-9a-z]{29}-[A-Za-z0-9_.-]+", key)


@each_hostile
@given(NAMES)
def test_a_label_can_be_shown_and_stored(filename: str) -> None:
    """No control character, no surrogate, a bounded length, and UTF-8."""
    label = clean_label(filename)
    assert not {unicodedata.category(each) for each in label} & {"Cc", "Cs"}
    assert len(label) == min(len(filename), 1024)
    label.encode()
    assert clean_label(label) == label


def test_a_long_label_keeps_its_extension() -> None:
    """What is cut is the end of the stem."""
    assert clean_label("a" * 5000 + ".tar.gz").endswith("aaa.gz")
    assert clean_label("a" * 5000) == "a" * 1024
    assert clean_label("é 🎉.png") == "é 🎉.png"


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("Plan.PDF", "Plan.PDF"),
        ("../../etc/Été (1).pdf", "Ete-1.pdf"),
        ("C:\\Users\\me\\Plan B.docx", "Plan-B.docx"),
        ("archive.tar.gz", "archive.tar.gz"),
        ("noextension", "noextension"),
        ("日本語.png", "file.png"),
        ("日本語", "file"),
        ("...", "file"),
        ("ﬁne.txt", "fine.txt"),
    ],
)
def test_what_is_left_of_a_name(filename: str, name: str) -> None:
    """The last part of a path, without accents, and with its extension."""
    assert clean_name(filename) == name


@given(st.integers(0, 2**47), st.integers(0, 2**47))
def test_ids_sort_by_time(first: int, second: int) -> None:
    """Ids of different milliseconds sort like their times, which can be read back."""
    one, two = new_id(first / 1000), new_id(second / 1000)
    if id_time(one) != id_time(two):
        assert (one < two) == (first < second)
    assert id_time(one) == pytest.approx(first / 1000, abs=0.002)
    assert len(one) == 29


def test_s1_ids_cannot_be_guessed() -> None:
    """Of one millisecond's ids none repeats, and every bit of the random part moves."""
    ids = [new_id(0) for _ in range(2000)]
    assert len(set(ids)) == 2000
    random = [each[10:] for each in ids]  # 19 characters of 5 bits: 95 bits, and one in the tenth
    assert all(len({each[position] for each in random}) > 4 for position in range(19))


@given(st.text("abcxyz/_.-", max_size=40))
def test_find_id(rest: str) -> None:
    """The id of a key is found wherever a scheme put it."""
    identifier = new_id()
    assert find_id(f"{rest}/{identifier}-a.txt") == identifier
    assert find_id(f"{rest}.{identifier}") == identifier
    assert find_id(rest) is None
    assert find_id(f"a{identifier}") is None


@pytest.mark.parametrize(
    "key", ["a", "reports/2025.pdf", "a b/ü🎉.txt", "a" * 255, "/".join(["a" * 127] * 8), "..a/b.."]
)
def test_valid_keys(key: str) -> None:
    """What people name objects."""
    assert validate_key(key) == key


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("", "empty"),
        ("/etc/passwd", "absolute"),
        ("../x", "climbs"),
        ("a/../../x", "climbs"),
        ("..", "climbs"),
        ("a//b", "empty segment"),
        ("a/", "empty segment"),
        ("./a", "empty segment"),
        ("a\\b", "backslash"),
        ("a\0", "control"),
        ("a\nb", "control"),
        ("\udc80", "surrogate"),
        ("a" * 1025, "longer than 1024"),
        ("é" * 600, "longer than 1024"),
        ("a" * 256, "segment longer"),
        ("a" * 10_000_000, "longer than 1024"),
    ],
)
def test_invalid_keys(key: str, reason: str) -> None:
    """Each is refused with its reason, in a message of bounded length."""
    with pytest.raises(InvalidKeyError, match=reason) as refused:
        validate_key(key)
    assert len(str(refused.value)) < 400


@given(SEGMENTS.map("/".join) | NAMES)
def test_s3_what_is_valid_stays_inside(key: str) -> None:
    """Joined to a root, a valid key never leaves it, and is stored under its own name."""
    try:
        validate_key(key)
    except InvalidKeyError:
        return
    parts = key.split("/")
    assert not {"", ".", ".."} & set(parts)
    assert not set(key) & {"\\", "\0"}
    assert max(len(part.encode()) for part in parts) <= 255


@pytest.mark.parametrize("key", ["ü", "a b", "a%2e", "a:b", "a*"])
def test_s1_generated_keys_are_plain(key: str) -> None:
    """What the library makes has fewer characters than what a caller may name."""
    validate_key(key)
    with pytest.raises(InvalidKeyError):
        validate_generated_key(key)
