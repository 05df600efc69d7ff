"""What ``pyproject.toml`` says under ``[tool.holdfast]``."""

from __future__ import annotations

import difflib
import tomllib
from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

_NAMES = ("app", "engine", "setup", "storages")


class Settings(NamedTuple):
    """Where the application is.

    Attributes:
        folder: Where the file lies; None without one.
        app: References to declarative bases or MetaData.
        engine: Reference to the engine.
        setup: Reference to a callable that registers the storages.
        storages: The configuration that describes the storages.
    """

    folder: Path | None = None
    app: tuple[str, ...] = ()
    engine: str | None = None
    setup: str | None = None
    storages: Path | None = None


def read_settings(start: Path) -> Settings:
    """Return the section of the nearest ``pyproject.toml`` that has one, from `start` upwards.

    Raises:
        ConfigurationError: The file, or the section, cannot be understood.
    """
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        if path.is_file():
            try:
                section = tomllib.loads(path.read_text(encoding="utf-8")).get("tool", {}).get("holdfast")
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                message = f"{path} is not valid TOML: {error}"
                raise ConfigurationError(message) from None
            if section is not None:
                return _settings(path, section)
    return Settings()


def _settings(path: Path, section: dict[str, Any]) -> Settings:
    for name in section:
        if name not in _NAMES:
            near = difflib.get_close_matches(name, _NAMES, 1) or [", ".join(_NAMES)]
            message = f"{path}: [tool.holdfast] has no setting {name!r}; there is {near[0]}"
            raise ConfigurationError(message)
    app = section.get("app", [])
    references = [app] if isinstance(app, str) else app
    singles = [section[name] for name in ("engine", "setup") if name in section]
    if not isinstance(references, list) or not all(isinstance(each, str) for each in [*references, *singles]):
        message = f'{path}: the settings of [tool.holdfast] are texts such as app = "shop.models:Base", app also a list'
        raise ConfigurationError(message)
    return Settings(
        path.parent, tuple(references), section.get("engine"), section.get("setup"), _storages(path, section)
    )


def _storages(path: Path, section: dict[str, Any]) -> Path | None:
    """Return the file that describes the storages: the one that is named, or this one itself."""
    storages = section.get("storages")
    if storages is None:
        return None
    return path.parent / storages if isinstance(storages, str) else path
