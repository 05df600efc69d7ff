"""Configurations with a table for each storage: files, and mappings of the same form.

``[storages.documents]`` is the storage ``documents``; ``[[storage.backends]]`` is one that says its name, ``key``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.config.forms.described import Described
from holdfast.errors import ConfigurationError
from holdfast.names import check_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAMES = ("storage", "storages")
_EXAMPLE = 'write [storages.documents] with uri = "s3://bucket/" below it, or [[storage.backends]] with key and uri'


def described_in(data: Mapping[Any, Any], place: str) -> list[Described]:
    """Return the storages of a configuration, each as it is written.

    Raises:
        ConfigurationError: There are none, or they are not tables.
    """
    found = [*_below("storages", data.get("storages"), place), *_below_backends(data.get("storage"), place)]
    if not found:
        message = f"{place} names no storage: {_EXAMPLE}"
        raise ConfigurationError(message)
    return found


def _below_backends(section: Any, place: str) -> Iterator[Described]:
    if section is None:
        return iter(())
    if not isinstance(section, dict):
        message = f"{place}: storage must be a table with backends in it; {_EXAMPLE}"
        raise ConfigurationError(message)
    for name in section:
        try:
            check_name(str(name), ("backends", "signed_urls"), "[storage]")
        except ConfigurationError as error:
            message = f"{place}: {error} (A storage of that name is written [storages.{name}].)"
            raise ConfigurationError(message) from None
    return _below("storage.backends", section.get("backends"), place)


def _below(name: str, section: Any, place: str) -> Iterator[Described]:
    if section is None:
        return
    if isinstance(section, dict):
        for key, table in section.items():
            yield _described(key, table, f"{name}.{key}", place)
    elif isinstance(section, list):
        for number, table in enumerate(section, 1):
            where = f"{name}, number {number}"
            if not isinstance(table, dict) or not table.get("key"):
                message = f'{place}: {where} needs a name, key = "documents"'
                raise ConfigurationError(message)
            yield _described(table["key"], {each: table[each] for each in table if each != "key"}, where, place)
    else:
        message = f"{place}: {name} must be a table, or a list of tables; {_EXAMPLE}"
        raise ConfigurationError(message)


def _described(key: Any, table: Any, where: str, place: str) -> Described:
    if not isinstance(key, str) or not key:
        message = f"{place}: the name of {where} must be text, not {key!r:.40}"
        raise ConfigurationError(message)
    if isinstance(table, str):
        table = {"uri": table}
    if not isinstance(table, dict) or not all(isinstance(name, str) for name in table):
        message = f'{place}: {where} must be a table such as {{ uri = "s3://bucket/" }}'
        raise ConfigurationError(message)
    if table.get("key", key) != key:
        # Not shown: it may be an access key.
        message = f"{place}: {where} says another name for itself, key. (An option goes into options = {{ key = … }}.)"
        raise ConfigurationError(message)
    return Described(key, {name: table[name] for name in table if name != "key"}, place)
