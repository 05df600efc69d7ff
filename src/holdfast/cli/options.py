"""Options that the commands share."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any, TypeVar

import click

from holdfast.cli.values import Duration

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")

_APPLICATION = (
    click.option(
        "--app",
        multiple=True,
        metavar="MODULE:NAME",
        help="Declarative base or MetaData, such as shop.models:Base. May be given several times.",
    ),
    click.option(
        "--engine",
        metavar="MODULE:NAME",
        help="Engine, session factory, or a function that returns one; async ones too.",
    ),
    click.option(
        "--database",
        metavar="URL",
        help="URL of the database, instead of --engine.  [default: the variable DATABASE_URL]",
    ),
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Write one JSON document to standard output.")
_WALK = (
    click.option(
        "--storage", "storages", multiple=True, metavar="NAME", help="Only this storage. May be given several times."
    ),
    click.option(
        "--grace",
        type=Duration(),
        default="24h",
        show_default=True,
        help="Files younger than this may belong to a transaction that is still open: 90s, 15m, 24h, 7d.",
    ),
    click.option(
        "--concurrency",
        type=click.IntRange(1, 1000),
        default=16,
        show_default=True,
        metavar="N",
        help="Requests to a storage at once.",
    ),
    click.option(
        "--resume",
        type=click.Path(dir_okay=False),
        metavar="FILE",
        help="Note progress in this file, and after an interrupt go on from it.",
    ),
)


def application_options(command: F) -> F:
    """Add the options that name the application, and ``--json``."""
    return _all(command, (*_APPLICATION, _JSON))


def walk_options(command: F) -> F:
    """Add the options of a command that goes through whole storages."""
    return _all(command, _WALK)


def go_on(resume: str | None) -> str:
    """Return what to do after an interrupt."""
    if resume:
        return f"The same command goes on from {resume}."
    return "Start again at any time; with --resume FILE a run can go on from where it was."


def _all(command: F, options: tuple[Callable[[F], F], ...]) -> F:
    return reduce(lambda wrapped, option: option(wrapped), reversed(options), command)
