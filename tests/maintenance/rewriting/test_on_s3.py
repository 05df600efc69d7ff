"""Backfill, rekey and alter on a bucket, with PostgreSQL and SQLite, in both worlds."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from holdfast import StorageBackend, storages
from holdfast.backends.obstore import ObstoreBackend
from holdfast.maintenance import alter, alter_async, backfill, backfill_async, rekey, rekey_async
from holdfast.testing.s3 import S3Bucket
from tests.maintenance.conftest import World
from tests.maintenance.stacks import Base, Item


@pytest.fixture(params=["aiosqlite", pytest.param("psycopg", marks=pytest.mark.postgres)])
def driver(request: pytest.FixtureRequest) -> str:
    """The database's driver, which stands for the world."""
    name: str = request.param
    return name


@pytest.fixture
def bucket(s3_bucket: S3Bucket) -> Iterator[StorageBackend]:
    """The storage of most files on S3, with two objects."""
    storage = ObstoreBackend("stacks", f"{s3_bucket.url}below/", **s3_bucket.options)
    for name in ("old/a.csv", "old/b.csv"):
        storage.put(name, name.encode(), content_type="text/csv", metadata={"by": "Zoë"})
    yield storages.register_backend(storage)
    storages._backends.pop("stacks", None)


async def call(world: World, sync: Any, twin: Any, **options: Any) -> Any:
    """Run one of the commands."""
    if world.database.is_async:
        async with AsyncSession(world.database.engine) as session:
            return await twin(session, Base, **options)
    with Session(world.database.engine) as session:
        return sync(session, Base, **options)


async def test_one_after_the_other(world: World, bucket: StorageBackend, s3_bucket: S3Bucket) -> None:
    """Rows of another library are filled in, get keys of Holdfast, and another storage class; the bytes stay theirs."""
    one, two = (json.dumps({"backend": "stacks", "filename": name}) for name in ("old/a.csv", "old/b.csv"))
    world.insert(1, one)
    world.insert(2, f"[{two}]", column="pages")
    filled = await call(world, backfill, backfill_async)
    named = await call(world, rekey, rekey_async, storage="stacks")
    settings = {"storage_class": "STANDARD_IA", "tags": {"team": "x"}}
    altered = await call(world, alter, alter_async, storage="stacks", object_settings=settings)
    assert [each.ok for each in (filled, named, altered)] == [True] * 3
    assert (filled.counts["filled"], named.counts["rekeyed"], altered.counts["objects"]) == (2, 2, 2)
    assert named.counts["deleted"] == 2
    first = await world.run(lambda session: session.get_one(Item, 1).file)
    (second,) = await world.run(lambda session: session.get_one(Item, 2).pages)
    assert sorted(s3_bucket.keys()) == sorted(f"below/{file.path}" for file in (first, second))
    for file, name in ((first, "old/a.csv"), (second, "old/b.csv")):
        info = bucket.stat(file.path)
        assert (file.filename, bucket.read(file.path)) == (name, name.encode())
        assert (file.etag, file.last_modified, file.size) == (info.etag, info.last_modified, info.size)
        assert (info.content_type, info.metadata) == ("text/csv", {"by": "Zoë"})
        file.verify()
    again = await call(world, alter, alter_async, storage="stacks", object_settings=settings)
    assert (again.counts["unchanged"], again.counts["altered"]) == (2, 0)
