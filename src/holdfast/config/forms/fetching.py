"""Asking the application's own function for a secret."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Any

from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable


def fetch(secrets: Callable[[str], Any] | None, name: str) -> Any:
    """Return a secret; None where there is none.

    Raises:
        ConfigurationError: There is no function, or it failed. The error neither shows nor holds what that raised,
            since a client may put what it received into its exceptions.
    """
    if secrets is None:
        message = (
            f"it needs the secret {name!r}: pass a function that returns it by its name, configure(…, secrets=fetch)"
        )
        raise ConfigurationError(message)
    failure = ""
    try:
        found = secrets(name)
    except Exception as error:  # noqa: BLE001  # of a client of any service
        failure = type(error).__name__
    if failure:  # raised out here, where the error has no context
        message = f"fetching the secret {name!r} failed with {failure}"
        raise ConfigurationError(message)
    if inspect.isawaitable(found):
        if inspect.iscoroutine(found):
            found.close()
        message = f"the function for secrets is async: pass one that returns the secret {name!r} itself"
        raise ConfigurationError(message)
    return found.decode(errors="replace") if isinstance(found, bytes) else found


def pick(found: Any, field: str) -> Any:
    """Return one field of a mapping, or of JSON; None if it is not there, or empty."""
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except (ValueError, RecursionError):
            return None
    value = found.get(field) if hasattr(found, "get") else None
    return None if value == "" else value
