"""One database driver under test: its world, its bench, and runs of transactions on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.orm.model import bulk_steps, file_steps, outsider_steps, raw_steps, row_steps
from tests.orm.model.bench import Bench
from tests.orm.model.interpreter import Run
from tests.orm.model.operations import FILLED, Transaction
from tests.orm.model.schema import Mode
from tests.orm.model.worlds import AsyncWorld, SyncWorld, World

STEPS = row_steps.STEPS | file_steps.STEPS | bulk_steps.STEPS | raw_steps.STEPS | outsider_steps.STEPS


class Driver:
    """A world and a bench over one database."""

    def __init__(self, world: World, bench: Bench) -> None:
        self._world, self._bench = world, bench

    def run(self, transactions: Sequence[Transaction], *, expire_on_commit: bool = True) -> None:
        """Run transactions on tables that hold a few rows.

        Raises:
            BrokenPromiseError: What was found after one of them is not what the model says.
        """
        self._bench.clear()
        self._world.open(expire_on_commit=expire_on_commit)
        run = Run(self._world, self._bench, STEPS)
        self._world.run(run.run([FILLED, *transactions]))


@contextmanager
def opened(url: str, bench_url: str, *, is_async: bool, mode: Mode = Mode.PLAIN) -> Iterator[Driver]:
    """Open a driver over an empty database; the bench looks at it through a sync one."""
    world: World = AsyncWorld(url) if is_async else SyncWorld(url)
    bench = Bench(bench_url, mode)
    try:
        with bench.open():
            yield Driver(world, bench)
    finally:
        world.dispose()
