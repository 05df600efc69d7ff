"""`sweep` deletes what no row holds, and nothing else."""

import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from holdfast.errors import ConfigurationError, UnknownStorageError
from tests.maintenance.stacks import DAY, Base, Item, file, key, keys, lay, value

WEEK = timedelta(days=7)


async def fill(world) -> None:
    """Store some rows."""

    def store(session) -> None:
        for _ in range(3):
            session.add(Item(file=file(), pages=[file(), file()], spare=file()))
        session.commit()

    await world.run(store)


async def test_only_what_no_row_holds_goes(world, stacks, cellar) -> None:
    """In each storage; what rows hold, in lists too, stays."""
    await fill(world)
    before = keys(stacks), keys(cellar)
    garbage = [lay(stacks, key(), b"123"), lay(stacks, key()), lay(cellar, key())]
    report = await world.sweep()
    assert report.ok
    assert (keys(stacks), keys(cellar)) == before
    assert {finding.key for finding in report.findings} == set(garbage)
    assert report.storages["stacks"].counts == {
        "objects": 11,
        "candidates": 11,
        "elsewhere": 0,
        "unreferenced": 2,
        "unreferenced_bytes": 4,
        "deleted": 2,
        "deleted_bytes": 4,
    }
    assert (await world.verify()).findings == []


async def test_without_delete_nothing_changes(world, stacks, cellar) -> None:
    """A dry run says what would go."""
    await fill(world)
    garbage = lay(stacks, key())
    report = await world.sweep(delete=False)
    assert [finding.key for finding in report.findings] == [garbage]
    assert report.counts["deleted"] == 0
    assert garbage in keys(stacks)
    assert "delete" not in stacks._plain.calls
    assert json.loads(json.dumps(report.to_dict()))["storages"]["stacks"]["counts"]["unreferenced"] == 1


async def test_keys_that_holdfast_did_not_make_stay(world, stacks, cellar) -> None:
    """Unless they are asked for; then rows still count."""
    world.insert(1, json.dumps({"backend": "stacks", "filename": lay(stacks, "held.txt")}))
    lay(stacks, "logo.png"), lay(stacks, "0123456789abcdefghij/logo.png")
    assert (await world.sweep()).counts["foreign"] == 3
    assert len(keys(stacks)) == 3
    assert (await world.sweep(all_keys=True)).counts["deleted"] == 2
    assert keys(stacks) == {"held.txt"}


async def test_the_grace_period_spares_the_young(driver, world, local, cellar) -> None:
    """The later of the object's time and the key's counts."""
    young_key = lay(local, key(), age=2 * DAY)
    young_file = lay(local, key(2 * DAY))
    lay(local, key(2 * DAY), age=2 * DAY)
    assert (await world.sweep(grace=timedelta(hours=24))).counts["recent"] == 2
    assert keys(local) == {young_key, young_file}
    assert (await world.sweep(grace=timedelta(0))).counts["deleted"] == 2


async def test_objects_without_a_time_stay(driver, world, register, cellar) -> None:
    """Where neither storage nor key says how old an object is, it may be new."""
    stacks = register("stacks")

    class Timeless(type(stacks._plain)):
        def list(self, prefix, after):
            return (info._replace(last_modified=None) for info in super().list(prefix, after))

    stacks._plain.__class__ = Timeless
    stacks._driver.list = stacks._plain.list
    lay(stacks, "undated.txt")
    report = await world.sweep(all_keys=True)
    assert report.counts["undated"] == 1
    assert keys(stacks) == {"undated.txt"}


async def test_since_looks_at_newer_keys_only(driver, world, local, cellar) -> None:
    """By the time in the key, and the listing starts at its day."""
    old, new = (lay(local, key(age * DAY), age=age * DAY) for age in (10, 3))
    odd = lay(local, "avatars/" + key(3 * DAY).rpartition("/")[2], age=3 * DAY)
    report = await world.sweep(since=WEEK, grace=timedelta(hours=1))
    assert (report.counts["objects"], report.counts["deleted"]) == (2, 2)
    assert keys(local) == {old}
    at = datetime.now(UTC) - timedelta(days=11)
    assert (await world.sweep(since=at)).counts["deleted"] == 1
    assert {new, odd}.isdisjoint(keys(local))


async def test_since_lists_all_where_keys_have_another_scheme(driver, world, register, cellar) -> None:
    """Their order is not that of time: keys are looked at one by one."""
    stacks = register("stacks", key_scheme="all/{id}")
    old, new = (lay(stacks, "0/" + key(age * DAY).rpartition("/")[2], age=age * DAY) for age in (10, 3))
    report = await world.sweep(since=WEEK)
    assert (report.counts["objects"], report.counts["earlier"]) == (2, 1)
    assert keys(stacks) == {old}
    assert new not in keys(stacks)


@pytest.mark.parametrize(
    "options",
    [
        {"since": datetime(2025, 1, 1)},  # noqa: DTZ001  # the naive one is what is refused
        {"since": timedelta(days=-1)},
        {"grace": timedelta(days=-1)},
    ],
)
async def test_arguments_that_cannot_work_are_refused(world, stacks, cellar, options) -> None:
    """Before anything is deleted."""
    lay(stacks, key())
    with pytest.raises(ConfigurationError):
        await world.sweep(**options)
    assert len(keys(stacks)) == 1


async def test_a_column_without_its_storage_stops_the_sweep(world, stacks) -> None:
    """The cellar is not registered here: what should be swept cannot be."""
    lay(stacks, key())
    with pytest.raises(UnknownStorageError, match="cellar"):
        await world.sweep()
    assert (await world.sweep(storages=["stacks"])).counts["deleted"] == 1


async def test_malformed_values_keep_what_they_name(world, stacks, cellar) -> None:
    """They may be repaired: neither a value with a wrong field nor one of which nothing can be read loses its file."""
    wrong, cut, nested, nobody = (lay(stacks, key()) for _ in range(4))
    world.insert(1, value(wrong, size="big"))
    world.insert(2, json.dumps(value(cut)[:-5]))
    world.insert(3, json.dumps([{"was": [value(nested)]}]), column="pages")
    report = await world.sweep()
    assert keys(stacks) == {wrong, cut, nested}, report.to_dict()
    assert report.counts["malformed"] == 3
    assert [finding.key for finding in report.findings] == [nobody]


async def test_two_names_of_one_place_are_noticed(driver, world, register, tmp_path) -> None:
    """An object that a row holds through another storage, whose folder lies within this one, stays."""
    from holdfast import StorageBackend, storages
    from holdfast.drivers.local import LocalDriver

    stacks = register("stacks")
    inner = storages.register_backend(StorageBackend("cellar", LocalDriver(tmp_path / "stacks" / "inner")))
    try:
        held, garbage = lay(inner, key()), lay(inner, key())
        world.insert(1, value(held, storage="cellar"), column="spare")
        report = await world.sweep(storages=["stacks"])
        assert keys(inner) == {held}
        assert report.storages["stacks"].counts["elsewhere"] == 1
        assert [finding.key for finding in report.findings] == [f"inner/{garbage}"]
        assert keys(stacks) == {f"inner/{held}"}
    finally:
        storages.unregister("cellar")


async def test_a_storage_that_fails_does_not_stop_the_others(world, stacks, cellar) -> None:
    """Neither in its listing nor in its deletions; the report says so."""
    lay(cellar, key())

    def fail() -> None:
        raise PermissionError(13, "no entry")

    stacks._plain.before["list"] = [fail]
    report = await world.sweep()
    assert not report.ok
    assert list(report.errors) == ["stacks"]
    assert keys(cellar) == set()


async def test_what_cannot_be_deleted_is_counted(world, stacks, cellar) -> None:
    """It is an error, and there for the next time."""
    stuck = lay(stacks, key())
    lay(cellar, key())

    def fail() -> None:
        raise PermissionError(13, "no entry")

    stacks._plain.before["delete"] = [fail]
    report = await world.sweep()
    assert not report.ok
    assert (report.counts["failed"], report.counts["deleted"]) == (1, 1)
    assert keys(stacks) == {stuck}
    assert (await world.sweep()).ok
    assert keys(stacks) == set()


async def test_unfinished_uploads_go(driver, world, local, cellar, tmp_path) -> None:
    """A temporary file that a crash left, once it is older than the grace period."""
    lay(local, key())
    temporary = tmp_path / "stacks" / ".holdfast-tmp" / "crashed"
    temporary.parent.mkdir(exist_ok=True)
    temporary.write_bytes(b"half")
    os.utime(temporary, (1, 1))
    report = await world.sweep(delete=False, grace=timedelta(hours=1))
    assert report.counts["partial"] == 1
    assert temporary.exists()
    assert (await world.sweep(grace=timedelta(hours=1))).counts["partial"] == 1
    assert not temporary.exists()


async def test_progress_is_told(world, stacks, cellar) -> None:
    """By phase and storage."""
    lay(stacks, key())
    await fill(world)
    told = []
    await world.sweep(progress=told.append)
    assert [each.phase for each in told if each.storage == "stacks"] == ["list", "compare", "confirm", "delete"]
    assert ("rows", None) in {(each.phase, each.storage) for each in told}


async def test_only_storages_that_columns_name_are_swept(world, stacks, cellar, register) -> None:
    """What an application keeps elsewhere by hand is not touched."""
    annex = register("annex")
    lay(annex, key())
    report = await world.sweep(Base)
    assert "annex" not in report.storages
    assert len(keys(annex)) == 1
