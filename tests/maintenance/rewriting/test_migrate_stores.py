"""`migrate` between a disk, memory and S3: with few requests, and with all that belongs to an object."""

import pytest

from holdfast import FileObject, StorageBackend, storages
from holdfast.backends.obstore import ObstoreBackend
from holdfast.drivers.local import LocalDriver
from tests.maintenance.conftest import World
from tests.maintenance.rewriting.moves import BIG, Base, Deed, Moves, file
from tests.maintenance.stacks import keys

pytestmark = pytest.mark.s3
MIDDLE = bytes(3_000_000)
"""More than is read into memory, less than what is sent in parts."""


@pytest.fixture(params=["pysqlite", "aiosqlite"])
def driver(request) -> str:
    """Sync and async."""
    return request.param


@pytest.fixture(params=["disk", "memory", "s3"])
def old(request, tmp_path, ministack) -> StorageBackend:
    """Where the files are."""
    if request.param == "disk":
        yield storages.register_backend(StorageBackend("old", LocalDriver(tmp_path / "old", durable=False)))
    elif request.param == "memory":
        yield storages.register_backend("memory://", key="old")
    else:
        bucket = ministack.make_bucket()
        yield storages.register_backend(ObstoreBackend("old", bucket.url, **bucket.options))
    storages._backends.pop("old", None)


@pytest.fixture
async def moves(world: World, old: StorageBackend, s3_bucket, counting_proxy) -> Moves:
    """From there to a bucket, past somebody who counts."""
    proxy = counting_proxy(s3_bucket.server.endpoint)
    bucket = s3_bucket.at(proxy.endpoint)
    await world.database.create(Base)
    made = Moves(world, old, storages.register_backend(ObstoreBackend("new", bucket.url, **bucket.options)))
    made.proxy, made.bucket = proxy, s3_bucket
    yield made
    storages._backends.pop("new", None)


async def test_small_files_take_one_request(moves: Moves) -> None:
    """One PUT for each, besides what an object that is put twice tells, and one listing."""
    await moves.add(*(Deed(file=file(b"%d" % number)) for number in range(20)))
    moves.proxy.clear()
    report = await moves.migrate()
    assert (report.ok, report.counts["moved"], report.counts["deleted"]) == (True, 20, 20)
    puts = [request.path for request in moves.proxy.requests if request.method == "PUT"]
    assert (len(puts), len(set(puts))) == (22, 21)
    assert (len(moves.proxy.requests), moves.proxy.count("HEAD"), moves.proxy.count("GET")) == (25, 1, 1)
    assert (await moves.verify()).ok
    assert not keys(moves.old)


async def test_larger_files(moves: Moves) -> None:
    """They arrive whole, whichever way they go, and no upload is left unfinished."""
    await moves.add(Deed(file=file(MIDDLE)), Deed(file=file(BIG)), Deed(pages=[file(b""), file(BIG)]))
    assert (await moves.migrate()).counts["moved_bytes"] == 3_000_000 + 2 * len(BIG)
    assert (await moves.verify()).ok
    assert moves.bucket.uploads() == 0


async def test_what_belongs_to_an_object(moves: Moves) -> None:
    """Media type and metadata come along, for small and large objects; the settings are those of the new storage."""
    options = {"content_type": "text/x-plan", "metadata": {"by": "Ädä"}}
    await moves.add(
        *(Deed(file=FileObject(filename="plan.txt", content=content, **options)) for content in (b"1", MIDDLE, BIG))
    )
    await moves.migrate()
    for number in (1, 2, 3):
        info = moves.new.stat(moves.json(number)["to_filename"])
        assert (info.content_type, info.metadata) == ("text/x-plan", {"by": "Ädä"})
        assert (info.etag, info.size) == (moves.json(number)["etag"], moves.json(number)["size"])


async def test_a_run_after_one_that_was_cut_off(moves: Moves) -> None:
    """What was copied before is taken over: nothing is written twice."""
    await moves.add(*(Deed(file=file(content)) for content in (b"1", b"2", MIDDLE, BIG)))
    for key in keys(moves.old):
        moves.new.put(key, moves.old.read(key))
    before = {info.key: info.last_modified for info in moves.new.list()}
    assert (await moves.migrate()).counts["adopted"] == 4
    assert {info.key: info.last_modified for info in moves.new.list()} == before
    assert (await moves.verify()).ok


async def test_corrupt_large_files_leave_nothing(moves: Moves) -> None:
    """A stream that turns out wrong at its end is not stored, nor is a copy that the service made."""
    await moves.add(Deed(id=1, file=file(MIDDLE)), Deed(id=2, file=file(BIG)))
    for number, content in ((1, MIDDLE), (2, BIG)):
        moves.old.put(moves.json(number)["to_filename"], content[:-1] + b"!")
    report = await moves.migrate()
    assert report.counts["corrupt"] == 2
    assert not keys(moves.new)
    assert moves.bucket.uploads() == 0


async def test_a_server_without_conditional_writes(world: World, rclone_bucket, old: StorageBackend) -> None:
    """It is asked first: what lies there is neither written over nor copied again."""
    await world.database.create(Base)
    bucket = rclone_bucket
    moves = Moves(world, old, storages.register_backend(ObstoreBackend("new", bucket.url, **bucket.options)))
    await moves.add(Deed(id=1, file=file(b"same")))
    moves.lay("logo.png", b"mine", number=2)
    key = moves.json(1)["to_filename"]
    moves.new.put(key, b"same"), moves.new.put("logo.png", b"else")
    report = await moves.migrate()
    assert (report.counts["adopted"], report.counts["renamed"], report.counts["moved"]) == (1, 1, 2)
    assert moves.new.read("logo.png") == b"else"
    assert (await moves.verify()).ok
    storages._backends.pop("new", None)


async def test_one_bucket_with_two_addresses(moves: Moves) -> None:
    """An object tells that both names lead to one place: rows get the other name, and nothing is deleted."""
    bucket = moves.bucket
    storages.register_backend(ObstoreBackend("old", bucket.url, **bucket.options))
    await moves.add(Deed(id=1, file=file(b"here")))
    report = await moves.migrate()
    assert (report.counts["moved"], report.counts["deleted"]) == (1, 0)
    assert moves.json(1)["backend"] == "new"
    assert bucket.keys() == [moves.json(1)["to_filename"]]
    assert (await moves.verify()).ok
