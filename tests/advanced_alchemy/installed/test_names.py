"""Every name of the library, wherever it is bound, is Holdfast's."""

import importlib
import pkgutil
import sys
from typing import Any, get_origin

import advanced_alchemy
import advanced_alchemy.types
import pytest
from advanced_alchemy import base
from advanced_alchemy.repository import _util
from advanced_alchemy.types import file_object
from advanced_alchemy.types.file_object import base as file_base
from advanced_alchemy.types.file_object import data_type, file, registry, session_tracker
from advanced_alchemy.types.file_object.backends import fsspec, obstore

import holdfast
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.contrib import advanced_alchemy as adapter
from holdfast.contrib.advanced_alchemy import originals
from holdfast.orm.filelist import FileList
from tests import companions

# What only some machines have, and what runs when it is imported.
LEFT_OUT = ("extensions.sanic", "extensions.fastapi.cli", "extensions.litestar.cli", "__main__", "alembic.templates")
KEPT = {"StorageBackend"}  # an interface: classes that applications made of it before stay what they are


def everything() -> list[Any]:
    """Return all modules of the library that can be imported here."""
    found = []
    for each in pkgutil.walk_packages(advanced_alchemy.__path__, "advanced_alchemy."):
        if not any(name in each.name for name in LEFT_OUT):
            try:
                found.append(importlib.import_module(each.name))
            except ImportError:
                continue
    return found


def theirs(module: Any) -> list[str]:
    """Return the names in a module that are still the library's own."""
    own = [value for name, value in vars(originals).items() if name in originals.__all__ and name not in KEPT]
    return [name for name, value in vars(module).items() if any(value is each for each in own)]


@pytest.mark.filterwarnings("ignore")
def test_no_name_is_left() -> None:
    """In all of the library, also in what is imported later, and in modules that had imported from it."""
    modules = everything()
    assert len(modules) > 80
    assert {module.__name__: theirs(module) for module in (*modules, companions)} == {
        module.__name__: [] for module in (*modules, companions)
    }


def test_what_the_names_are() -> None:
    """The classes are Holdfast's own, and the registry holds what Holdfast's holds."""
    assert issubclass(file_object.FileObject, holdfast.FileObject)
    assert issubclass(file_object.StoredObject, holdfast.StoredObject)
    assert issubclass(get_origin(file_object.FileObjectList), FileList)
    assert issubclass(obstore.ObstoreBackend, ObstoreBackend)
    assert issubclass(fsspec.FSSpecBackend, FSSpecBackend)
    assert issubclass(holdfast.StorageBackend, file_object.StorageBackend)
    assert file_object.storages._registry is holdfast.storages._backends
    assert file_object.StorageRegistry() is file_object.storages


def test_one_class_under_each_name() -> None:
    """Each name is the same thing in every module that has it."""
    places = (file_object, advanced_alchemy.types, file_base, data_type, file, registry, session_tracker, base, _util)
    for name in ("FileObject", "FileObjectList", "StoredObject", "StorageRegistry", "storages"):
        assert len({id(vars(place)[name]) for place in places if name in vars(place)}) == 1, name


def test_their_registries_know_the_classes() -> None:
    """A column is annotated without a type, as with the library."""
    kinds = base.orm_registry.type_annotation_map
    assert kinds[file_object.FileObject] is kinds[file_object.FileObjectList] is file_object.StoredObject
    assert base.create_registry().type_annotation_map[file_object.FileObject] is file_object.StoredObject


def test_once_more() -> None:
    """A second call changes nothing."""
    before = file_object.FileObject
    adapter.install()
    assert file_object.FileObject is before
    assert sys.modules["advanced_alchemy.types.file_object"] is file_object
