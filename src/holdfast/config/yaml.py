"""YAML, with PyYAML (the extra ``yaml``)."""

from __future__ import annotations

from typing import Any

from holdfast.errors import MissingExtraError

try:
    import yaml
except ImportError as missing:
    message = 'configurations in YAML need a package: pip install "holdfast[yaml]"'
    raise MissingExtraError(message) from missing


def parse(text: str) -> Any:
    """Return what a document holds.

    Raises:
        ValueError: It is not YAML.
    """
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        # Its own text quotes the line, which may hold a secret.
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}: " if mark else ""
        reason = f"{place}{getattr(error, 'problem', None) or 'it is not YAML'}"
        raise ValueError(reason) from None
