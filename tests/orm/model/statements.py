"""What statements may do in a transaction, as data: bulk statements of the ORM, and raw SQL.

Numbers stand for rows and places as in `operations`. Several rows are the ones that follow each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from tests.orm.model.operations import Content, Place

NEW = Content()


class Selecting(Enum):
    """How a bulk UPDATE names its rows."""

    WHERE = auto()
    PRIMARY_KEY = auto()


@dataclass(frozen=True)
class BulkUpdate:
    """Put contents into a column of several rows; none at all means None.

    Attributes:
        place: The first row, and the column.
        count: How many rows.
        contents: What they get; by primary key each row gets another one.
        how: Which of the two ways.
        given: The place of a file that they get as well.
    """

    place: Place
    count: int = 1
    contents: tuple[Content, ...] = ()
    how: Selecting = Selecting.WHERE
    given: Place | None = None


@dataclass(frozen=True)
class BulkDelete:
    """Delete several rows."""

    row: int
    count: int = 1


class Inserting(Enum):
    """How a bulk INSERT gets its rows."""

    PARAMETERS = auto()
    VALUES = auto()
    SEVERAL_VALUES = auto()


@dataclass(frozen=True)
class BulkInsert:
    """Insert a row for each cover.

    Attributes:
        covers: Their covers.
        pages: The list that each of them gets; not for pictures.
        how: Which of the ways; pictures, of two tables, only come as parameters.
        shared: All rows get the first cover.
        picture: They are pictures.
    """

    covers: tuple[Content | None, ...]
    pages: tuple[Content, ...] | None = None
    how: Inserting = Inserting.PARAMETERS
    shared: bool = False
    picture: bool = False


@dataclass(frozen=True)
class BreakInsert:
    """Insert a row, and another that the database refuses; then roll back, or go on as if nothing had happened.

    Attributes:
        content: What the row gets.
        swallow: Go on.
        again: Put the same file into a new row.
    """

    content: Content = NEW
    swallow: bool = False
    again: bool = False


@dataclass(frozen=True)
class RawClear:
    """Set a column to NULL."""

    place: Place


@dataclass(frozen=True)
class RawDelete:
    """Delete a row; what a picture has in the other table goes by cascade."""

    row: int


@dataclass(frozen=True)
class RawDeleteFolder:
    """Delete a folder; its documents go by cascade."""

    folder: int


@dataclass(frozen=True)
class RawMove:
    """Write the value of one column into another, and what was there into the first one or nowhere."""

    source: Place
    target: Place
    swap: bool = False
