"""The type of a file, told from its first bytes."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from holdfast.inspection import HEAD_SIZE, sniff
from tests.inspection.samples import GIF, HTML, MARKUP, PDF, PNG, SAMPLES


@pytest.mark.parametrize(("head", "kind"), SAMPLES.values(), ids=SAMPLES)
def test_s11_formats_are_told_from_their_bytes(head: bytes, kind: str | None) -> None:
    """Each format by what its files begin with."""
    assert sniff(head) == kind


@pytest.mark.parametrize(("head", "kind"), MARKUP.values(), ids=MARKUP)
def test_s11_markup_is_found_where_it_hides(head: bytes, kind: str) -> None:
    """Behind marks, blanks and comments, in UTF-16, or by nothing but a namespace."""
    assert sniff(head) == kind


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"GIF89a/*" + GIF[8:] + b"*/=1;alert(1)", "image/gif"),
        (b"GIF89a/*text only*/=1;alert(1)", "image/gif"),
        (b"GIF89a<?php system($_GET['x']);?>", "image/gif"),
        (PDF + HTML, "application/pdf"),
        (HTML + PDF, "text/html"),
    ],
    ids=["GIF and script", "GIF and script, all text", "GIF and PHP", "PDF, then HTML", "HTML, then PDF"],
)
def test_s11_a_polyglot_is_what_it_begins_as(head: bytes, kind: str) -> None:
    """No look at bytes finds the second format; what is served does not depend on it."""
    assert sniff(head) == kind


@given(st.binary(max_size=300))
@example(b"PK\x03\x04")
@example(b"RIFF")
@example(b"\0\0\0\xffftyp")
@example(b"\xff\xfe\x00")
@example(b"<!doctype [")
@example(b"<?xml")
def test_any_bytes_have_an_answer(head: bytes) -> None:
    """Whatever comes in, nothing raises."""
    assert sniff(head) is None or "/" in str(sniff(head))


@given(st.sampled_from([head for head, _ in [*SAMPLES.values(), *MARKUP.values()]]), st.data())
def test_any_cut_has_an_answer(head: bytes, data: st.DataObject) -> None:
    """A file may end anywhere."""
    sniff(head[: data.draw(st.integers(0, len(head)))])


@given(st.text(alphabet=" <>!-?[]aхml/\n", max_size=200))
def test_any_markup_has_an_answer(text: str) -> None:
    """Markup that never ends, or ends twice."""
    for encoding in ("utf-8", "utf-16"):
        assert sniff(text.encode(encoding)) is not None


@pytest.mark.parametrize(
    "unit",
    [b"<!---->", b"<!--", b"<?x?>", b"<!doctype a [", b" ", b"<a:", b"PK\x03\x04", b"a" * 7, b"<!d>", b"-->"],
)
def test_the_work_is_bounded(unit: bytes) -> None:
    """A head of nothing but the beginning of something takes no time, and more than a head is not looked at."""
    head = unit * (10 * 1024 * 1024 // len(unit))
    began = time.process_time()
    for _ in range(20):
        sniff(head)
    assert time.process_time() - began < 1


def test_what_lies_behind_the_head_does_not_count() -> None:
    """So the answer does not depend on how much was read."""
    assert sniff(b" " * HEAD_SIZE + HTML) == sniff(b" " * HEAD_SIZE) == "text/plain"
    assert sniff(memoryview(PNG)) == sniff(bytearray(PNG)) == "image/png"
