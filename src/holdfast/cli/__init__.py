"""The command ``holdfast``: what operators run against an application's files."""

from holdfast.errors import MissingExtraError

try:
    from holdfast.cli.command import main
except ModuleNotFoundError as missing:
    if (missing.name or "").partition(".")[0] not in {"click", "rich"}:
        raise
    message = 'the command holdfast needs two packages: pip install "holdfast[cli]"'
    raise MissingExtraError(message) from missing

__all__ = ["main"]
