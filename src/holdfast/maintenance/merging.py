"""Bringing together what a storage lists and what rows hold: two sorted streams are walked once, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.maintenance.spool import Record

_KEPT = 100  # references to one key that are looked at


class Listed(NamedTuple):
    """An object as the storage listed it."""

    key: str
    size: int
    last_modified: float | None


class Reference(NamedTuple):
    """A file as a row holds it.

    Attributes:
        key: Its key.
        place: Number of the file column.
        identity: The row's primary key.
        size: The size that the row knows.
        checksum: The checksum that the row knows.
    """

    key: str
    place: int
    identity: tuple[Any, ...]
    size: int | None = None
    checksum: str | None = None


class Match(NamedTuple):
    """All that is known of one key.

    Attributes:
        key: The key.
        listed: The object, if there is one.
        references: The rows' files that lie there, the first hundred.
        held: How many there are.
    """

    key: str
    listed: Listed | None
    references: tuple[Reference, ...]
    held: int


def matches(objects: Iterator[Record], references: Iterator[Record]) -> Iterator[Match]:
    """Yield one match for each key of two streams that are sorted by their records' first item.

    Example:
        >>> found = matches(iter([("a", 1, None), ("b", 2, None)]), iter([("b", 0, (7,), 2, None)]))
        >>> [(match.key, match.listed is not None, match.held) for match in found]
        [('a', True, 0), ('b', True, 1)]
    """
    listed, held = next(objects, None), next(references, None)
    while listed is not None or held is not None:
        key: str = min(record[0] for record in (listed, held) if record is not None)
        found = None
        while listed is not None and listed[0] == key:  # a key may be listed twice if it is replaced meanwhile
            found, listed = listed, next(objects, None)
        rows: list[Reference] = []
        count = 0
        while held is not None and held[0] == key:
            count += 1
            if len(rows) < _KEPT:
                rows.append(Reference(*held))
            held = next(references, None)
        yield Match(key, None if found is None else Listed(*found), tuple(rows), count)
