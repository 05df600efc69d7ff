"""Storages over others of the same configuration, which they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.config.forms.numbers import whole_number
from holdfast.config.forms.places import PLACES, text_in
from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_WAYS = ("of", "mirror", "gradual")
_GRADUAL = 'gradual = { new = "cloud", old = "disk" }'


class Over(NamedTuple):
    """On which storages another one stands.

    Attributes:
        of: The storage that it is a part of, or another view of.
        mirror: The storages that it writes to, the one that decides first.
        require: Copies without which a put of a mirror fails.
        gradual: The storage that it moves to, and the one that it comes from.
    """

    of: str | None = None
    mirror: tuple[str, ...] = ()
    require: int = 1
    gradual: tuple[str, str] | None = None

    @property
    def parts(self) -> tuple[str, ...]:
        """The storages that are used through this one alone."""
        return self.mirror or self.gradual or ()


def over_in(table: Mapping[str, Any], options: Mapping[str, Any]) -> Over | None:
    """Return on which storages one stands; None if it is one of its own.

    Raises:
        ConfigurationError: It cannot be understood, or says two things.
    """
    place = next((way for way in _WAYS if way in table), None)
    if place is None:
        if "require" in table:
            message = "require goes with mirror"
            raise ConfigurationError(message)
        return None
    for name in [*(each for each in (*PLACES, "type", "driver") if each in table and each != place), *options]:
        message = f"{place} names another storage, which has its own {name}"
        raise ConfigurationError(message)
    return Over(_of(table), _mirror(table), whole_number(table.get("require", 1), "require"), _gradual(table))


def _of(table: Mapping[str, Any]) -> str | None:
    if "of" not in table:
        return None
    if name := text_in(table, "of"):
        return name
    message = 'of must name another storage, such as of = "documents"'
    raise ConfigurationError(message)


def _mirror(table: Mapping[str, Any]) -> tuple[str, ...]:
    names = table.get("mirror")
    if names is None:
        return ()
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        message = 'mirror must be a list of storages, such as mirror = ["main", "backup"]'
        raise ConfigurationError(message)
    return tuple(names)


def _gradual(table: Mapping[str, Any]) -> tuple[str, str] | None:
    names = table.get("gradual")
    if names is None:
        return None
    if not isinstance(names, dict) or names.keys() != {"new", "old"} or not all(map(_is_name, names.values())):
        message = f"gradual must name two storages, such as {_GRADUAL}"
        raise ConfigurationError(message)
    return names["new"], names["old"]


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value)
