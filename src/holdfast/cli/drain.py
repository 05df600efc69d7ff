"""``holdfast drain``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy import func, select

from holdfast.cli.options import application_options
from holdfast.cli.output import Output
from holdfast.cli.running import run
from holdfast.cli.words import count
from holdfast.errors import ConfigurationError
from holdfast.orm.outbox import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import MetaData
    from sqlalchemy.orm import Session

    from holdfast.cli.progress import Meter


@click.command(short_help="Empty the outbox.")
@application_options
def drain(*, as_json: bool, **application: Any) -> None:
    """Empty the outbox: delete the files that committed transactions let go of.

    The application does this after each commit. What a crash, or a storage that was down, left waiting goes now.

    \b
    Exit status:
      0  the outbox is empty
      1  files still wait
      2  it could not run

    \b
    Examples:
      holdfast drain
      holdfast drain --app shop.models:Base --database postgresql+psycopg://shop@db/shop
    """  # noqa: D301  # click keeps the lines after this sign as they are
    output = Output(as_json=as_json)

    def work(session: Session, metadata: list[MetaData], _: Meter) -> Callable[[], int]:
        outboxes = [outbox for each in metadata if (outbox := Outbox.of(each)) is not None]
        if not outboxes:
            message = "these tables have no outbox: declare one beside the models, Outbox(Base.metadata)"
            raise ConfigurationError(message)
        started = int(time.time())
        deleted = sum(outbox.drain(session) for outbox in outboxes)
        waiting = sum(_waiting(session, outbox, started) for outbox in outboxes)
        return lambda: _show(output, deleted, waiting)

    run("drain", output, application, work, interrupted="Start again at any time: nothing is lost.")


def _waiting(session: Session, outbox: Outbox, before: int) -> int:
    """Count what was not deleted, without what came since."""
    entry = outbox.table.c
    query = select(func.count()).select_from(outbox.table).where(entry.kind == "drop", entry.created_at < before)
    found: int = session.scalar(query) or 0
    return found


def _show(output: Output, deleted: int, waiting: int) -> int:
    status = 1 if waiting else 0
    output.line((f"{count(deleted, 'file')} deleted.", "green") if deleted else "Nothing to delete.")
    if waiting:
        output.line((f"{count(waiting, 'entry', 'entries')} of the outbox still wait: see the log.", "red"))
    output.document({"command": "drain", "status": status, "deleted": deleted, "waiting": waiting})
    return status
