"""Putting Holdfast's names in the place of the library's, wherever they are bound, and taking them out again."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

from advanced_alchemy.utils.serialization import DEFAULT_TYPE_ENCODERS
from sqlalchemy import event
from sqlalchemy.orm import Mapper, mapperlib

import holdfast.file
from holdfast.backends.base import StorageBackend
from holdfast.contrib.advanced_alchemy import backends, column, file, listeners, originals, registry
from holdfast.errors import ConfigurationError
from holdfast.file_schema import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_HERE = __name__.rpartition(".")[0]
_lock = threading.Lock()
_installed = False

_REPLACED: tuple[tuple[Any, Any], ...] = (
    (originals.FileObject, file.FileObject),
    (originals.FileObjectList, file.FileObjectList),
    (originals.StoredObject, column.StoredObject),
    (originals.StorageRegistry, registry.StorageRegistry),
    (originals.storages, registry.storages),
    (originals.ObstoreBackend, backends.ObstoreBackend),
    *([(originals.FSSpecBackend, backends.FSSpecBackend)] if originals.FSSpecBackend else []),
)


def install() -> None:
    """Make the files of advanced-alchemy Holdfast's, in this process; once is enough, more often does no harm.

    Call it before models are defined, in every process that has them: workers and migrations, too. Storages that
    were registered with the library before stay registered.

    Raises:
        ConfigurationError: Models with the library's own column type are there already; the message names them. Or
            a storage that was registered cannot be one of Holdfast's. Nothing is replaced then.

    Example:
        ::

            from holdfast.contrib import advanced_alchemy

            advanced_alchemy.install()
    """
    global _installed  # noqa: PLW0603
    with _lock:
        if _installed:
            return
        event.listen(Mapper, "after_mapper_constructed", _refuse_later)
        try:
            _refuse({mapper for each in mapperlib._all_registries() for mapper in each.mappers})
            registry.storages.adopt(originals.storages._registry.values())
        except BaseException:
            event.remove(Mapper, "after_mapper_constructed", _refuse_later)
            raise
        originals.StorageBackend.register(StorageBackend)
        listeners.step_aside()
        _rebind({id(theirs): ours for theirs, ours in _REPLACED})
        _annotate()
        DEFAULT_TYPE_ENCODERS[holdfast.file.FileObject] = shown  # Litestar's answers, by the library's plugin
        _installed = True


def uninstall() -> None:
    """Give the library its own names back, for tests; storages and models that were made meanwhile stay Holdfast's."""
    global _installed  # noqa: PLW0603
    with _lock:
        if not _installed:
            return
        _rebind({id(ours): theirs for theirs, ours in _REPLACED})
        listeners.come_back()
        del DEFAULT_TYPE_ENCODERS[holdfast.file.FileObject]
        event.remove(Mapper, "after_mapper_constructed", _refuse_later)
        _installed = False


def _rebind(new: Mapping[int, Any]) -> None:
    """Replace objects in the namespaces of all modules: the library's, and those that imported from it."""
    for name, module in list(sys.modules.items()):
        if not f"{name}.".startswith(f"{_HERE}."):
            names = getattr(module, "__dict__", {})  # whatever it is: anything may be put there
            for bound, value in list(names.items()):
                if id(value) in new:
                    names[bound] = new[id(value)]


def _annotate() -> None:
    """Let declarative bases that exist already know the new classes, as they know the old ones."""
    for each in mapperlib._all_registries():
        if originals.FileObject in each.type_annotation_map:
            kinds: dict[Any, Any] = dict.fromkeys((file.FileObject, file.FileObjectList), column.StoredObject)
            each.update_type_annotation_map(kinds)


def _refuse_later(mapper: Mapper[Any], _: type[Any]) -> None:
    _refuse([mapper])


def _refuse(mappers: Iterable[Mapper[Any]]) -> None:
    names = sorted(
        f"{mapper.class_.__module__}.{mapper.class_.__qualname__}"
        for mapper in mappers
        if any(isinstance(each.type, originals.StoredObject) for each in mapper.columns)
    )
    if names:
        message = (
            f"{', '.join(names)}: made with the StoredObject of advanced-alchemy itself. Call "
            "holdfast.contrib.advanced_alchemy.install() before the modules with models are imported"
        )
        raise ConfigurationError(message)
