"""`alter` changes rows in bulk by compare-and-swap, and objects where they lie."""

import json
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from holdfast import StorageBackend, storages
from holdfast.errors import ConfigurationError, UnknownStorageError, UnsupportedError
from holdfast.maintenance import AlterReport, alter, alter_async
from tests.maintenance.conftest import PARAMS, World
from tests.maintenance.stacks import Base, Item, lay, value


@pytest.fixture(params=[param for param in PARAMS if "my" not in str(param.id)])
def driver(request: pytest.FixtureRequest) -> str:
    """SQLite and PostgreSQL, in both worlds: MariaDB has no part in this that `backfill` does not show."""
    name: str = request.param
    return name


async def change(world: World, **options: Any) -> AlterReport:
    """Run it."""
    if world.database.is_async:
        async with AsyncSession(world.database.engine) as session:
            return await alter_async(session, Base, **options)
    with Session(world.database.engine) as session:
        return alter(session, Base, **options)


async def item(world: World, number: int) -> Item:
    """Load an item."""
    return await world.run(lambda session: session.get_one(Item, number))


@pytest.fixture
def memory() -> Any:
    """A storage whose objects can be changed where they lie."""
    yield storages.register_backend("memory://", key="stacks")
    storages._backends.pop("stacks", None)


async def test_rows(world: World, stacks: StorageBackend) -> None:
    """Metadata is merged, None removes a field, the type is replaced, in lists too; the storage is not asked."""
    world.insert(1, value("a.txt", metadata={"by": "Ada", "old": 1, "both": [1]}, strange=1, size=5))
    world.insert(2, f"[{value('b.txt')}, {value('c.txt', metadata={'team': 'x'})}]", column="pages")
    options: dict[str, Any] = {"metadata_changes": {"team": "x", "old": None}, "content_type": "text/csv"}
    dry = await change(world, dry_run=True, **options)
    report = await change(world, **options)
    assert (dry.counts["to_do"], report.counts["altered"], report.counts["objects"], report.ok) == (3, 3, 0, True)
    first, pages = (await item(world, 1)).file, (await item(world, 2)).pages
    assert (first.metadata, first.content_type) == ({"by": "Ada", "both": [1], "team": "x"}, "text/csv")
    assert (first.path, first.size) == ("a.txt", 5)
    assert [page.metadata for page in pages] == [{"team": "x"}] * 2
    assert stacks._plain.calls == []
    assert (await change(world, **options)).counts["to_do"] == 0


async def test_some_rows(world: World, stacks: StorageBackend, cellar: StorageBackend) -> None:
    """Models, a condition and a storage choose."""
    for number in (1, 2):
        world.sql(
            "INSERT INTO item (id, file, spare) VALUES (:number, :one, :two)",
            number=number,
            one=value("a.txt", stacks.key),
            two=value("a.txt", cellar.key),
        )
    changes = {"seen": True}
    assert (await change(world, models="box", metadata_changes=changes)).counts["rows"] == 0
    report = await change(world, storage="cellar", models="Item", where="id = 2", metadata_changes=changes)
    assert report.counts["altered"] == 1
    second = await item(world, 2)
    assert (second.file.metadata, second.spare.metadata) == ({}, changes)


class Watched(StorageBackend):
    """A storage in memory that lets something happen before it is asked what it says of an object, once."""

    before: Any = None

    def stat(self, key: str) -> Any:
        """Describe an object."""
        before, self.before = self.before, None
        if before is not None:
            before()
        return super().stat(key)

    async def stat_async(self, key: str) -> Any:
        """Like `stat`."""
        return self.stat(key)


async def test_a_row_that_is_changed_meanwhile(world: World, memory: StorageBackend) -> None:
    """What the application wrote stays, and gets the change on top."""
    memory.put("a.txt", b"a")
    world.insert(1, value("a.txt"))
    watched = storages.register_backend(Watched("stacks", memory._plain))
    anew = value("a.txt", metadata={"new": 1})
    watched.before = lambda: world.sql("UPDATE item SET file = :value WHERE id = 1", value=anew)
    report = await change(world, metadata_changes={"team": "x"}, objects=True, storage="stacks")
    assert (await item(world, 1)).file.metadata == {"new": 1, "team": "x"}
    assert (report.counts["again"], report.counts["altered"]) == (1, 1)
    assert memory.stat("a.txt").metadata == {"new": 1, "team": "x"}


async def test_objects(world: World, memory: StorageBackend) -> None:
    """An object gets settings, type and metadata where it lies; its row knows the new etag; nothing is done twice."""
    old = memory.put("a.txt", b"12345", content_type="text/plain", metadata={"by": "Ada"})
    world.insert(1, value("a.txt", size=5, etag=old.etag, metadata={"by": "Ada"}))
    world.insert(2, f"[{value('a.txt')}]", column="pages")
    options: dict[str, Any] = {"object_settings": {"storage_class": "COLD"}, "metadata_changes": {"team": "x"}}
    report = await change(world, models="item", where="id = 1", content_type="text/csv", **options)
    assert (report.counts["altered"], report.counts["objects"]) == (1, 1)
    info, file = memory.stat("a.txt"), (await item(world, 1)).file
    assert info.etag != old.etag
    assert (info.content_type, info.metadata) == ("text/csv", {"by": "Ada", "team": "x"})
    assert (file.etag, file.last_modified, file.content_type) == (info.etag, info.last_modified, "text/csv")
    assert file.get_content() == b"12345"
    again = await change(world, models="item", where="id = 1", content_type="text/csv", **options)
    assert (again.counts["unchanged"], again.counts["altered"], again.counts["objects"]) == (1, 0, 0)
    assert memory.stat("a.txt").etag == info.etag


async def test_what_is_wrong_with_a_file(world: World, memory: StorageBackend) -> None:
    """A missing object and one of another size are findings, and the others are changed."""
    for name in ("short.txt", "fine.txt"):
        memory.put(name, b"12345")
    for number, (name, size) in enumerate((("gone.txt", 5), ("short.txt", 9), ("fine.txt", 5)), 1):
        world.insert(number, value(name, size=size))
    world.insert(4, value("a.txt", "nobody"))
    report = await change(world, models=Item, object_settings={"cache_control": "no-cache"})
    assert sorted((found.kind, found.key) for found in report.findings) == [
        ("missing", "gone.txt"),
        ("truncated", "short.txt"),
        ("unregistered", "a.txt"),
    ]
    assert (report.ok, report.counts["altered"]) == (False, 1)
    too_much = {str(number): "x" * 1000 for number in range(60)}
    world.sql("UPDATE item SET file = :value WHERE id = 3", value=value("fine.txt", metadata=too_much))
    report = await change(world, where="id = 3", models=Item, metadata_changes={"more": "x" * 9000})
    assert [found.kind for found in report.findings] == ["refused"]


async def test_what_is_refused(world: World, stacks: StorageBackend, register: Any) -> None:
    """Before anything is done: storages that cannot, settings that do not exist, changes of nothing."""
    folder = register("stacks")
    register("cellar")
    lay(folder, "a.txt")
    world.insert(1, value("a.txt"))
    for wrong in ({"object_settings": {"storage_class": "COLD"}}, {"objects": True, "content_type": "text/csv"}):
        with pytest.raises((UnsupportedError, ConfigurationError)):
            await change(world, **wrong)
    with pytest.raises(UnsupportedError, match="cannot be changed where they lie"):
        await change(world, objects=True, content_type="text/csv", storage="stacks")
    for wrong in (
        {},
        {"objects": True},
        {"content_type": "no type"},
        {"metadata_changes": {"holdfast": 1}},
        {"metadata_changes": {"set": {1}}},
        {"object_settings": {"class": "x"}},
    ):
        with pytest.raises(ConfigurationError):
            await change(world, **wrong)
    with pytest.raises(UnknownStorageError):
        await change(world, storage="nobody", content_type="text/csv")
    assert json.loads(json.dumps((await change(world, content_type="text/csv")).to_dict()))["counts"]["altered"] == 1
