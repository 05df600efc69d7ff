"""Storages in memory that stand in for an application's own."""

import pytest

from holdfast import FileObject, storages
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.errors import (
    AccessDeniedError,
    StorageError,
    StorageTimeoutError,
    UnknownStorageError,
    UnsupportedError,
)
from holdfast.testing import StandIns


@pytest.fixture(autouse=True)
def production():
    """Storages of an application, none of which can be reached from here."""
    before = dict(storages.all())
    storages.clear()
    storages.register_backend(
        "s3://production/", key="bucket", aws_region="eu-west-1", key_scheme="{id}.bin", checksum=None
    )
    storages.register_backend(ObstoreBackend("disk", "file:///nowhere/that/can/be/written/"))
    yield storages
    storages._backends.clear()
    storages._backends.update(before)


async def test_every_storage_is_replaced_and_comes_back():
    """Under the same names, with the same rules; afterwards the very same storages are there."""
    before = dict(storages.all())
    with StandIns() as stand_ins:
        assert list(stand_ins) == ["bucket", "disk"]
        file = FileObject(backend="bucket", filename="a.txt", content=b"a").save()
        assert file.path.endswith(".bin")
        assert file.checksum is None
        await FileObject(backend="disk", filename="b.txt", to_filename="b.txt", content=b"b").save_async()
        assert stand_ins.objects("disk") == {"b.txt": b"b"}
        assert stand_ins["bucket"].read(file.path) == b"a"
    assert storages.all() == before
    assert all(storages.get(key) is storage for key, storage in before.items())


def test_what_the_application_registers_meanwhile():
    """In its lifespan, by name or by object, and through files that hold the object."""
    with StandIns() as stand_ins:
        real = FSSpecBackend("late", fs="s3", prefix="production", username="x", password="y")
        storages.register_backend(real)
        FileObject(backend=real, filename="a.txt", to_filename="a.txt", content=b"a").save()
        storages.register_backend("memory://", key="later")
        assert stand_ins.objects("late") == {"a.txt": b"a"}
        assert set(stand_ins) == {"bucket", "disk", "late", "later"}
        with pytest.raises(UnknownStorageError):
            stand_ins.objects("none")
    assert "late" not in storages


def test_it_takes_what_the_service_takes():
    """Signed URLs where the service has them, and nowhere else."""
    with StandIns() as stand_ins:
        stand_ins.add("extra").put("x", b"bytes", object_settings={"storage_class": "COLD", "tags": {"a": "b"}})
        assert stand_ins["bucket"].sign("a b.txt", expires_in=60, for_upload=True) == (
            "https://storage.test/a%20b.txt?method=PUT&expires_in=60"
        )
        with pytest.raises(UnsupportedError):
            stand_ins["disk"].sign("a")


@pytest.mark.parametrize(
    ("error", "expected"),
    [(None, StorageError), (TimeoutError(), StorageTimeoutError), (PermissionError("no"), AccessDeniedError)],
)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_it_fails_on_cue(error, expected, when):
    """Once, before or after the effect, through both halves, as an error of Holdfast."""
    with StandIns() as stand_ins:
        for turn, save in enumerate([FileObject.save, FileObject.save_async]):
            stand_ins.fail("disk", "put", when=when, error=error)
            for attempt in range(2):
                file = FileObject(backend="disk", filename="x", to_filename=f"{turn}/{attempt}", content=b"x")
                if attempt == 0:
                    with pytest.raises(expected, match=r"put of .* in storage 'disk' failed"):
                        _ = save(file) if save is FileObject.save else await save(file)
                else:
                    _ = save(file) if save is FileObject.save else await save(file)
        found = set(stand_ins.objects("disk"))
        assert found == {"0/1", "1/1"} | ({"0/0", "1/0"} if when == "after" else set())


def test_calls_are_counted_from_now_on():
    """However many there were before."""
    with StandIns() as stand_ins:
        for number in range(3):
            stand_ins["disk"].put(f"{number}", b"x")
        stand_ins.fail("disk", "put", skip=1)
        stand_ins["disk"].put("3", b"x")
        with pytest.raises(StorageError):
            stand_ins["disk"].put("4", b"x")
        stand_ins["disk"].put("5", b"x")


def test_an_application_that_starts_twice():
    """Registering a storage again, as a second test client does, keeps what lies in it."""
    with StandIns() as stand_ins:
        stand_ins["disk"].put("a", b"a")
        storages.register_backend(ObstoreBackend("disk", "file:///nowhere/that/can/be/written/"))
        assert stand_ins.objects("disk") == {"a": b"a"}


def test_one_inside_another():
    """Inside a test that has them already, nothing real shows when the inner ones end."""
    with StandIns() as outer:
        outer["disk"].put("a", b"a")
        with StandIns() as inner:
            assert inner.objects("disk") == {"a": b"a"}
        storages.register_backend("s3://production/", key="late", aws_region="eu-west-1")
        outer["late"].put("b", b"b")
        assert outer.objects("late") == {"b": b"b"}


def test_a_storage_that_can_only_be_read():
    """Its stand-in refuses writes as it does; the test puts there what is to be read."""
    storages.register_backend("https://example.com/files/", key="web")
    with StandIns() as stand_ins:
        stand_ins.lay("web", "a.txt", b"a")
        assert stand_ins["web"].read("a.txt") == b"a"
        with pytest.raises(UnsupportedError, match="read-only"):
            stand_ins["web"].put("b.txt", b"b")
        with pytest.raises(UnsupportedError, match="read-only"):
            stand_ins["web"].delete("a.txt")
