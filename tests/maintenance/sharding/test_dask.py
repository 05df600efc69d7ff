"""Work on a Dask cluster, of which a worker is killed in the middle."""

import os
import signal
import warnings
from collections.abc import Iterator
from typing import Any, Self

import pytest

from holdfast.errors import ConfigurationError
from holdfast.maintenance import Progress, backfill, migrate, sweep, verify
from holdfast.maintenance.sharding.distributed import cluster, recognized
from tests.cli.conftest import Shop as Application
from tests.maintenance.sharding import shop
from tests.maintenance.sharding.conftest import NOW

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from distributed import Client, LocalCluster

VERIFY, SWEEP, MIGRATE, BACKFILL = ((command, None) for command in (verify, sweep, migrate, backfill))


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    """The address of a cluster of four processes: three are killed, and whether they start again does not matter."""
    with LocalCluster(
        n_workers=4, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs=50
    ) as local:
        yield local.scheduler_address


@pytest.fixture
def sharded(simple, scheduler) -> Iterator[dict[str, Any]]:
    """The arguments that send work to the cluster, in small shards."""
    with shop.Session(simple.engine) as session:
        shop.fill(session, 120)
    with cluster(scheduler) as executor:
        yield {"executor": executor, "shard_size": 10, "application": simple.opener}


class Killer:
    """Kills a worker once, when the first shard is done and the others are under way."""

    def __init__(self, scheduler: str, phase: str) -> None:
        self.client = Client(scheduler, set_as_default=False)
        self.pids = self.client.run(os.getpid, on_error="ignore")
        self.phase = phase
        self.killed: str | None = None

    def __call__(self, step: Progress) -> None:
        """Kill one that has something to do."""
        if step.phase == self.phase and self.killed is None:
            busy = [worker for worker, tasks in self.client.processing().items() if tasks and worker in self.pids]
            if busy:
                self.killed = busy[0]
                os.kill(self.pids[self.killed], signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        assert self.killed is not None
        assert self.pids[self.killed] not in self.client.run(os.getpid, on_error="ignore").values()
        self.client.close()


async def test_verify_and_backfill(simple, sharded) -> None:
    """Workers know nothing but how to open the application, and find what this process finds."""
    whole = await simple.run(VERIFY, grace=NOW)
    assert shop.plain(await simple.run(VERIFY, grace=NOW, **sharded)) == shop.plain(whole)
    filled = await simple.run(BACKFILL, **sharded)
    assert filled.counts["filled"] > 100
    assert (await simple.run(BACKFILL)).counts["filled"] == 0
    deep = await simple.run(VERIFY, grace=NOW, deep=True, **sharded)
    assert deep.counts["hashed"] > 100
    assert deep.counts["missing"] == whole.counts["missing"]


async def test_a_clients_own_executor(simple, scheduler, sharded) -> None:
    """What `Client.get_executor` returns is as good, even if it takes equal calls for one."""
    with Client(scheduler, set_as_default=False) as client:
        options = sharded | {"executor": client.get_executor()}
        found = await simple.run(VERIFY, grace=NOW, **options)
        assert recognized(client.get_executor()).is_reachable()
    assert shop.plain(found) == shop.plain(await simple.run(VERIFY, grace=NOW))


async def test_sweep_loses_a_worker(simple, scheduler, sharded, monkeypatch) -> None:
    """While it searches and while it deletes: what no row holds goes, and nothing else."""
    monkeypatch.setattr("holdfast.maintenance.sharding.sweeping.CHUNK", 10)
    expected = {each.key for each in (await simple.run(SWEEP, grace=NOW)).findings}
    before = shop.objects()["shelves"] | shop.objects()["crypt"]
    for phase in ("shards", "clear"):
        with Killer(scheduler, phase) as killer:
            report = await simple.run(SWEEP, grace=NOW, delete=phase == "clear", progress=killer, **sharded)
        assert not report.errors
        assert {each.key for each in report.findings} <= expected
    left = shop.objects()["shelves"] | shop.objects()["crypt"]
    assert {key.removeprefix("public/") for key in before - left} == {key.removeprefix("public/") for key in expected}
    assert (await simple.run(SWEEP, grace=NOW)).counts["unreferenced"] == 0


async def test_migrate_loses_a_worker(simple, scheduler, sharded) -> None:
    """Every file is moved once, every row has its file, and nothing is left behind."""
    await simple.run(SWEEP, grace=NOW, delete=True, all_keys=True)
    wrong = broken(await simple.run(VERIFY, grace=NOW))
    contents = {key: shop.storages.get("crypt").read(key) for key in shop.objects()["crypt"]}
    with Killer(scheduler, "rows") as killer:
        report = await simple.run(MIGRATE, source="crypt", target="shelves", progress=killer, **sharded)
    assert not report.errors, report.to_dict()
    assert {each.kind for each in report.rows.findings} <= {"missing", "corrupt", "malformed"}
    left = {each.key for each in report.rows.findings if each.kind == "corrupt"}
    assert shop.objects()["crypt"] == left
    moved = contents.keys() - left
    assert {key: shop.storages.get("shelves").read(key) for key in moved} == {key: contents[key] for key in moved}
    assert broken(await simple.run(VERIFY, grace=NOW)) == wrong
    assert (await simple.run(SWEEP, grace=NOW)).counts["unreferenced"] == 0


def test_the_command(tmp_path, scheduler) -> None:
    """``--dask``: the workers open the application with the settings that they are sent, in a folder without any."""
    application = Application(tmp_path)
    for number in range(30):
        application.add(f"{number}.txt")
    application.storage.delete(application.add("gone.txt"))
    done = application.run("verify", "--grace", "0s", "--dask", scheduler, "--shard-size", "10")
    assert done.status == 1, done
    assert "docs: 1 missing" in done.out
    assert "1 problem: 31 files in 31 rows, 30 objects stored." in done.out
    application.engine.dispose()


def broken(report) -> set[tuple[str, str | None]]:
    """Return what is wrong, wherever it lies."""
    return {(each.kind, each.key) for each in report.findings if each.kind != "unreferenced"}


def test_an_address_where_nobody_listens_is_an_error(monkeypatch) -> None:
    """After a while; it names the address."""
    monkeypatch.setattr("holdfast.maintenance.sharding.distributed._SECONDS", 0.5)
    with pytest.raises(ConfigurationError, match=r"tcp://127\.0\.0\.1:9"), cluster("tcp://127.0.0.1:9"):
        pass
