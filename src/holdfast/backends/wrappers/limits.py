"""Retries, timeouts and a limit of requests for services that have none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.backends.wrappers.standing import OverStorage, check_number, check_seconds, inner_driver
from holdfast.drivers.wrappers.limits import LimitedDriver, Policy

if TYPE_CHECKING:
    from holdfast.backends.base import StorageBackend


class LimitedBackend(OverStorage):
    """A storage whose operations are repeated, given up when they hang, and limited in number.

    For services that do not do so by themselves: SFTP, FTP, WebDAV, network drives. obstore has retries and timeouts
    of its own, which are options of `holdfast.backends.obstore.ObstoreBackend`.

    What timed out, was throttled or could not be reached is tried again, after a random pause that may be longer each
    time. A put is repeated if its content can be read again, else it raises what failed. A stream goes on with the next
    byte, if the object is still the same.

    Python cannot end a thread. A call that hangs in a library without an async half is left alone in its thread,
    with its connection: its put may still take effect after it was reported as timed out, and it is not repeated.

    Args:
        key: Name under which rows and files refer to the storage.
        storage: The storage that does the work.
        retries: Further attempts after one that failed.
        timeout: Seconds without any progress after which an attempt is given up, None for never. What is sent as one
            request has to be through in this time: a put up to 8 MiB, or one without multipart. Time in which content
            to be stored is waited for does not count.
        max_concurrency: Requests under way at once, over all threads and event loops; None for no limit. It limits the
            uploads of a flush as well.
        **options: See `PrefixBackend`.

    Raises:
        ConfigurationError: A limit is out of range.
    """

    def __init__(
        self,
        key: str,
        storage: StorageBackend,
        *,
        retries: int = 3,
        timeout: float | None = 60.0,
        max_concurrency: int | None = None,
        **options: Any,
    ) -> None:
        inner = inner_driver(key, storage)
        check_number(key, "retries", retries, least=0)
        check_seconds(key, timeout)
        if max_concurrency is not None:
            check_number(key, "max_concurrency", max_concurrency, least=1)
            options["max_concurrency"] = max_concurrency
        super().__init__(key, LimitedDriver(inner, Policy(retries, timeout), max_concurrency), storage, options)
