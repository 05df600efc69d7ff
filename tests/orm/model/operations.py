"""What a transaction may do, as data.

Rows, places and positions are numbers that the interpreter counts round what is there, so that every list of
operations makes sense and shrinks well.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


@dataclass(frozen=True)
class Content:
    """Content of a new file: as ``bytes``, as a ``file``, to be read ``once``, or ``failing``.

    Attributes:
        kind: Which of these.
        storage: Where it goes, if not to the column's own storage.
        named: Under a key that the caller names.
        aged: Under a key that is days old.
    """

    kind: str = "bytes"
    storage: str | None = None
    named: bool = False
    aged: bool = False


@dataclass(frozen=True)
class Place:
    """A column of a row, and a position where that is a list."""

    row: int
    column: int
    index: int = 0


@dataclass(frozen=True)
class AddFolder:
    """Add a folder."""


@dataclass(frozen=True)
class AddRow:
    """Add a document or a picture with the files given."""

    picture: bool = False
    folder: int | None = None
    cover: Content | None = None
    scan: Content | None = None
    pages: tuple[Content, ...] | None = None
    thumbnail: Content | None = None


@dataclass(frozen=True)
class AddAgain:
    """Add a row once more that a rollback made transient."""


@dataclass(frozen=True)
class Assign:
    """Put contents into a place, one after the other; none at all means None."""

    place: Place
    contents: tuple[Content, ...] = ()
    expire: bool = False


class Giving(Enum):
    """What happens to the place that a file comes from."""

    COPY = auto()
    MOVE = auto()
    SWAP = auto()


@dataclass(frozen=True)
class Give:
    """Assign the file of one place to another."""

    source: Place
    target: Place
    how: Giving


class Editing(Enum):
    """The ways to change a list in place."""

    APPEND = auto()
    INSERT = auto()
    EXTEND = auto()
    SET = auto()
    SLICE = auto()
    REMOVE = auto()
    POP = auto()
    CLEAR = auto()
    REVERSE = auto()
    REPEAT = auto()


@dataclass(frozen=True)
class EditPages:
    """Change a list in place."""

    row: int
    how: Editing
    index: int = 0
    contents: tuple[Content, ...] = (Content(),)


@dataclass(frozen=True)
class Annotate:
    """Change the metadata of a file in place."""

    place: Place
    note: int


@dataclass(frozen=True)
class SaveFile:
    """Save new content into a file that a row holds."""

    place: Place
    content: Content = Content()


@dataclass(frozen=True)
class DeleteFile:
    """Call `delete` of a file that a row holds: it stays as long as the row does not let go of it."""

    place: Place


@dataclass(frozen=True)
class DeleteRow:
    """Delete a row."""

    row: int


@dataclass(frozen=True)
class SwitchRow:
    """Delete a row and add another with its primary key in one flush; False leaves the cover out."""

    row: int
    cover: Content | bool | None = False
    pages: tuple[Content, ...] | None = None


@dataclass(frozen=True)
class DeleteFolder:
    """Delete a folder and, by cascade, its documents."""

    folder: int


@dataclass(frozen=True)
class Orphan:
    """Take a document out of its folder, which deletes it."""

    row: int


class Losing(Enum):
    """The ways in which a session forgets changes of an object."""

    EXPIRE = auto()
    EXPIRE_ONE = auto()
    REFRESH = auto()
    EXPUNGE = auto()


@dataclass(frozen=True)
class Lose:
    """Forget what was not flushed."""

    row: int
    how: Losing
    column: int = 0


@dataclass(frozen=True)
class Begin:
    """Set a savepoint."""


@dataclass(frozen=True)
class Release:
    """Release the last savepoint."""


@dataclass(frozen=True)
class RollBack:
    """Roll back to the last savepoint."""


@dataclass(frozen=True)
class Flush:
    """Flush."""


@dataclass(frozen=True)
class BreakFlush:
    """Flush a row that the database refuses."""

    content: Content = Content()


@dataclass(frozen=True)
class BreakCommit:
    """Add a row that the database refuses when it is to commit."""


@dataclass(frozen=True)
class SwallowError:
    """Run a statement that fails, and go on as if nothing had happened."""


class Ending(Enum):
    """How a root transaction ends; KILL commits, and the process dies before it does anything else."""

    COMMIT = auto()
    ROLLBACK = auto()
    CLOSE = auto()
    RAISE = auto()
    KILL = auto()


@dataclass(frozen=True)
class Transaction:
    """A root transaction.

    Attributes:
        operations: What it does.
        ending: How it ends.
        repair: Replace contents that fail and try again, instead of rolling back.
    """

    operations: tuple[object, ...] = ()
    ending: Ending = Ending.COMMIT
    repair: bool = False


FILLED = Transaction(
    (
        AddFolder(),
        AddRow(folder=0, cover=Content(), scan=Content(), pages=(Content(), Content())),
        AddRow(picture=True, cover=Content(), pages=(Content(storage="attic"),), thumbnail=Content()),
    )
)
"""A transaction that fills the tables, so that there is something to change."""
