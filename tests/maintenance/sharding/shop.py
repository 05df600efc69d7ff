"""An application that workers open by themselves, and data in which everything is wrong that can be."""

import json
import random
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import String, create_engine, make_url
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, StorageBackend, StoredObject, storages
from holdfast.backends.wrappers import PrefixBackend
from holdfast.drivers.local import LocalDriver
from holdfast.keys import default_key, new_id

DAYS = 24 * 3600
NAMES = ("shelves", "crypt", "portraits")


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "item"

    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="shelves"))
    pages: Mapped[list[FileObject] | None] = mapped_column(StoredObject(backend="shelves", multiple=True))
    avatar: Mapped[FileObject | None] = mapped_column(StoredObject(backend="portraits"))


class Note(Base):
    __tablename__ = "note"

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    scan: Mapped[FileObject | None] = mapped_column(StoredObject(backend="crypt"))


def register(folder: str | Path) -> dict[str, StorageBackend]:
    """Register the storages: two folders, and a folder in one of them under a name of its own."""
    for name in ("shelves", "crypt"):
        storages.register_backend(StorageBackend(name, LocalDriver(Path(folder) / name, durable=False)))
    storages.register_backend(PrefixBackend("portraits", storages.get("shelves"), "public"))
    return {name: storages.get(name) for name in NAMES}


def unregister() -> None:
    """Forget the storages."""
    for name in NAMES:
        storages._backends.pop(name, None)


def open_shop(folder: str, url: str) -> tuple[Any, Any]:
    """Open the application, in a worker."""
    register(folder)
    return (create_async_engine(url) if make_url(url).get_dialect().is_async else create_engine(url)), Base


def opener(folder: Path, url: str) -> Any:
    """Return what opens the application, and can be sent."""
    return partial(open_shop, str(folder), url)


class _Filler:
    """Makes values of rows, and their objects."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.shelves, self.crypt, self.portraits = map(storages.get, NAMES)
        self.shared = self.held(self.shelves)

    def key(self, name: str = "a.txt") -> str:
        """Return a key of the default scheme, some weeks old."""
        return default_key(new_id(1_760_000_000 - self.chance.uniform(3, 30) * DAYS), name)

    def held(self, storage: StorageBackend) -> dict[str, Any]:
        """Store an object, or a part of it, or none, and return its value."""
        chance = self.chance
        name = self.key(chance.choice(["a.txt", "ü b.txt", "c"]))
        if chance.random() < 0.2:
            name = chance.choice(["Zoë/", "a b/", "😀/", "~/"]) + name
        data = b"x" * chance.randrange(2, 50)
        if chance.random() > 0.05:
            storage.put(name, data[:-1] if chance.random() < 0.05 else data)
        if chance.random() < 0.1:  # as another library writes it
            return {"backend": storage.key, "filename": name, "size": len(data)}
        return {"backend": storage.key, "filename": "a.txt", "to_filename": name, "size": len(data)}

    def odd(self, number: int) -> Any:
        """Return a value that something is wrong with."""
        name = self.shelves.put(self.key(), b"odd").key
        return [
            {"backend": "shelves", "filename": "a.txt", "to_filename": name, "size": "big"},
            {"backend": "shelves", "filename": name, "to_filename": ""},
            {"backend": "shelves", "filename": name, "to_filename": 5},
            {"backend": "shelves", "filename": name, "to_filename": ["x"]},
            {"backend": "nowhere", "filename": name},
            {"backend": None, "filename": name},
            [{"backend": "shelves", "filename": name}],
            f"shelves {name}",
            7,
            None,
        ][number % 10]

    def item(self, number: int) -> list[Any]:
        """Return the values of an item: a file, pages, an avatar."""
        chance = self.chance
        kind = chance.random()
        single = self.odd(number) if kind < 0.08 else self.shared if kind < 0.12 else self.held(self.shelves)
        storages_ = [self.shelves, self.shelves, self.crypt]
        pages = [self.held(chance.choice(storages_)) for _ in range(chance.randrange(4))]
        if chance.random() < 0.05:
            pages.append(self.odd(number))
        return [single, pages if chance.random() < 0.5 else None, self.held(self.portraits) if kind > 0.7 else None]

    def strew(self, number: int) -> None:
        """Leave objects that no row holds."""
        chance = self.chance
        if chance.random() < 0.2:
            chance.choice([self.shelves, self.crypt, self.portraits]).put(self.key(), b"nobody's")
        if chance.random() < 0.1:
            chance.choice([self.shelves, self.crypt]).put(f"foreign/{number}.txt", b"somebody's")

    def text(self, value: Any) -> str | None:
        """Write a value as this library or another one does."""
        return None if value is None else json.dumps(value, ensure_ascii=self.chance.random() < 0.5)


def fill(session: Session, count: int, *, seed: int = 1) -> None:
    """Write rows and objects by hand: most are well, some are not."""
    made, items, notes = _Filler(seed), [], []
    for number in range(1, count + 1):
        items.append((number, *map(made.text, made.item(number))))
        notes.append((f"n{made.chance.randrange(10**9):09}-{number}", made.text(made.held(made.crypt))))
        made.strew(number)
    # Put beside an object by an application: it has the same id, and another place in the order of keys.
    shared = made.shared.get("to_filename", made.shared["filename"])
    made.shelves.put(f"thumbs/{shared.rpartition('/')[2]}.png", b"thumb")
    items.append((count + 1, made.text(made.shared), None, None))
    items.append((count + 2, made.text(made.shared), None, None))

    insert = session.connection().exec_driver_sql
    mark = "?" if session.get_bind().dialect.name == "sqlite" else "%s"
    insert(f"INSERT INTO item (id, file, pages, avatar) VALUES ({', '.join([mark] * 4)})", items)
    insert(f"INSERT INTO note (code, scan) VALUES ({mark}, {mark})", notes)
    if session.get_bind().dialect.name == "sqlite":
        insert("INSERT INTO item (id, file) VALUES (?, ?)", (count + 3, '{"backend": "shelves", "filena'))
    session.commit()


def objects(names: tuple[str, ...] = ("shelves", "crypt")) -> dict[str, set[str]]:
    """Return all keys."""
    return {name: {info.key for info in storages.get(name).list()} for name in names}


def plain(report: Any) -> dict[str, Any]:
    """Return a report as two runs must have it alike."""
    data = report.to_dict()
    sections = {"rows": data["rows"], **data["storages"]}
    return {
        "errors": data["errors"],
        **{
            name: {
                "counts": {kind: number for kind, number in section["counts"].items() if number},
                "findings": sorted(json.dumps(each, sort_keys=True) for each in section["findings"]),
            }
            for name, section in sections.items()
        },
    }
