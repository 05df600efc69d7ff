"""Options that the commands share."""

from __future__ import annotations

from functools import reduce, wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from holdfast.cli.shards import Shards
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


_CONCURRENCY = _WALK[2]
_ROWS = (
    click.option(
        "--model",
        "models",
        multiple=True,
        metavar="NAME",
        help="Only rows of this model or table. May be given several times.",
    ),
    click.option(
        "--where",
        metavar="SQL",
        help="Only rows that meet this condition on columns of their table: \"created_at < '2026-01-01'\".",
    ),
    click.option("--dry-run", is_flag=True, help="Only look: nothing is changed."),
    _CONCURRENCY,
)


_SHARDS = (
    click.option("--workers", type=click.IntRange(1, 1000), metavar="N", help="Work in shards, in N threads."),
    click.option("--dask", metavar="ADDRESS", help="Work in shards on a Dask cluster: tcp://10.0.0.5:8786."),
    click.option(
        "--shard-size",
        type=click.IntRange(1),
        metavar="N",
        help="Objects or rows of a shard.  [default: 50,000 objects or 10,000 rows]",
    ),
)


def sharding_options(command: F) -> F:
    """Add the options for work in shards; the command gets them as `shards`."""

    @wraps(command)
    def packed(*arguments: Any, workers: int | None, dask: str | None, shard_size: int | None, **options: Any) -> Any:
        return command(*arguments, shards=Shards.of(workers, dask, shard_size), **options)

    return _all(cast("F", packed), _SHARDS)


def rewriting_options(command: F) -> F:
    """Add the options of a command that goes through rows and changes them."""
    return _all(command, _ROWS)


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
