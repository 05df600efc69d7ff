"""How every command goes: find the application, work, and end with a status that says how it went."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from holdfast.cli.application import open_application
from holdfast.errors import HoldfastError, StorageError, SweepRefusedError, UnknownStorageError
from holdfast.maintenance.database import run_together

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from holdfast.cli.output import Output
    from holdfast.cli.progress import Meter
    from holdfast.maintenance.database import Database

    Work = Callable[..., Callable[[], int]]
    """Called with a session of each database, the tables, and what shows progress."""

INTERRUPTED = 130  # 128 + SIGINT, as shells have it
_FAILED, _REFUSED = 1, 2
_PASSWORD = re.compile(r"(?<=://)([^\s:/@]*):[^\s/]*@(?=[^\s@])")


def run(
    name: str,
    output: Output,
    application: Mapping[str, Any],
    work: Work,
    *,
    interrupted: str,
    beside: Callable[[], Database] | None = None,
) -> NoReturn:
    """Run a command to its end and leave with its status.

    Args:
        name: Name of the command, for the JSON document.
        output: Where it writes.
        application: The options ``app``, ``engine`` and ``database``.
        work: Does it, and returns what shows the result and knows the status.
        interrupted: What to say after Ctrl-C.
        beside: Opens a second database to work with.
    """

    def begin() -> Callable[[Meter], Callable[[], int]]:
        found = open_application(**application)
        databases = [found.database, *([beside()] if beside is not None else [])]
        return lambda meter: run_together(databases, lambda *sessions: work(*sessions, found.metadata, meter))

    conclude(name, output, begin, interrupted=interrupted)


def conclude(
    name: str, output: Output, begin: Callable[[], Callable[[Meter], Callable[[], int]]], *, interrupted: str
) -> NoReturn:
    """Run a command that may need no database to its end, and leave with its status.

    Args:
        name: Name of the command, for the JSON document.
        output: Where it writes.
        begin: Prepares the work, before progress is shown, and returns it.
        interrupted: What to say after Ctrl-C.
    """
    with output.guarded():
        try:
            work = begin()
            with output.metered() as meter:
                show = work(meter)
        except KeyboardInterrupt:
            output.remark(f"\nInterrupted. {interrupted}")
            status = INTERRUPTED
        except (HoldfastError, SQLAlchemyError, OSError) as error:
            status = _FAILED if isinstance(error, StorageError) else _REFUSED
            message = without_password(_told(error))
            output.complain(message)
            output.document({"command": name, "status": status, "error": message})
        else:
            status = show()
    sys.stdout.flush()
    sys.exit(status)


def without_password(text: str) -> str:
    """Return a text in which URLs have lost their passwords."""
    return _PASSWORD.sub(r"\1:***@", text)


def _told(error: Exception) -> str:
    if isinstance(error, SweepRefusedError):
        return f"{error}\n(--app once more, --storage, or --shared)"
    if isinstance(error, UnknownStorageError):
        setup = "Where the application does that in a function, name it in pyproject.toml"
        return f'{error}\n{setup}: [tool.holdfast] setup = "shop.storage:register"'
    if isinstance(error, DBAPIError):
        return f"the database: {str(error.orig).strip()}"
    return f"the database: {error}" if isinstance(error, SQLAlchemyError) else str(error)
