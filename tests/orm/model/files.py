"""New files, really and on paper."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from holdfast import FileObject
from holdfast.keys import new_id
from tests.orm.model import operations as do
from tests.orm.model.model import Piece
from tests.orm.model.schema import DEFAULT_STORAGE
from tests.orm.model.worlds import World

AGED = "aged"
"""Folder of the files whose keys are days old."""

_DAYS = 2 * 24 * 3600


class SourceFailedError(Exception):
    """Raised by a content that fails while it is read."""


class FailingFile(io.BytesIO):
    """A file that fails halfway, each time it is read."""

    def read(self, size: int | None = -1) -> bytes:
        """Return a few bytes, then raise."""
        if self.tell():
            raise SourceFailedError
        return super().read(5)


class FileMaker:
    """Makes files that nobody had before.

    Args:
        world: The world that reads their contents.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self._numbers: Iterator[int] = iter(range(1, 10**9))

    def label(self) -> int:
        """Return a label that no row has."""
        return next(self._numbers)

    def make_value(self, content: Any, column: str) -> tuple[Any, Any]:
        """Return the value of a column, really and on paper: a file, or a list of files."""
        if not isinstance(content, tuple):
            return self.make(content, column)
        made = [self.make(each, column) for each in content]
        return [file for file, _ in made], tuple(piece for _, piece in made)

    def make(self, content: do.Content, column: str) -> tuple[FileObject, Piece]:
        """Return a new file, really and on paper."""
        source, piece = self.make_source(content)
        key = f"named/{self.label()}.txt" if content.named else None
        key = f"{AGED}/{new_id(time.time() - _DAYS)}-file.txt" if content.aged else key
        file = FileObject(backend=content.storage, filename="file.txt", to_filename=key, content=source)
        piece = replace(piece, storage=content.storage or DEFAULT_STORAGE[column], named=key is not None)
        return file, piece

    def make_source(self, content: do.Content) -> tuple[Any, Piece]:
        """Return content that nobody had before, really and on paper."""
        data = b"content %d" % self.label()
        piece = Piece(data, "", once=content.kind == "once", fails=content.kind == "failing")
        sources = {
            "bytes": lambda: data,
            "file": lambda: io.BytesIO(data),
            "once": lambda: self.world.once([data[:5], data[5:]]),
            "failing": lambda: FailingFile(data),
        }
        return sources[content.kind](), piece
