"""Libraries whose threads do not survive a fork.

A forked child has only the thread that called ``fork`` (POSIX). A library that waits for a runtime thread of its own
hangs there for ever, so its driver asks a `ForkGuard` before each call.
"""

from __future__ import annotations

import os

from holdfast.errors import ForkError


class ForkGuard:
    """Remembers whether this process, or the one that it was forked from, used a library.

    Importing the library and configuring storages before a fork is harmless; using it is not.

    Args:
        library: Name of the library, for the message.
    """

    def __init__(self, library: str) -> None:
        self._library = library
        self._used = False
        self._broken = False
        if hasattr(os, "register_at_fork"):  # Windows has no fork
            os.register_at_fork(after_in_child=self._forked)

    def enter(self) -> None:
        """Note that the library is about to be used.

        Raises:
            ForkError: It was used before this process was forked, so that the call would hang.
        """
        if self._broken:
            message = (
                f"{self._library} was used before this process was forked, and its threads did not come along: "
                'start processes with the "spawn" or "forkserver" method (multiprocessing.set_start_method), '
                "or use the storage only after the fork"
            )
            raise ForkError(message)
        self._used = True

    def _forked(self) -> None:
        self._broken = self._broken or self._used
