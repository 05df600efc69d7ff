"""What a command writes: its result to standard output, everything else to standard error."""

from __future__ import annotations

import json
import logging
import sys
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from holdfast.cli.progress import meter
from holdfast.cli.words import plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from holdfast.cli.progress import Meter


class Output:
    """Standard output and standard error of one command.

    Args:
        as_json: Write one JSON document to standard output instead of lines.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._stdout = sys.stdout
        self._out = Console(file=sys.stdout, highlight=False)
        self._err = Console(file=sys.stderr, highlight=False)

    @contextmanager
    def guarded(self, *, logs: bool = True) -> Iterator[None]:
        """Send what the application prints and logs to standard error, so that the result stays alone.

        Without `logs`, what the library logs is left out, for a result that says it all. What single operations of
        storages log always is: the commands tell of those that failed.
        """
        handler = _Handler(self._err) if logs else logging.NullHandler()
        handler.addFilter(lambda record: not record.name.startswith("holdfast.storage"))
        logger = logging.getLogger("holdfast")
        logger.addHandler(handler)
        try:
            with redirect_stdout(sys.stderr):
                yield
        finally:
            logger.removeHandler(handler)

    @contextmanager
    def metered(self) -> Iterator[Meter]:
        """Show how far the run is."""
        context, steps = meter(self._err)
        with context:
            yield steps

    def line(self, *parts: str | tuple[str, str]) -> None:
        """Write a line of the result; a part with a style is a pair."""
        if not self.as_json:
            styled = ((part, "") if isinstance(part, str) else part for part in parts)
            text = Text.assemble(*((plain(words), style) for words, style in styled))
            self._out.print(text, soft_wrap=True)

    def table(self, table: Table) -> None:
        """Write a table of the result, fitted to the width, without the blanks that fill its lines."""
        if not self.as_json:
            with self._out.capture() as captured:
                self._out.print(table)
            for line in captured.get().splitlines():
                self._stdout.write(f"{line.rstrip()}\n")

    def document(self, data: dict[str, Any]) -> None:
        """Write the result as JSON, if that was asked for."""
        if self.as_json:
            self._stdout.write(json.dumps(data, ensure_ascii=False, indent=2, default=str) + "\n")

    def complain(self, message: str) -> None:
        """Write an error."""
        self._err.print(Text.assemble(("error: ", "bold red"), plain(message)), soft_wrap=True)

    def remark(self, message: str) -> None:
        """Write what is neither result nor error."""
        self._err.print(Text(plain(message)), soft_wrap=True)


class _Handler(logging.Handler):
    """Log records between the bars, not across them."""

    def __init__(self, console: Console) -> None:
        super().__init__(logging.WARNING)
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Write one."""
        level = record.levelname.lower()
        style = "red" if record.levelno >= logging.ERROR else "yellow"
        error = record.exc_info[1] if record.exc_info else None
        message = f"{record.getMessage()}: {error}" if error else record.getMessage()
        self._console.print(Text.assemble((f"{level}: ", style), plain(message)), soft_wrap=True)
