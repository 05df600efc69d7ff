"""Errors that SQLAlchemy passes on as they are, instead of inside a StatementError that prints the parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.exc import DontWrapMixin

if TYPE_CHECKING:
    from holdfast.errors import HoldfastError

_kinds: dict[type[HoldfastError], type[HoldfastError]] = {}


def refused(error: HoldfastError) -> HoldfastError:
    """Return the same error, in the form that reaches the user unwrapped."""
    kind = type(error)
    if kind not in _kinds:
        names = {"__module__": kind.__module__, "__doc__": kind.__doc__}
        _kinds[kind] = type(kind.__name__, (kind, DontWrapMixin), names)
    return _kinds[kind](*error.args)
