"""Work in shards: in threads, or on a Dask cluster whose workers open the application by themselves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from holdfast.cli.application import worker_application
from holdfast.cli.settings import read_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Shards(NamedTuple):
    """What the options say.

    Attributes:
        workers: Threads; None for none.
        dask: Address of a scheduler.
        size: Objects or rows of a shard.
    """

    workers: int | None = None
    dask: str | None = None
    size: int | None = None

    @classmethod
    def of(cls, workers: int | None, dask: str | None, size: int | None) -> Shards:
        """Check the options.

        Raises:
            BadOptionUsage: They do not go together.
        """
        if workers and dask:
            message = "--workers and --dask are two ways to do the work: give one of them."
            raise click.BadOptionUsage("workers", message)
        if size and not (workers or dask):
            message = "--shard-size goes with --workers or --dask."
            raise click.BadOptionUsage("shard_size", message)
        return cls(workers, dask, size)

    def refuse(self, resume: str | None) -> None:
        """Refuse a file for the progress.

        Raises:
            BadOptionUsage: There is one, and there are workers.
        """
        if resume and (self.workers or self.dask):
            message = "--resume does not go with --workers and --dask: start again at any time."
            raise click.BadOptionUsage("resume", message)

    @contextmanager
    def arguments(self, application: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Lend the arguments of a command in `holdfast.maintenance`.

        Args:
            application: The options ``app``, ``engine`` and ``database``.
        """
        if self.workers:
            with ThreadPoolExecutor(self.workers, thread_name_prefix="holdfast-shard") as executor:
                try:
                    yield {"executor": executor, "shard_size": self.size}
                finally:
                    executor.shutdown(wait=False, cancel_futures=True)
        elif self.dask:
            from holdfast.maintenance.sharding.distributed import cluster  # noqa: PLC0415  # an extra

            opener = partial(worker_application, **application, settings=read_settings(Path.cwd()))
            with cluster(self.dask) as executor:
                yield {"executor": executor, "shard_size": self.size, "application": opener}
        else:
            yield {}
