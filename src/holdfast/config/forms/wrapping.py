"""What is put around a storage, and how it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.backends.options import switch
from holdfast.config.forms.numbers import seconds, whole_number
from holdfast.errors import ConfigurationError
from holdfast.names import check_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WRAPPERS = ("limits", "cache", "read_only")


class Limits(NamedTuple):
    """How long and how often an operation is tried; None leaves it to the library.

    Attributes:
        retries: Further attempts after one that failed.
        timeout: Seconds without progress after which an attempt is given up.
    """

    retries: int | None = None
    timeout: float | None = None


class Cache(NamedTuple):
    """Copies on a local disk, see `holdfast.backends.wrappers.CachedBackend`.

    Attributes:
        folder: Where they are kept.
        max_bytes: How much they may take.
        max_object_bytes: Larger objects are not kept.
    """

    folder: str
    max_bytes: int
    max_object_bytes: int | None = None


class Wrappers(NamedTuple):
    """Wrappers of one storage.

    Attributes:
        limits: Retries and timeouts.
        cache: Copies of what was read.
        read_only: Whether writes are refused.
    """

    limits: Limits = Limits()
    cache: Cache | None = None
    read_only: bool = False


def wrappers_in(table: Mapping[str, Any]) -> Wrappers:
    """Return the wrappers that a storage's table asks for.

    Raises:
        ConfigurationError: One cannot be understood.
    """
    read_only = switch("read_only", table.get("read_only", False))
    return Wrappers(_limits(table.get("limits")), _cache(table.get("cache")), read_only)


def _limits(table: Any) -> Limits:
    given = _given("limits", table, Limits._fields, "{ retries = 5, timeout = 30 }")
    retries, timeout = given.get("retries"), given.get("timeout")
    return Limits(
        None if retries is None else whole_number(retries, "retries", least=0),
        None if timeout is None else seconds(timeout, "timeout"),
    )


def _cache(table: Any) -> Cache | None:
    example = '{ folder = "/var/cache/app", max_bytes = 1_000_000_000 }'
    given = _given("cache", table, Cache._fields, example)
    if not given:
        return None
    if not {"folder", "max_bytes"} <= given.keys() or not isinstance(given["folder"], str):
        message = f"cache needs a folder and a size: cache = {example}"
        raise ConfigurationError(message)
    sizes = {name: whole_number(given[name], name, least=0) for name in Cache._fields[1:] if name in given}
    return Cache(given["folder"], **sizes)


def _given(name: str, table: Any, known: Sequence[str], example: str) -> dict[str, Any]:
    if table is None:
        return {}
    if not isinstance(table, dict):
        message = f"{name} must be a table such as {example}, not {type(table).__name__}"
        raise ConfigurationError(message)
    found = {each: value for each, value in table.items() if value is not None}
    for each in found:
        check_name(each, known, name)
    return found
