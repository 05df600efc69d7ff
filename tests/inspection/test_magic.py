"""libmagic, asked where the table says little."""

import subprocess
import sys

import pytest

from holdfast import inspection
from holdfast.inspection import magic
from tests.inspection.samples import GIF, HTML, MARKUP, SAMPLES

IMPULSE_TRACKER = b"IMPM" + b"a song".ljust(26, b"\0") + bytes(100)
MISSING = """
import sys
sys.modules["magic"] = None
from holdfast.errors import MissingExtraError
try:
    import holdfast.inspection.magic
except MissingExtraError as error:
    assert "holdfast[magic]" in str(error)
else:
    raise SystemExit("imported")
"""


def test_formats_that_the_table_does_not_know() -> None:
    """The library does."""
    assert inspection.sniff(IMPULSE_TRACKER) is None
    assert magic.sniff(IMPULSE_TRACKER) == "audio/x-mod"


@pytest.mark.parametrize(
    ("head", "kind"), [*MARKUP.values(), (GIF, "image/gif"), (HTML, "text/html"), (b"", "text/plain")]
)
def test_s11_what_the_table_knows_stays(head: bytes, kind: str) -> None:
    """The library takes some of this for plain text."""
    assert magic.sniff(head) == kind


@pytest.mark.parametrize("name", ["zip", "docx", "odt", "gzip", "ole", "text", "zeros"])
def test_containers_stay_what_they_are(name: str) -> None:
    """An answer counts only if it is a special case of what the table has found."""
    head, kind = SAMPLES[name]
    assert magic.sniff(head) == kind


def test_without_the_extra() -> None:
    """The error says what to install."""
    subprocess.run([sys.executable, "-c", MISSING], check=True, timeout=60)
