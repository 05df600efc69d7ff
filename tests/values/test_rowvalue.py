"""Parsing a row's JSON: never anything but the ten fields or one error, whatever the row holds."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.errors import InvalidValueError
from holdfast.keys import validate_key
from holdfast.rowvalue import FIELDS, check_metadata, parse

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4)
)
TEXTS = st.none() | st.text(max_size=20) | st.sampled_from(["../x", "/x", "a/b.txt"])
NEARLY = st.fixed_dictionaries(
    {"backend": st.just("docs") | JSON, "filename": st.just("a.txt") | TEXTS},
    optional={
        "to_filename": TEXTS,
        "content_type": TEXTS,
        "size": st.integers() | SCALARS,
        "last_modified": st.floats() | SCALARS,
        "checksum": TEXTS,
        "etag": TEXTS,
        "version_id": TEXTS,
        "metadata": JSON,
        "else": JSON,
    },
)


@given(JSON | NEARLY)
def test_s6_any_json(value: object) -> None:
    """It is parsed into exactly the ten fields, which can be written again, or refused with one error."""
    try:
        fields = parse(value)
    except InvalidValueError:
        return
    assert tuple(fields) == FIELDS
    assert isinstance(fields["backend"], str)
    validate_key(fields["to_filename"])
    assert fields["size"] is None or 0 <= fields["size"] < 2**63
    assert json.loads(json.dumps(fields, allow_nan=False)) == fields
    assert parse(fields) == fields


@given(st.dictionaries(st.text(max_size=9), JSON, max_size=4))
def test_metadata_is_json(metadata: dict[str, object]) -> None:
    """What passes can be written as JSON without NaN; what fails has a reason."""
    try:
        check_metadata(metadata)
    except InvalidValueError as error:
        assert "metadata" in str(error)  # noqa: PT017
    else:
        json.dumps(metadata, allow_nan=False)


@pytest.mark.parametrize(
    "metadata", [{1: "a"}, {"a": {None: 1}}, {"a": object()}, {"a": b"x"}, {"a": {1, 2}}, None, [], "a"]
)
def test_what_json_cannot_hold(metadata: object) -> None:
    """Python values that only look like JSON are refused before they get near a database."""
    with pytest.raises(InvalidValueError, match="metadata"):
        check_metadata(metadata)


def test_metadata_of_sensible_size() -> None:
    """Depth 30 and 60,000 characters pass; depth 40 and 70,000 do not."""
    check_metadata({"a": "b" * 60_000})
    deep: object = 1
    for _ in range(30):
        deep = {"a": deep}
    check_metadata(deep)
    for _ in range(10):
        deep = [deep]
    for metadata in ({"a": deep}, {"a": "b" * 70_000}, {"a": list(range(70_000))}):
        with pytest.raises(InvalidValueError):
            check_metadata(metadata)


def test_metadata_that_holds_itself() -> None:
    """A cycle is an error, not an endless loop."""
    metadata: dict[str, object] = {}
    metadata["self"] = metadata
    with pytest.raises(InvalidValueError):
        check_metadata(metadata)
