"""`sweep` deletes what no row holds, and nothing else."""

import json
import os
from datetime import UTC, datetime, timedelta

import pytest

from holdfast.errors import ConfigurationError, UnknownStorageError
from tests.maintenance.shelf import DAY, Base, Item, file, key, keys, lay, value

WEEK = timedelta(days=7)


async def fill(world) -> None:
    """Store some rows."""

    def store(session) -> None:
        for _ in range(3):
            session.add(Item(file=file(), pages=[file(), file()], spare=file()))
        session.commit()

    await world.run(store)


async def test_only_what_no_row_holds_goes(world, shelf, depot) -> None:
    """In each storage; what rows hold, in lists too, stays."""
    await fill(world)
    before = keys(shelf), keys(depot)
    garbage = [lay(shelf, key(), b"123"), lay(shelf, key()), lay(depot, key())]
    report = await world.sweep()
    assert report.ok
    assert (keys(shelf), keys(depot)) == before
    assert {finding.key for finding in report.findings} == set(garbage)
    assert report.storages["shelf"].counts == {
        "objects": 11,
        "candidates": 11,
        "elsewhere": 0,
        "unreferenced": 2,
        "unreferenced_bytes": 4,
        "deleted": 2,
        "deleted_bytes": 4,
    }
    assert (await world.verify()).findings == []


async def test_without_delete_nothing_changes(world, shelf, depot) -> None:
    """A dry run says what would go."""
    await fill(world)
    garbage = lay(shelf, key())
    report = await world.sweep(delete=False)
    assert [finding.key for finding in report.findings] == [garbage]
    assert report.counts["deleted"] == 0
    assert garbage in keys(shelf)
    assert "delete" not in shelf._abilities.calls
    assert json.loads(json.dumps(report.to_dict()))["storages"]["shelf"]["counts"]["unreferenced"] == 1


async def test_keys_that_holdfast_did_not_make_stay(world, shelf, depot) -> None:
    """Unless they are asked for; then rows still count."""
    world.insert(1, json.dumps({"backend": "shelf", "filename": lay(shelf, "held.txt")}))
    lay(shelf, "logo.png"), lay(shelf, "0123456789abcdefghij/logo.png")
    assert (await world.sweep()).counts["foreign"] == 3
    assert len(keys(shelf)) == 3
    assert (await world.sweep(all_keys=True)).counts["deleted"] == 2
    assert keys(shelf) == {"held.txt"}


async def test_the_grace_period_spares_the_young(driver, world, local, depot) -> None:
    """The later of the object's time and the key's counts."""
    young_key = lay(local, key(), age=2 * DAY)
    young_file = lay(local, key(2 * DAY))
    lay(local, key(2 * DAY), age=2 * DAY)
    assert (await world.sweep(grace=timedelta(hours=24))).counts["recent"] == 2
    assert keys(local) == {young_key, young_file}
    assert (await world.sweep(grace=timedelta(0))).counts["deleted"] == 2


async def test_objects_without_a_time_stay(driver, world, register, depot) -> None:
    """Where neither storage nor key says how old an object is, it may be new."""
    shelf = register("shelf")

    class Timeless(type(shelf._abilities)):
        def list(self, prefix, after):
            return (info._replace(last_modified=None) for info in super().list(prefix, after))

    shelf._abilities.__class__ = Timeless
    shelf._driver.list = shelf._abilities.list
    lay(shelf, "undated.txt")
    report = await world.sweep(all_keys=True)
    assert report.counts["undated"] == 1
    assert keys(shelf) == {"undated.txt"}


async def test_since_looks_at_newer_keys_only(driver, world, local, depot) -> None:
    """By the time in the key, and the listing starts at its day."""
    old, new = (lay(local, key(age * DAY), age=age * DAY) for age in (10, 3))
    odd = lay(local, "avatars/" + key(3 * DAY).rpartition("/")[2], age=3 * DAY)
    report = await world.sweep(since=WEEK, grace=timedelta(hours=1))
    assert (report.counts["objects"], report.counts["deleted"]) == (2, 2)
    assert keys(local) == {old}
    at = datetime.now(UTC) - timedelta(days=11)
    assert (await world.sweep(since=at)).counts["deleted"] == 1
    assert {new, odd}.isdisjoint(keys(local))


async def test_since_lists_all_where_keys_have_another_scheme(driver, world, register, depot) -> None:
    """Their order is not that of time: keys are looked at one by one."""
    shelf = register("shelf", key_scheme="all/{id}")
    old, new = (lay(shelf, "0/" + key(age * DAY).rpartition("/")[2], age=age * DAY) for age in (10, 3))
    report = await world.sweep(since=WEEK)
    assert (report.counts["objects"], report.counts["earlier"]) == (2, 1)
    assert keys(shelf) == {old}
    assert new not in keys(shelf)


@pytest.mark.parametrize(
    "options",
    [
        {"since": datetime(2025, 1, 1)},  # noqa: DTZ001  # the naive one is what is refused
        {"since": timedelta(days=-1)},
        {"grace": timedelta(days=-1)},
    ],
)
async def test_arguments_that_cannot_work_are_refused(world, shelf, depot, options) -> None:
    """Before anything is deleted."""
    lay(shelf, key())
    with pytest.raises(ConfigurationError):
        await world.sweep(**options)
    assert len(keys(shelf)) == 1


async def test_a_column_without_its_storage_stops_the_sweep(world, shelf) -> None:
    """The depot is not registered here: what should be swept cannot be."""
    lay(shelf, key())
    with pytest.raises(UnknownStorageError, match="depot"):
        await world.sweep()
    assert (await world.sweep(storages=["shelf"])).counts["deleted"] == 1


async def test_malformed_values_keep_what_they_name(world, shelf, depot) -> None:
    """They may be repaired: neither a value with a wrong field nor one of which nothing can be read loses its file."""
    wrong, cut, nested, nobody = (lay(shelf, key()) for _ in range(4))
    world.insert(1, value(wrong, size="big"))
    world.insert(2, json.dumps(value(cut)[:-5]))
    world.insert(3, json.dumps([{"was": [value(nested)]}]), column="pages")
    report = await world.sweep()
    assert keys(shelf) == {wrong, cut, nested}
    assert report.counts["malformed"] == 3
    assert [finding.key for finding in report.findings] == [nobody]


async def test_two_names_of_one_place_are_noticed(driver, world, register, tmp_path) -> None:
    """An object that a row holds through another storage, whose folder lies within this one, stays."""
    from holdfast import StorageBackend, storages
    from holdfast.drivers.local import LocalDriver

    shelf = register("shelf")
    inner = storages.register_backend(StorageBackend("depot", LocalDriver(tmp_path / "shelf" / "inner")))
    try:
        held, garbage = lay(inner, key()), lay(inner, key())
        world.insert(1, value(held, storage="depot"), column="spare")
        report = await world.sweep(storages=["shelf"])
        assert keys(inner) == {held}
        assert report.storages["shelf"].counts["elsewhere"] == 1
        assert [finding.key for finding in report.findings] == [f"inner/{garbage}"]
        assert keys(shelf) == {f"inner/{held}"}
    finally:
        storages.unregister("depot")


async def test_a_storage_that_fails_does_not_stop_the_others(world, shelf, depot) -> None:
    """Neither in its listing nor in its deletions; the report says so."""
    lay(depot, key())

    def fail() -> None:
        raise PermissionError(13, "no entry")

    shelf._abilities.before["list"] = [fail]
    report = await world.sweep()
    assert not report.ok
    assert list(report.errors) == ["shelf"]
    assert keys(depot) == set()


async def test_what_cannot_be_deleted_is_counted(world, shelf, depot) -> None:
    """It is an error, and there for the next time."""
    stuck = lay(shelf, key())
    lay(depot, key())

    def fail() -> None:
        raise PermissionError(13, "no entry")

    shelf._abilities.before["delete"] = [fail]
    report = await world.sweep()
    assert not report.ok
    assert (report.counts["failed"], report.counts["deleted"]) == (1, 1)
    assert keys(shelf) == {stuck}
    assert (await world.sweep()).ok
    assert keys(shelf) == set()


async def test_unfinished_uploads_go(driver, world, local, depot, tmp_path) -> None:
    """A temporary file that a crash left, once it is older than the grace period."""
    lay(local, key())
    temporary = tmp_path / "shelf" / ".holdfast-tmp" / "crashed"
    temporary.parent.mkdir(exist_ok=True)
    temporary.write_bytes(b"half")
    os.utime(temporary, (1, 1))
    report = await world.sweep(delete=False, grace=timedelta(hours=1))
    assert report.counts["partial"] == 1
    assert temporary.exists()
    assert (await world.sweep(grace=timedelta(hours=1))).counts["partial"] == 1
    assert not temporary.exists()


async def test_progress_is_told(world, shelf, depot) -> None:
    """By phase and storage."""
    lay(shelf, key())
    await fill(world)
    told = []
    await world.sweep(progress=told.append)
    assert [each.phase for each in told if each.storage == "shelf"] == ["list", "compare", "confirm", "delete"]
    assert ("rows", None) in {(each.phase, each.storage) for each in told}


async def test_only_storages_that_columns_name_are_swept(world, shelf, depot, register) -> None:
    """What an application keeps elsewhere by hand is not touched."""
    annex = register("annex")
    lay(annex, key())
    report = await world.sweep(Base)
    assert "annex" not in report.storages
    assert len(keys(annex)) == 1
