"""Entity tags: every storage's become legal ones, and only the same ones are the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.http import parse_etags, unquote_etag

from holdfast.serving.etags import entity_tag, is_same, lists_equivalent, lists_same

TAGS = st.builds(lambda weak, text: f'{weak}"{text}"', st.sampled_from(["", "W/"]), st.text("ab,*!/W\\", min_size=1))
LISTS = st.lists(TAGS, min_size=1, max_size=5)
COMMAS = st.sampled_from([",", ", ", " ,\t", ",,", ", ,"])


@pytest.mark.parametrize(
    ("stored", "tag"),
    [
        ('"9a0364b9e99bb480dd25e1f0284c8555-2"', '"9a0364b9e99bb480dd25e1f0284c8555-2"'),
        ("9a0364b9e99bb480dd25e1f0284c8555", '"9a0364b9e99bb480dd25e1f0284c8555"'),
        ("0x8DCB1B2A3C4D5E6", '"0x8DCB1B2A3C4D5E6"'),
        ("CNDq0eXr9IYDEAE=", '"CNDq0eXr9IYDEAE="'),
        ("5-6a-7b", '"5-6a-7b"'),
        ("a,b\\c", '"a,b\\c"'),
        ("*", '"*"'),
        ('W/"abc"', 'W/"abc"'),
        ('w/"abc"', 'W/"abc"'),
        ("W/abc", 'W/"abc"'),
        (None, None),
        ("", None),
        ('""', None),
        ("W/", None),
        ('W/""', None),
    ],
)
def test_a_tag(stored, tag):
    """It is quoted once, a weak one stays weak, and nothing is no tag."""
    assert entity_tag(stored) == tag


@pytest.mark.parametrize(
    "stored",
    ["a b", 'a"b', '"', '"a', 'a"', "a\r\nX-Evil: 1", "\0", "é", "\U0001f600", "\ud800", "\x7f", "a" * 129, " "],
)
def test_a_text_that_cannot_stand_in_a_header(stored):
    """It becomes a digest: legal, short, the same each time, and another one for another text."""
    tag = entity_tag(stored)
    assert tag == entity_tag(stored)
    assert tag != entity_tag(stored + "x")
    assert len(tag) == 66
    assert tag.isascii()
    assert tag.isprintable()


@given(st.text(st.characters(exclude_categories=())))
def test_any_tag_is_legal(stored):
    """Werkzeug takes the tag out of its quotes, and making it legal again changes nothing."""
    tag = entity_tag(stored)
    assert entity_tag(tag) == tag
    if tag is not None:
        opaque, weak = unquote_etag(tag)
        assert tag == f'{"W/" * weak}"{opaque}"'
        assert all("!" <= character <= "~" and character != '"' for character in opaque)


@pytest.mark.parametrize(
    ("one", "other", "strong", "weak"),
    [  # the table of RFC 9110 §8.8.3.2
        ('W/"1"', 'W/"1"', False, True),
        ('W/"1"', 'W/"2"', False, False),
        ('W/"1"', '"1"', False, True),
        ('"1"', '"1"', True, True),
    ],
)
def test_the_two_comparisons(one, other, strong, weak):
    """Only strong tags promise the same bytes."""
    assert is_same(one, other) is is_same(other, one) is lists_same(one, other) is strong
    assert lists_equivalent(one, other) is lists_equivalent(other, one) is weak


@pytest.mark.parametrize("header", ["*", '"a"', '"b", "a"', '"b","a"', ' ,, "a" , ', '"b"\t,\t"a"', 'W/"b", "a"'])
def test_a_tag_in_a_list(header):
    """It is found wherever it stands; an asterisk stands for any."""
    assert lists_same(header, '"a"')
    assert lists_equivalent(header, '"a"')


@pytest.mark.parametrize(
    "header",
    [
        "",
        ",",
        "a",
        "'a'",
        '"a',
        'a"',
        '"A"',
        '"b" "a"',
        '"b""a"',
        '*, "a"',
        '"a", *',
        'w/"a"',
        'W/ "a"',
        '"a";q=1',
        '"é"x',
    ],
)
def test_a_tag_that_is_not_listed(header):
    """What is no list of tags, to the letter, lists nothing."""
    assert not lists_same(header, '"a"')
    assert not lists_equivalent(header, '"a"')


@pytest.mark.parametrize("header", ['"a"', '""', "", "None"])
def test_a_file_without_a_tag(header):
    """It is in no list, but there is a file: an asterisk matches."""
    assert not lists_same(header, None)
    assert not lists_equivalent(header, None)
    assert lists_same("*", None)
    assert lists_equivalent("*", None)


@given(LISTS, COMMAS, TAGS)
def test_as_werkzeug_compares(tags, comma, tag):
    """An independent reader finds the same tags in a list, by both comparisons."""
    header, opaque = comma.join(tags), unquote_etag(tag)[0]
    theirs = parse_etags(header)
    assert lists_equivalent(header, tag) is theirs.contains_weak(opaque)
    if not tag.startswith("W/"):  # it is told no more than the text of a tag, and takes that for a strong one
        assert lists_same(header, tag) is theirs.is_strong(opaque)


@given(st.text() | st.text('"W/,* a\xe9'))
def test_any_list(header):
    """It lists a tag or not; a weak one is never the same as anything."""
    assert lists_equivalent(header, '"a"') >= lists_same(header, '"a"')
    assert lists_equivalent(header, 'W/"a"') == lists_equivalent(header, '"a"')
    assert header == "*" or not lists_same(header, 'W/"a"')
