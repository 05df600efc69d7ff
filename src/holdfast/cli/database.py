"""The application's database, given by a URL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.ext.asyncio import create_async_engine

from holdfast.errors import ConfigurationError
from holdfast.maintenance.database import Database

if TYPE_CHECKING:
    from sqlalchemy import URL


def open_url(text: str, what: str) -> Database:
    """Return the database of a URL, for async drivers too.

    Raises:
        ConfigurationError: It is not a URL, or its driver is not installed. The URL is not shown: it may hold a
            password.
    """
    try:
        url = make_url(text)
        engine: Any = create_async_engine(url) if url.get_dialect().is_async else create_engine(url)
    except ArgumentError as error:
        message = f"{what} is not a database URL such as postgresql+psycopg://user@host/name"
        if isinstance(error, NoSuchModuleError):
            message = f"{what}: SQLAlchemy has no database {url.drivername!r}{_hint(url)}"
        raise ConfigurationError(message) from None
    except ModuleNotFoundError as error:
        message = f"{what}: the driver of {url.drivername!r} is missing: pip install {error.name}"
        raise ConfigurationError(message) from error
    return Database(engine, what)


def _hint(url: URL) -> str:
    return "; write postgresql://" if url.drivername == "postgres" else ""
