"""``module:name``: importing what the user names, with errors that show what to write."""

from __future__ import annotations

import difflib
import sys
import traceback
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable


def search_in(folders: Iterable[Path]) -> None:
    """Let modules be found in these folders, first of all."""
    wanted = list(dict.fromkeys(str(folder) for folder in folders))
    sys.path[:] = wanted + [entry for entry in sys.path if entry not in wanted]


def load(reference: str, what: str) -> Any:
    """Return the object that ``module:name`` stands for.

    Args:
        reference: As the user wrote it; the name may have dots.
        what: Where it was written, for the message: ``"--app"``.

    Raises:
        ConfigurationError: It names nothing, or its module cannot be imported.
    """
    module_name, colon, names = reference.partition(":")
    if not (module_name and colon and names):
        message = f"{what} {reference!r} is not of the form module:name, such as shop.models:Base"
        raise ConfigurationError(message)
    found: Any = _module(module_name, what)
    for name in names.split("."):
        if not hasattr(found, name):
            near = difflib.get_close_matches(name, [each for each in dir(found) if not each.startswith("_")], 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            place = f"module {module_name!r}" if isinstance(found, ModuleType) else f"{found!r:.80}"
            message = f"{what} {reference!r}: {place} has no {name!r}{hint}"
            raise ConfigurationError(message)
        found = getattr(found, name)
    return found


def _module(name: str, what: str) -> ModuleType:
    try:
        return import_module(name)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name and f"{name}.".startswith(f"{error.name}."):
            message = f"{what}: there is no module {error.name!r} in {Path.cwd()}, nor where Python looks for modules"
            raise ConfigurationError(message) from None
        message = f"{what}: importing {name!r} failed: {failure(error)}"
        raise ConfigurationError(message) from error


def failure(error: Exception) -> str:
    """Return what an exception of the application says, and which of its lines raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if Path(frame.filename).is_relative_to(Path.cwd())] or frames
    place = f" ({own[-1].filename}, line {own[-1].lineno})" if own else ""
    return f"{type(error).__name__}: {error}{place}"
