"""Shards on a Dask cluster (the extra ``dask``): its scheduler hands them out, and does again what a worker lost."""

from __future__ import annotations

import sys
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from holdfast.errors import ConfigurationError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

_SECONDS = 10.0  # until a scheduler has answered
_AT_ONCE = 16  # tasks at least: more workers may come while it runs


@contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """Lend the executor of a cluster.

    Args:
        address: Where its scheduler listens, such as ``tcp://10.0.0.5:8786``.

    Raises:
        ConfigurationError: Nobody answers there.
    """
    try:
        from distributed import Client  # noqa: PLC0415  # half a second that threads need not pay
    except ImportError as missing:
        message = 'work on a Dask cluster needs a package: pip install "holdfast[dask]"'
        raise MissingExtraError(message) from missing
    try:
        connect: Any = Client
        client = connect(address, timeout=_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        message = f"no Dask scheduler answers at {address}: {error}"
        raise ConfigurationError(message) from error
    with client:
        yield _Cluster(client)


def recognized(executor: Executor) -> Executor:
    """Return the executor that a Dask client made by itself as one of `cluster`; any other as it is."""
    known = sys.modules.get("distributed.cfexecutor")  # where it is not imported, nobody has a client
    if known is not None and isinstance(executor, known.ClientExecutor):
        native: Any = executor
        return _Cluster(native._client)
    return executor


class _Cluster(Executor):
    """The executor of a client, which also tells how much it does at once, and whether anybody is there."""

    def __init__(self, client: Any) -> None:
        self._client, self._tasks = client, client.get_executor(pure=False)
        self._max_workers = max(_AT_ONCE, sum(client.nthreads().values()))

    def submit(self, call: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        """Hand a task to the scheduler."""
        future: Future[Any] = self._tasks.submit(call, *arguments, **options)
        return future

    def is_reachable(self) -> bool:
        """Return whether the scheduler is there: a connection that is lost is sought for a while."""
        return bool(self._client.status == "running")
