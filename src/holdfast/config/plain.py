"""Settings objects as plain values: mappings, lists, text."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from enum import Enum
from typing import Any


def fields_of(source: Any) -> dict[str, Any] | None:
    """Return the fields of a dataclass or a model of pydantic; None of anything else.

    They are asked for one by one: a model may leave fields out of a dump, or mask them there.
    """
    kind = type(source)
    if dataclasses.is_dataclass(kind):
        return {field.name: getattr(source, field.name, None) for field in dataclasses.fields(kind)}
    if not hasattr(kind, "model_fields"):
        return None
    names = [*kind.model_fields, *getattr(kind, "model_computed_fields", ())]
    found = {name: getattr(source, name, None) for name in names} | (getattr(source, "model_extra", None) or {})
    if getattr(kind, "__pydantic_root_model__", False) and isinstance(found["root"], Mapping):
        return dict(found["root"])
    return found


class Plain:
    """Makes values plain. What it does not know it leaves alone: whoever takes such a value refuses it.

    Attributes:
        secrets: Texts that a class of pydantic hid.
    """

    def __init__(self) -> None:
        self.secrets: set[str] = set()
        self._made: dict[int, tuple[Any, Any]] = {}

    def value(self, value: Any) -> Any:
        """Return a plain value; what stands in several places is made once."""
        if isinstance(value, Enum):
            return self.value(value.value)
        if isinstance(value, (str, bytes, bool, int, float, type(None), type)):
            return value
        if id(value) not in self._made:
            self._made[id(value)] = value, value  # what holds itself
            self._made[id(value)] = value, self._plain(value)
        return self._made[id(value)][1]

    def _plain(self, value: Any) -> Any:
        if hasattr(value, "get_secret_value"):
            secret = self.value(value.get_secret_value())
            self.secrets |= {secret} if isinstance(secret, str) else set()
            return secret
        if isinstance(value, Mapping):
            return {name: self.value(each) for name, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(each) for each in value]
        if isinstance(value, os.PathLike) or hasattr(value, "unicode_string"):  # a path, or a URL of pydantic
            return os.fsdecode(value) if isinstance(value, os.PathLike) else str(value)
        if not callable(value) and (fields := fields_of(value)) is not None:
            return {name: self.value(each) for name, each in fields.items()}
        return value
