"""Trying all storages at once, each within its time."""

from __future__ import annotations

import asyncio
import time
from threading import Thread
from typing import TYPE_CHECKING, Any

from holdfast.backends.base import StorageBackend
from holdfast.config.forms.numbers import seconds
from holdfast.config.loading import Loaded, load_each, signing_of
from holdfast.config.probing.probe import FOLDER, Probe
from holdfast.config.probing.report import CheckReport, Step, StorageCheck
from holdfast.config.reading import read
from holdfast.errors import ConfigurationError, UnknownStorageError
from holdfast.registry import StorageRegistry

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

_LONGEST = 86400.0  # seconds; clocks of the operating system end somewhere
_GRACE = 5.0  # seconds, at most, to delete the probe after the time was up
_UNREACHED = "Check the endpoint, the network and the service's status."
_PLAIN = (
    '{0} stands in the configuration in plain text: write {0} = {{ env = "NAME" }} or {{ file = "/run/secrets/name" }}'
)


def check(
    target: Any,
    *,
    only: Collection[str] | None = None,
    timeout: float = 30.0,
    secrets: Callable[[str], Any] | None = None,
) -> CheckReport:
    """Try storages with a small object: write it, look at it in every way, delete it.

    Nothing is left behind, unless a storage stops answering. Storages that are read-only are only read.

    Args:
        target: The registry, a storage, or a configuration as `configure` takes it, which need not be registered.
        only: Names of the storages to try; None for all.
        timeout: Seconds for each; they are tried at once. What there is no time for counts as failed.
        secrets: See `configure`.

    Returns:
        What works, what each lacks, and what to do about the rest. No secret and no signed URL is in it.

    Raises:
        ConfigurationError: The configuration cannot be read, `only` names an unknown storage, or there is no time.

    Example:
        >>> check({"storages": {"docs": {"uri": "memory://"}}}).ok
        True
    """
    return _Run(_chosen(_targets(target, secrets), only), timeout).wait()


async def check_async(
    target: Any,
    *,
    only: Collection[str] | None = None,
    timeout: float = 30.0,  # noqa: ASYNC109  # asyncio's cannot end what runs in threads
    secrets: Callable[[str], Any] | None = None,
) -> CheckReport:
    """Like `check`."""
    run = await asyncio.to_thread(lambda: _Run(_chosen(_targets(target, secrets), only), timeout))
    return await asyncio.to_thread(run.wait)


def _targets(target: Any, secrets: Callable[[str], Any] | None) -> dict[str, Loaded]:
    if isinstance(target, StorageBackend):
        return {target.key: Loaded(target)}
    if isinstance(target, StorageRegistry):
        return {key: Loaded(storage) for key, storage in target.all().items()}
    configuration = read(target, secrets)
    signing_of(configuration)  # which is an error of all storages, if it is one
    return load_each(configuration)


def _chosen(targets: dict[str, Loaded], only: Collection[str] | None) -> dict[str, Loaded]:
    if isinstance(only, str):
        message = f"only is a collection of names: only=[{only!r}]"
        raise ConfigurationError(message)
    for name in only or ():
        if name not in targets:
            message = f"there is no storage {name!r} (there are: {', '.join(map(repr, targets)) or 'none'})"
            raise UnknownStorageError(message)
    return {key: loaded for key, loaded in targets.items() if only is None or key in only}


class _Run:
    """All probes, each in a thread of its own: one that hangs holds up neither the others nor the program's end."""

    def __init__(self, targets: Mapping[str, Loaded], timeout: float) -> None:
        self._timeout = timeout = min(seconds(timeout, "timeout"), _LONGEST)
        self._started = time.monotonic()
        self._checks = {key: StorageCheck(key) for key in targets}
        self._running: list[tuple[Thread, Probe, StorageCheck]] = []
        for key, loaded in targets.items():
            check = self._checks[key]
            check.notes += [_PLAIN.format(name) for name in loaded.literal]
            if isinstance(loaded.outcome, ConfigurationError):
                check.steps.append(Step("configuration", "failed", str(loaded.outcome)))
                continue
            probe = Probe(loaded.outcome, check, timeout)
            thread = Thread(target=self._probe, args=(probe, check), name=f"holdfast-check-{key}", daemon=True)
            self._running.append((thread, probe, check))
            thread.start()

    def _probe(self, probe: Probe, check: StorageCheck) -> None:
        probe.run()
        check.seconds = round(time.monotonic() - self._started, 3)

    def wait(self) -> CheckReport:
        """Return the report as soon as all have ended, or their time is up."""
        end = self._started + self._timeout + min(self._timeout, _GRACE)
        for thread, probe, check in self._running:
            thread.join(max(0.0, end - time.monotonic()))
            if thread.is_alive():
                self._checks[check.storage] = self._hung(probe, check)
        return CheckReport(dict(self._checks))

    def _hung(self, probe: Probe, check: StorageCheck) -> StorageCheck:
        """Return what is known of a probe that still runs: a copy, which it does not change any more."""
        step = Step(probe.current or "put", "failed", f"no answer within {self._timeout:g} s. {_UNREACHED}")
        left = [f"{probe.key} and its like in {FOLDER}/ may be left there: delete them"] if probe.wrote else []
        spent = round(time.monotonic() - self._started, 3)
        return StorageCheck(check.storage, [*check.steps, step], list(check.lacks), [*check.notes, *left], spent)
