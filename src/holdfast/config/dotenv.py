"""``.env`` files, with python-dotenv (which the extra ``settings`` brings)."""

from __future__ import annotations

from io import StringIO

from holdfast.errors import MissingExtraError

try:
    import dotenv
except ImportError as missing:
    message = 'configurations in .env files need a package: pip install "holdfast[settings]"'
    raise MissingExtraError(message) from missing


def parse(text: str) -> dict[str, str | None]:
    """Return the variables of a file, as they stand there."""
    return dict(dotenv.dotenv_values(stream=StringIO(text), interpolate=False))
