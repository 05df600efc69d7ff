"""The guide on testing: each of its blocks is a test file that passes."""

import re
from pathlib import Path

import pytest

from tests.kit.test_plugin import outcome

GUIDE = Path(__file__).parents[2] / "docs" / "testing.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: re.findall(r"def (test_\w+)", block)[0])
def test_a_block_is_a_test_file(tmp_path: Path, block: str) -> None:
    """As many tests pass as it has."""
    status, output = outcome(tmp_path, block)
    assert status == 0, output
    assert f"{len(re.findall(r'def test_', block))} passed" in output
