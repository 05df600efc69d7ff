"""Finding the application: its tables, its storages, its database."""

from __future__ import annotations

import asyncio
import inspect
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import MetaData
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import configure_mappers

from holdfast.cli.database import open_url
from holdfast.cli.references import failure, load, search_in
from holdfast.cli.settings import Settings, read_settings
from holdfast.config import configure
from holdfast.errors import ConfigurationError, HoldfastError
from holdfast.maintenance.database import Database

if TYPE_CHECKING:
    from collections.abc import Sequence

_NO_APP = """which application? Give --app module:name (a declarative base or MetaData), or write in pyproject.toml:

  [tool.holdfast]
  app = "shop.models:Base"
  engine = "shop.db:engine\""""
_NO_DATABASE = (
    "which database? Give --engine module:name (an engine or a factory of sessions), --database URL or the "
    'environment variable DATABASE_URL, or write engine = "shop.db:engine" under [tool.holdfast] in pyproject.toml'
)


class Application(NamedTuple):
    """What the commands work on.

    Attributes:
        metadata: The tables.
        database: Where they are.
    """

    metadata: list[MetaData]
    database: Database


def open_application(
    app: Sequence[str], engine: str | None, database: str | None, settings: Settings | None = None
) -> Application:
    """Import the application and return its tables and database; options go before ``pyproject.toml``.

    Args:
        app: References to the tables.
        engine: Reference to the engine.
        database: URL of the database, instead.
        settings: What holds where there is no ``pyproject.toml``.

    Raises:
        ConfigurationError: Something is not named, or not found.
    """
    if engine and database:
        message = "--engine and --database name two databases: give one of them"
        raise ConfigurationError(message)
    settings = _settings(settings)
    references = _references(app, settings)
    if not references:
        raise ConfigurationError(_NO_APP)
    metadata = [_metadata(reference, what) for reference, what in references]
    _configure()
    _register(settings)
    return Application(list(dict.fromkeys(metadata)), _database(engine, database, settings.engine))


def register_storages(app: Sequence[str]) -> bool:
    """Import the application for the storages that it registers; return whether there was anything to import.

    Raises:
        ConfigurationError: Something is not found.
    """
    settings = _settings()
    references = _references(app, settings)
    for reference, what in references:
        load(reference, what)
    _register(settings)
    return bool(references or settings.setup or settings.storages)


def _register(settings: Settings) -> None:
    if settings.storages:
        configure(settings.storages)
    if settings.setup:
        _set_up(settings.setup)


def worker_application(
    app: Sequence[str], engine: str | None, database: str | None, settings: Settings
) -> tuple[Database, list[MetaData]]:
    """Open the application in a worker, where the settings of the one who sent the work hold if it has none."""
    return open_application(app, engine, database, settings)[::-1]


def _settings(otherwise: Settings | None = None) -> Settings:
    settings = read_settings(Path.cwd())
    if settings.folder is None and otherwise is not None:
        settings = otherwise
    search_in([Path.cwd(), *([settings.folder] if settings.folder else [])])
    return settings


def _references(app: Sequence[str], settings: Settings) -> list[tuple[str, str]]:
    return [(each, "--app") for each in app] or [(each, "app in pyproject.toml") for each in settings.app]


def _metadata(reference: str, what: str) -> MetaData:
    found = load(reference, what)
    metadata = getattr(found, "metadata", found)
    if not isinstance(metadata, MetaData):
        message = f"{what} {reference!r} is neither a declarative base nor a MetaData but {found!r:.80}"
        raise ConfigurationError(message)
    return metadata


def _configure() -> None:
    """Let SQLAlchemy work out the models now, where a slip in them can be told from trouble with the database."""
    try:
        configure_mappers()
    except SQLAlchemyError as error:
        message = f"the models do not fit together: {error}"
        raise ConfigurationError(message) from error


def _set_up(reference: str) -> None:
    what = "setup in pyproject.toml"
    call = load(reference, what)
    if not callable(call):
        message = f"{what}: {reference!r} is not callable"
        raise ConfigurationError(message)
    try:
        result: Any = call()
        if inspect.iscoroutine(result):
            asyncio.run(result)
    except HoldfastError:
        raise
    except Exception as error:
        message = f"{what}: {reference!r} failed: {failure(error)}"
        raise ConfigurationError(message) from error


def _database(engine: str | None, url: str | None, configured: str | None) -> Database:
    if url:
        return open_url(url, "--database")
    if engine:
        return Database(load(engine, "--engine"), f"--engine {engine!r}")
    if configured:
        what = "engine in pyproject.toml"
        return Database(load(configured, what), what)
    if variable := os.environ.get("DATABASE_URL"):
        return open_url(variable, "DATABASE_URL")
    raise ConfigurationError(_NO_DATABASE)
