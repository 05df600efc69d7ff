"""The page about errors names each class, with its base."""

import re
from pathlib import Path

from holdfast import errors

PAGE = (Path(__file__).parents[2] / "docs" / "errors.md").read_text()
ROWS = dict(re.findall(r"^\| `(\w+)` \| `(\w+)` \|", PAGE, re.MULTILINE))


def test_every_error_is_on_the_page() -> None:
    """None is missing, and none is invented."""
    found = {name for name, kind in vars(errors).items() if getattr(kind, "__module__", "") == errors.__name__}
    assert {name for name in found if name.endswith("Error")} == {*ROWS, "HoldfastError"}


def test_the_page_tells_what_they_also_are() -> None:
    """The second column is a base class."""
    for name, base in ROWS.items():
        kind = getattr(errors, name)
        assert base in {each.__name__ for each in kind.__mro__[1:]}, name
