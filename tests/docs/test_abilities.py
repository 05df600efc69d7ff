"""The table of abilities is what the drivers declare."""

import runpy
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "services" / "abilities.md"


def test_the_table_is_up_to_date() -> None:
    """A driver that can do more, or less, shows in the documentation."""
    made = runpy.run_path(str(PAGE.with_suffix(".py")))["table"]()
    assert PAGE.read_text(encoding="utf-8") == made, "run `make abilities`"
