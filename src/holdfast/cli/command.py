"""The command and its sub-commands."""

from __future__ import annotations

import click

from holdfast.cli.adopt import adopt
from holdfast.cli.alter import alter
from holdfast.cli.backfill import backfill
from holdfast.cli.check import check
from holdfast.cli.copy import copy
from holdfast.cli.drain import drain
from holdfast.cli.migrate import migrate
from holdfast.cli.mirror import mirror
from holdfast.cli.rekey import rekey
from holdfast.cli.settle import settle
from holdfast.cli.sweep import sweep
from holdfast.cli.verify import verify


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="holdfast", message="holdfast %(version)s")
def main() -> None:
    """Check, clean up and move the files that belong to database rows.

    The commands need the application, and all but check and settle its database. Name them by options, or once in
    pyproject.toml:

    \b
      [tool.holdfast]
      app = "shop.models:Base"           # declarative base or MetaData
      engine = "shop.db:engine"          # or leave it to DATABASE_URL
      setup = "shop.storage:register"    # optional: registers the storages
      storages = "storages.toml"         # optional: describes them

    \b
    Examples:
      holdfast check                     do the storages work?
      holdfast verify                    does every row have its file?
      holdfast sweep                     which files belong to no row?
      holdfast sweep --delete            delete them
      holdfast mirror                    have all copies been made?
      holdfast migrate --from a --to b   move files to another storage
      holdfast backfill                  fill in what old rows do not say
    """  # noqa: D301  # click keeps the lines after this sign as they are


main.add_command(check)
main.add_command(verify)
main.add_command(sweep)
main.add_command(drain)
main.add_command(mirror)
main.add_command(migrate)
main.add_command(settle)
main.add_command(adopt)
main.add_command(copy)
main.add_command(backfill)
main.add_command(rekey)
main.add_command(alter)
