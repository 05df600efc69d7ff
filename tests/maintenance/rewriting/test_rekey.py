"""`rekey` gives files the keys of another scheme: copied, checked, switched, and the old objects deleted last."""

import uuid
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from holdfast import FileObject, StorageBackend, storages
from holdfast.backends.wrappers import PrefixBackend
from holdfast.drivers.local import LocalDriver
from holdfast.errors import ConfigurationError, SweepRefusedError, UnknownStorageError
from holdfast.keys import find_id, id_time
from holdfast.maintenance import RekeyReport, rekey, rekey_async
from tests.maintenance.conftest import PARAMS, World
from tests.maintenance.stacks import DAY, Base, Box, Item, file, key, keys, lay, value

BYTES = b"12345"


@pytest.fixture(params=[param for param in PARAMS if "my" not in str(param.id)])
def driver(request: pytest.FixtureRequest) -> str:
    """SQLite and PostgreSQL, in both worlds: MariaDB has no part in this that `backfill` does not show."""
    name: str = request.param
    return name


async def name_anew(world: World, **options: Any) -> RekeyReport:
    """Run it."""
    options = {"storage": "stacks"} | options
    if world.database.is_async:
        async with AsyncSession(world.database.engine) as session:
            return await rekey_async(session, Base, **options)
    with Session(world.database.engine) as session:
        return rekey(session, Base, **options)


def insert(world: World, storage: StorageBackend, number: int, name: str, content: bytes = BYTES) -> None:
    """Put an object by hand, and a row that holds it."""
    lay(storage, name, content)
    world.insert(number, value(name, storage.key, size=len(content), metadata={"by": "Ada"}))


async def add(world: World, *rows: Any) -> None:
    """Add rows with a session."""

    def work(session: Session) -> None:
        session.add_all(rows)
        session.commit()

    await world.run(work)


async def item(world: World, number: int) -> Item:
    """Load an item."""
    return await world.run(lambda session: session.get_one(Item, number))


async def path(world: World, number: int) -> str:
    """Return the key of an item's file."""
    return str((await item(world, number)).file.path)


async def test_files_get_new_keys(world: World, stacks: StorageBackend) -> None:
    """Single files and lists get the scheme's keys, with all else as it was; the old objects are gone."""
    insert(world, stacks, 1, "old/a.txt")
    lay(stacks, "old/b.txt", b"b")
    lay(stacks, "old/c.txt", b"c")
    world.insert(2, f"[{value('old/b.txt')}, {value('old/c.txt')}]", column="pages")
    report = await name_anew(world)
    assert report.ok, report
    assert (report.counts["rekeyed"], report.counts["rekeyed_bytes"], report.counts["deleted"]) == (3, 7, 3)
    first, pages = (await item(world, 1)).file, (await item(world, 2)).pages
    paths = [first.path, *(page.path for page in pages)]
    assert keys(stacks) == set(paths)
    assert all(find_id(path) for path in paths)
    assert (first.filename, first.metadata, first.size) == ("a.txt", {"by": "Ada"}, 5)
    info = stacks.stat(first.path)
    assert (first.etag, first.last_modified) == (info.etag, info.last_modified)
    assert [stacks.read(path) for path in paths] == [BYTES, b"b", b"c"]


async def test_keys_that_follow_the_scheme_are_left(world: World, stacks: StorageBackend) -> None:
    """A second run has nothing to do; nor has a first one where Holdfast named the files."""
    insert(world, stacks, 1, "old/a.txt")
    await add(world, Item(id=2, file=file(b"new")))
    named = await path(world, 2)
    dry = await name_anew(world, dry_run=True)
    assert (dry.counts["to_do"], keys(stacks)) == (1, {"old/a.txt", named})
    await name_anew(world)
    after = await path(world, 1)
    report = await name_anew(world)
    assert (report.counts["to_do"], report.counts["deleted"]) == (0, 0)
    assert (await path(world, 1), await path(world, 2)) == (after, named)


async def test_a_template_with_parts_of_the_row(world: World, stacks: StorageBackend) -> None:
    """What a template names of row, model and column is there; a row that changes asks for another key again."""
    insert(world, stacks, 1, "old/a.txt")
    scheme = "{model}/{column}/{row.id}/{id}.{ext}"
    await name_anew(world, scheme=scheme)
    first = await path(world, 1)
    assert first.startswith("item/file/1/")
    assert first.endswith(".txt")
    assert (await name_anew(world, scheme=scheme)).counts["to_do"] == 0
    world.sql("UPDATE item SET id = 7 WHERE id = 1")
    assert (await name_anew(world, scheme=scheme)).counts["rekeyed"] == 1
    assert (await path(world, 7)).startswith("item/file/7/")
    assert keys(stacks) == {await path(world, 7)}


async def test_a_table_with_a_strange_primary_key(world: World, stacks: StorageBackend) -> None:
    """Rows are found by keys of any type, and a template sees their values as the model does."""
    lay(stacks, "old/a.txt", BYTES)
    number = uuid.uuid4()
    stored = FileObject(backend="stacks", filename="old/a.txt")
    await add(world, Box(number=number, name="Red", lid=stored))
    report = await name_anew(world, models=Box, scheme="{column}/{row.name}/{row.number}/{id}")
    box = await world.run(lambda session: session.get_one(Box, (number, "RED")))
    assert (report.counts["rekeyed"], box.lid.path.rpartition("/")[0]) == (1, f"lid/RED/{number}")


async def test_a_file_that_the_application_replaces_meanwhile(world: World, stacks: StorageBackend) -> None:
    """Its old object is gone then, which is no loss: the new file is named as it should be already."""
    insert(world, stacks, 1, "old/a.txt")
    new = lay(stacks, key())

    def replace() -> None:
        world.sql("UPDATE item SET file = :value WHERE id = 1", value=value(new))
        stacks._plain.driver.delete(["old/a.txt"])

    stacks._plain.before["copy"] = [replace]
    report = await name_anew(world)
    assert (report.ok, report.findings, await path(world, 1)) == (True, [], new)
    assert keys(stacks) == {new}


async def test_a_function_as_scheme(world: World, stacks: StorageBackend) -> None:
    """It gets the row and the file; one that makes another key each time is refused, since no run would ever end."""
    insert(world, stacks, 1, "old/a.txt")
    await name_anew(world, scheme=lambda row, file: f"by/{row.id}/{file.size}")
    assert (await path(world, 1)).startswith("by/1/")
    times = iter(range(100))
    with pytest.raises(ConfigurationError, match="another key each time"):
        await name_anew(world, scheme=lambda row, file: f"{row.id}/{next(times)}")


async def test_a_scheme_that_makes_no_key(world: World, stacks: StorageBackend) -> None:
    """It is a finding of the file, and the others are named."""
    insert(world, stacks, 1, "old/a.txt")
    insert(world, stacks, 2, "old/b.txt")
    report = await name_anew(world, scheme=lambda row, file: "../up" if row.id == 1 else "fine")
    assert [(found.kind, found.key) for found in report.findings] == [("unnamed", "old/a.txt")]
    assert await path(world, 1) == "old/a.txt"
    assert (await path(world, 2)).endswith("-fine")


async def test_dates_in_keys_are_those_of_the_upload(world: World, local: StorageBackend) -> None:
    """The new id tells when the file was uploaded: by its old id, else as the row says."""
    old = key(age=40 * DAY)
    insert(world, local, 1, f"elsewhere/{old.rpartition('/')[2]}")
    lay(local, "old/b.txt")
    world.insert(2, value("old/b.txt", last_modified=1_000_000_000.0))
    await name_anew(world)
    assert (await path(world, 1)).startswith(old.rpartition("/")[0])
    assert id_time(find_id(await path(world, 1))) == id_time(find_id(old))
    assert (await path(world, 2)).startswith("2001/09/09/")


async def test_kept_and_deleted_later(world: World, stacks: StorageBackend, tmp_path: Path) -> None:
    """With `keep` the old objects stay for those who loaded a row before; the same call without it deletes them."""
    insert(world, stacks, 1, "old/a.txt")
    state = tmp_path / "state"
    kept = await name_anew(world, keep=True, state=state)
    new = await path(world, 1)
    assert (kept.counts["deleted"], keys(stacks), state.exists()) == (0, {"old/a.txt", new}, True)
    assert (await name_anew(world, keep=True, state=state)).counts["to_do"] == 0
    report = await name_anew(world, state=state)
    assert (report.counts["deleted"], keys(stacks), state.exists()) == (1, {new}, False)


async def test_what_another_row_holds_stays(world: World, stacks: StorageBackend) -> None:
    """Two rows with one key get an object each, and an old object that a row still holds is not deleted."""
    insert(world, stacks, 1, "old/a.txt")
    world.insert(2, value("old/a.txt"))
    world.insert(3, value("old/a.txt"), column="spare")
    report = await name_anew(world, models="item", where="id < 2")
    assert (report.counts["rekeyed"], report.counts["deleted"]) == (1, 0)
    assert keys(stacks) == {"old/a.txt", await path(world, 1)}
    await name_anew(world)
    spare = (await item(world, 3)).spare.path
    assert len({await path(world, 1), await path(world, 2), spare}) == 3
    assert keys(stacks) == {await path(world, 1), await path(world, 2), spare}


async def test_a_row_that_is_changed_meanwhile(world: World, stacks: StorageBackend) -> None:
    """It is done again with what it says now; a file that it dropped leaves no copy behind."""
    insert(world, stacks, 1, "old/a.txt")
    lay(stacks, "old/b.txt", b"b")

    def change() -> None:
        world.sql("UPDATE item SET file = :value WHERE id = 1", value=value("old/b.txt", metadata={"new": 1}))

    stacks._plain.before["copy"] = [change]
    report = await name_anew(world)
    changed = (await item(world, 1)).file
    assert (changed.metadata, report.counts["again"], report.counts["rekeyed"]) == ({"new": 1}, 1, 1)
    assert stacks.read(changed.path) == b"b"
    assert keys(stacks) == {"old/a.txt", changed.path}  # what the application dropped is for it to delete


async def test_a_row_that_is_deleted_meanwhile(world: World, stacks: StorageBackend) -> None:
    """The copy goes, and the rest is as whoever deleted the row left it."""
    insert(world, stacks, 1, "old/a.txt")
    stacks._plain.before["copy"] = [lambda: world.sql("DELETE FROM item")]
    report = await name_anew(world)
    assert (report.ok, report.counts["rekeyed"], keys(stacks)) == (True, 0, {"old/a.txt"})


class Cut(BaseException):
    """What ends a process."""


async def cut_before_the_switch(world: World, **options: Any) -> None:
    """Let a run end when a page is copied and no row switched yet."""
    engine = getattr(world.database.engine, "sync_engine", world.database.engine)

    def cut(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("UPDATE item"):
            raise Cut

    event.listen(engine, "before_cursor_execute", cut)
    try:
        with pytest.raises(Cut):
            await name_anew(world, **options)
    finally:
        event.remove(engine, "before_cursor_execute", cut)


@pytest.mark.parametrize(("at", "copied", "switched"), [("copied", 2, 0), ("switched", 2, 2), ("all switched", 4, 4)])
async def test_an_interrupt(  # noqa: PLR0917  # a row of the table
    world: World, stacks: StorageBackend, tmp_path: Path, at: str, copied: int, switched: int
) -> None:
    """With a state file the next run takes the same new keys, copies nothing twice and leaves nothing over."""
    for number in (1, 2, 3, 4):
        insert(world, stacks, number, f"old/{number}.txt")
    state = tmp_path / "state"

    def stop(step: Any) -> None:
        if step.phase == "rows" and step.done == switched:
            raise Cut

    if at == "copied":
        await cut_before_the_switch(world, state=state, batch=2)
    else:
        with pytest.raises(Cut):
            await name_anew(world, state=state, batch=2, progress=stop)
    assert len(keys(stacks)) == 4 + copied
    stacks._plain.calls.clear()
    report = await name_anew(world, state=state, batch=2)
    assert (report.counts["rekeyed"], stacks._plain.calls.count("copy")) == (4 - switched, 4 - copied)
    assert report.counts["adopted"] == copied - switched
    assert keys(stacks) == {await path(world, number) for number in (1, 2, 3, 4)}
    assert (report.counts["deleted"], state.exists()) == (4, False)


@pytest.mark.usefixtures("cellar")
async def test_without_a_state_file_a_sweep_finds_the_rest(world: World, stacks: StorageBackend) -> None:
    """What an interrupt leaves over belongs to no row, and has a key that Holdfast made."""
    insert(world, stacks, 1, "old/a.txt")
    await cut_before_the_switch(world)
    assert len(keys(stacks)) == 2
    await name_anew(world)
    assert len(keys(stacks)) == 2
    await world.sweep()
    assert keys(stacks) == {await path(world, 1)}


async def test_a_state_file_of_another_run(world: World, stacks: StorageBackend, tmp_path: Path) -> None:
    """It is refused, and so is what is no state file at all."""
    insert(world, stacks, 1, "old/a.txt")
    await name_anew(world, keep=True, state=tmp_path / "state")
    with pytest.raises(ConfigurationError, match="other arguments"):
        await name_anew(world, scheme="{id}", state=tmp_path / "state")
    (tmp_path / "text").write_text("no state, but more than nothing" * 100)
    for wrong in (tmp_path / "text", tmp_path / "no folder" / "state"):
        with pytest.raises(ConfigurationError, match="cannot be used"):
            await name_anew(world, state=wrong)


async def test_damaged_files_are_findings(world: World, stacks: StorageBackend) -> None:
    """A missing object, one of another size, one of other bytes: their rows stay, and no copy is left."""
    for number, fields in enumerate(({}, {"size": 9}, {"size": 2}, {"checksum": "sha256:" + "0" * 64}), 1):
        lay(stacks, f"old/{number}.txt", BYTES)
        world.insert(number, value(f"old/{number}.txt", **fields))
    stacks.delete("old/1.txt")
    report = await name_anew(world)
    kinds = [found.kind for found in sorted(report.findings, key=lambda found: str(found.key))]
    assert kinds == ["missing", "truncated", "corrupt", "corrupt"]
    assert keys(stacks) == {"old/2.txt", "old/3.txt", "old/4.txt"}
    assert (report.ok, report.counts["rekeyed"]) == (False, 0)
    assert (await name_anew(world, check="size", models=Item, where="id = 4")).counts["rekeyed"] == 1


async def test_a_copy_of_other_bytes(world: World, stacks: StorageBackend) -> None:
    """Where the row knows no checksum, copy and original are compared."""
    insert(world, stacks, 1, "old/a.txt")

    def damage() -> None:
        (copy,) = keys(stacks) - {"old/a.txt"}
        stacks.put(copy, b"54321")

    stacks._plain.before["read"] = [damage]
    report = await name_anew(world)
    assert [found.kind for found in report.findings] == ["failed"]
    assert keys(stacks) == {"old/a.txt"}


async def test_what_is_refused(world: World, stacks: StorageBackend, tmp_path: Path) -> None:
    """Other holders of the storage's files, other names of its place, and arguments that cannot work."""
    insert(world, stacks, 1, "old/a.txt")
    world.sql("CREATE TABLE stranger (id INTEGER PRIMARY KEY, value JSON)")
    try:
        world.sql("INSERT INTO stranger (id, value) VALUES (1, :value)", value=value("old/a.txt"))
        with pytest.raises(SweepRefusedError, match="stranger"):
            await name_anew(world)
        assert (await name_anew(world, dry_run=True)).counts["to_do"] == 1
        assert (await name_anew(world, shared=True)).counts["deleted"] == 1
    finally:
        world.sql("DROP TABLE stranger")
    for wrong in ({"scheme": "{nothing}"}, {"check": "no"}, {"models": "nothing"}):
        with pytest.raises(ConfigurationError):
            await name_anew(world, **wrong)
    with pytest.raises(UnknownStorageError):
        await name_anew(world, storage="nobody")


async def test_another_name_of_the_place(world: World, local: StorageBackend, tmp_path: Path) -> None:
    """A storage that is registered twice is refused, unless nothing is deleted; one in front of it is known."""
    local = storages.register_backend(StorageBackend("stacks", LocalDriver(tmp_path / "stacks")))
    insert(world, local, 1, "old/a.txt")
    lay(local, "front/b.txt")
    storages.register_backend(PrefixBackend("front", local, "front"))
    world.insert(3, value("b.txt", "front"))
    storages.register_backend(StorageBackend("twin", LocalDriver(tmp_path / "stacks")))
    try:
        with pytest.raises(ConfigurationError, match="'twin'"):
            await name_anew(world)
        storages.unregister("twin")
        await name_anew(world)
        assert "front/b.txt" in keys(local)
        assert "old/a.txt" not in keys(local)
    finally:
        for name in ("front", "twin"):
            storages._backends.pop(name, None)


async def test_a_storage_that_refuses_to_delete(world: World, local: StorageBackend, tmp_path: Path) -> None:
    """It is told, what is written down stays, and the next run does it."""
    insert(world, local, 1, "old/a.txt")
    state = tmp_path / "state"

    def refuse() -> None:
        raise PermissionError(13, "not yours")

    local._plain.before["delete"] = [refuse]
    report = await name_anew(world, state=state)
    assert (report.ok, list(report.errors), report.counts["deleted"]) == (False, ["stacks"], 0)
    assert (await name_anew(world, state=state)).counts["deleted"] == 1
    assert keys(local) == {await path(world, 1)}
