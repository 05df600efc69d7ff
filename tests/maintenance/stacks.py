"""The models that the tests of verify and sweep share, and what they put beside them."""

import json
import os
import time
import uuid
from collections.abc import Callable
from typing import Any

from sqlalchemy import String, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from holdfast import FileObject, StorageBackend, StoredObject
from holdfast.errors import AccessDeniedError
from holdfast.keys import default_key, new_id

DAY = 24 * 3600


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "item"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="stacks"))
    pages: Mapped[list[FileObject] | None] = mapped_column(StoredObject(backend="stacks", multiple=True))
    spare: Mapped[FileObject | None] = mapped_column(StoredObject(backend="cellar"))


class Shouted(TypeDecorator[str]):
    """A type of the application's own, as a primary key."""

    impl = String(20)
    cache_ok = True

    def process_bind_param(self, value, dialect):
        """Store in small letters."""
        return value.lower()

    def process_result_value(self, value, dialect):
        """Load in capitals."""
        return value.upper()


class Box(Base):
    """A table whose primary key has two columns of odd types."""

    __tablename__ = "box"

    number: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(Shouted(), primary_key=True)
    lid: Mapped[FileObject | None] = mapped_column("cover", StoredObject(backend="stacks"))


def file(content: bytes = b"x", **fields: Any) -> FileObject:
    """Return a pending file."""
    return FileObject(**{"filename": "a.txt", "content": content} | fields)


def value(key: str, storage: str = "stacks", **fields: Any) -> str:
    """Return a row's JSON, as raw SQL would write it."""
    return json.dumps({"backend": storage, "filename": "a.txt", "to_filename": key} | fields)


def key(age: float = 0.0, name: str = "a.txt") -> str:
    """Return a fresh key of the default scheme, made some seconds ago."""
    return default_key(new_id(time.time() - age), name)


def lay(storage: StorageBackend, name: str, content: bytes = b"x", *, age: float = 0.0) -> str:
    """Put an object by hand; in a local folder it can be older than it is."""
    storage.put(name, content)
    if age:
        at = time.time() - age
        os.utime(storage.native / name, (at, at))
    return name


def keys(storage: StorageBackend) -> set[str]:
    """Return what lies in a storage."""
    return {info.key for info in storage.list()}


class Hooked:
    """A driver that lets something happen just before one of its operations, once, and refuses some keys."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self.before: dict[str, list[Callable[[], Any]]] = {}
        self.calls: list[str] = []
        self.broken: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.driver, name)

    def _happen(self, operation: str) -> None:
        self.calls.append(operation)
        for hook in self.before.pop(operation, []):
            hook()

    def _refuse(self, name: str) -> None:
        if name in self.broken:
            raise PermissionError(13, "no entry", name)

    def classify(self, error: BaseException) -> Any:
        return AccessDeniedError if isinstance(error, PermissionError) else self.driver.classify(error)

    def list(self, prefix: str, after: str | None) -> Any:
        self._happen("list")
        yield from self.driver.list(prefix, after)
        self._happen("listed")

    def stat(self, name: str) -> Any:
        self._happen("stat")
        self._refuse(name)
        return self.driver.stat(name)

    def read(self, name: str, *args: Any) -> Any:
        self._happen("read")
        self._refuse(name)
        return self.driver.read(name, *args)

    def delete(self, names: Any) -> None:
        self._happen("delete")
        for name in names:
            self._refuse(name)
        self.driver.delete(names)

    def copy(self, name: str, *args: Any) -> None:
        self._happen("copy")
        self._refuse(name)
        self.driver.copy(name, *args)
