"""``holdfast check``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from holdfast.cli.application import register_storages
from holdfast.cli.check_table import write_report
from holdfast.cli.output import Output
from holdfast.cli.references import load, search_in
from holdfast.cli.running import INTERRUPTED, without_password
from holdfast.cli.values import Duration
from holdfast.config import check as check_storages
from holdfast.errors import ConfigurationError, HoldfastError
from holdfast.registry import storages as registry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

_WHICH = """which storages? Give a configuration (holdfast check storages.toml), --environment or --app module:name,
or write in pyproject.toml:

  [tool.holdfast]
  storages = "storages.toml\""""
_FAILED, _REFUSED = 1, 2


@click.command(short_help="Try the storages.")
@click.argument("configuration", required=False, type=click.Path(dir_okay=False))
@click.option("--environment", is_flag=True, help="The storages that environment variables describe.")
@click.option(
    "--app",
    multiple=True,
    metavar="MODULE:NAME",
    help="Import this, and take the storages that are registered then. May be given several times.",
)
@click.option(
    "--secrets", metavar="MODULE:NAME", help="Function that returns a secret by its name, for { secret = … }."
)
@click.option("--storage", "only", multiple=True, metavar="NAME", help="Only this storage. May be given several times.")
@click.option("--timeout", type=Duration(), default="30s", show_default=True, help="For each storage.")
@click.option("--json", "as_json", is_flag=True, help="Write one JSON document to standard output.")
def check(
    *,
    configuration: str | None,
    environment: bool,
    app: Sequence[str],
    secrets: str | None,
    only: Sequence[str],
    timeout: timedelta,
    as_json: bool,
) -> None:
    """Try the storages: write a small file, look at it in every way, delete it.

    CONFIGURATION is a .toml, .json, .yaml or .env file. Without it, the application's storages are tried.
    Storages that are read-only are only read. Nothing is left behind.

    \b
    Exit status:
      0  all work
      1  one does not
      2  it could not run

    \b
    Examples:
      holdfast check
      holdfast check storages.toml
      holdfast check --environment --storage photos
    """  # noqa: D301  # click keeps the lines after this sign as they are
    output = Output(as_json=as_json)
    with output.guarded(logs=False):
        try:
            target = _target(configuration, app, environment=environment)
            fetch = _fetch(secrets) if secrets else None
            report = check_storages(target, only=only or None, timeout=timeout.total_seconds(), secrets=fetch)
        except KeyboardInterrupt:
            output.remark("\nInterrupted. Files in holdfast-check/ may be left behind: delete them.")
            status = INTERRUPTED
        except (HoldfastError, OSError) as error:
            status = _REFUSED
            message = without_password(str(error))
            output.complain(message)
            output.document({"command": "check", "status": status, "error": message})
        else:
            status = 0 if report.ok else _FAILED
            write_report(output, report)
            output.document({"command": "check", "status": status, **report.to_dict()})
    sys.stdout.flush()
    sys.exit(status)


def _target(configuration: str | None, app: Sequence[str], *, environment: bool) -> Any:
    if sum(map(bool, (configuration, app, environment))) > 1:
        message = "a configuration, --environment and --app name different storages: give one of them"
        raise ConfigurationError(message)
    if configuration:
        return configuration
    if environment:
        return os.environ
    if not register_storages(app):
        raise ConfigurationError(_WHICH)
    if not registry.all():
        message = (
            "the application registers no storage when it is imported. Where it does so in a function, name that in "
            'pyproject.toml: [tool.holdfast] setup = "shop.storage:register"'
        )
        raise ConfigurationError(message)
    return registry


def _fetch(reference: str) -> Any:
    search_in([Path.cwd()])
    return load(reference, "--secrets")
