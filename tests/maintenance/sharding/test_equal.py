"""Work in shards ends as the same work in one piece does."""

from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context

import pytest
from sqlalchemy import event

from holdfast.maintenance import (
    Progress,
    backfill,
    backfill_async,
    migrate,
    migrate_async,
    sweep,
    sweep_async,
    verify,
    verify_async,
)
from tests.maintenance.sharding import shop
from tests.maintenance.sharding.conftest import NOW

VERIFY, SWEEP = (verify, verify_async), (sweep, sweep_async)
MIGRATE, BACKFILL = (migrate, migrate_async), (backfill, backfill_async)
SIZE = 31
"""Objects of a shard: about ten shards in all, so that values and keys lie on every side of a boundary."""


@pytest.mark.parametrize("options", [{}, {"deep": True, "sample": 0.5, "storages": ["shelves"]}], ids=str)
async def test_verify_finds_the_same(filled, threads, options) -> None:
    """Missing, truncated, shared, unreferenced and malformed files, each once; counts too."""
    told: dict[bool, list] = {True: [], False: []}
    whole = await filled.run(VERIFY, grace=NOW, on_finding=told[False].append, **options)
    parts = await filled.run(
        VERIFY, grace=NOW, on_finding=told[True].append, executor=threads, shard_size=SIZE, **options
    )
    assert shop.plain(parts) == shop.plain(whole)
    assert not parts.notes
    assert {"missing", "malformed", "unreferenced", "shared"} <= {each.kind for each in whole.findings}
    assert sorted(map(repr, told[True])) == sorted(map(repr, told[False]))


@pytest.mark.parametrize("options", [{}, {"all_keys": True, "since": timedelta(days=36500)}], ids=str)
async def test_sweep_finds_and_deletes_the_same(filled, threads, options) -> None:
    """Whatever the ranges, an object stays if any row holds it under any name, or another object with its id."""
    options = {"grace": NOW} | options
    filled.again()
    whole = await filled.run(SWEEP, **options), await filled.run(SWEEP, delete=True, **options)
    left = shop.objects()
    filled.again()
    parts = await filled.run(SWEEP, executor=threads, shard_size=SIZE, **options)
    assert plain(parts) == plain(whole[0])
    assert shop.objects() != left
    parts = await filled.run(SWEEP, executor=threads, shard_size=SIZE, delete=True, **options)
    assert plain(parts) == plain(whole[1])
    assert parts.counts["deleted"] > 5
    assert shop.objects() == left


def plain(report):
    """Return a sweep's report but for a count that a malformed value in another shard can change."""
    sections = shop.plain(report)
    for section in sections.values():
        section.get("counts", {}).pop("elsewhere", None)
    return sections


async def test_processes_need_configuration_only(simple) -> None:
    """Workers open the application by themselves: they share nothing with this process."""
    with shop.Session(simple.engine) as session:
        shop.fill(session, 60)
    whole = await simple.run(VERIFY, grace=NOW)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor:
        sharded = {"executor": executor, "shard_size": 40, "application": simple.opener}
        parts = await simple.run(VERIFY, grace=NOW, **sharded)
        assert shop.plain(parts) == shop.plain(whole)
        report = await simple.run(SWEEP, grace=NOW, delete=True, **sharded)
        assert report.counts["deleted"] > 5
        assert (await simple.run(SWEEP, grace=NOW)).counts["unreferenced"] == 0
        report = await simple.run(MIGRATE, source="crypt", target="shelves", models="note", **sharded)
        assert report.counts["moved"] > 15, report.to_dict()


async def test_migrate_moves_the_same(filled, threads) -> None:
    """Every file, and the old objects go; what cannot be moved is named once."""
    await filled.run(SWEEP, grace=NOW, delete=True, all_keys=True)
    report = await filled.run(MIGRATE, source="crypt", target="shelves", executor=threads, shard_size=17)
    assert not report.errors, report.to_dict()
    assert report.counts["moved"] == report.counts["to_do"] - len(report.rows.findings) > 30
    assert report.counts["deleted"] == report.counts["moved"] - report.counts["adopted"]
    assert {each.kind for each in report.rows.findings} <= {"missing", "corrupt", "malformed"}
    again = await filled.run(MIGRATE, source="crypt", target="shelves")
    assert again.counts["moved"] == 0
    assert names(again) == names(report)


def names(report):
    """Return what was found."""
    return sorted({(each.kind, each.key, each.rows) for each in report.rows.findings}, key=repr)


async def test_backfill_fills_the_same(filled, threads) -> None:
    """Sizes, checksums and types of all files, by ranges of rows."""
    seen: list[Progress] = []
    whole = await filled.run(BACKFILL, dry_run=True)
    parts = await filled.run(BACKFILL, executor=threads, shard_size=17, progress=seen.append)
    assert parts.counts["to_do"] == whole.counts["to_do"]
    assert parts.counts["filled"] > 30
    assert [step.done for step in seen] == sorted(step.done for step in seen)
    again = await filled.run(BACKFILL)
    assert again.counts["filled"] == 0
    assert names(again) == names(parts)
    assert (await filled.run(VERIFY, grace=NOW, deep=True, executor=threads, shard_size=SIZE)).counts["hashed"] > 30


async def test_rows_are_read_by_the_shard_of_their_key(simple, threads) -> None:
    """No shard reads all of them: what the database sends is little more than the rows there are."""
    with shop.Session(simple.engine) as session:
        session.add_all(shop.Item(file=shop.FileObject(filename="a", content=b"x")) for _ in range(200))
        session.commit()
    fetched = []

    @event.listens_for(simple.engine, "before_cursor_execute")
    def note(connection, cursor, statement, parameters, *rest):
        if "json_extract" in statement and "LIMIT" not in statement:
            again = connection.connection.cursor().execute(statement, parameters)
            fetched.append(len(again.fetchall()))

    report = await simple.run(VERIFY, grace=NOW, executor=threads, shard_size=20)
    assert report.counts["objects"] == 200
    assert sum(fetched) == 200, fetched
    assert len(fetched) > 10


@pytest.mark.parametrize("filled", [pytest.param("psycopg", marks=pytest.mark.postgres)], indirect=True)
async def test_an_index_serves_the_ranges(filled, threads) -> None:
    """The one that the documentation gives, on PostgreSQL."""
    expression = """coalesce(scan ->> 'to_filename', scan ->> 'filename') COLLATE "C\""""
    with filled.engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE INDEX note_scan_key ON note (({expression}))")
    plans = []

    @event.listens_for(filled.engine, "before_cursor_execute")
    def explain(connection, cursor, statement, parameters, *rest):
        if 'COLLATE "C") >' in statement and "FROM note" in statement:
            own = connection.connection.cursor()
            own.execute("SET LOCAL enable_seqscan = off")
            plans.append("".join(row[0] for row in own.execute(f"EXPLAIN {statement}", parameters)))

    await filled.run(VERIFY, grace=NOW, executor=threads, shard_size=SIZE)
    assert plans
    assert all("note_scan_key" in plan for plan in plans), plans[0]
