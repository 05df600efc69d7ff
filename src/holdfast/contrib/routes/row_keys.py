"""Primary keys in paths. A text that cannot be a key is no error: it names a row that does not exist."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import BigInteger, SmallInteger

from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Mapper
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_LONGEST = 500  # characters


class RowKeys:
    """The primary key of a model, as paths have it.

    Args:
        mapper: The model's.

    Attributes:
        names: Names of its attributes.

    Raises:
        ConfigurationError: Paths do not hold keys of that type.
    """

    def __init__(self, mapper: Mapper[Any]) -> None:
        self.names = tuple(mapper.get_property_by_column(column).key for column in mapper.primary_key)
        self._columns = mapper.primary_key
        for column in self._columns:
            if column.type.python_type not in {int, str, UUID}:
                message = f"routes know primary keys that are int, str or UUID, not {column.type!r} of {column}"
                raise ConfigurationError(message)

    def read(self, texts: Sequence[str], dialect: str) -> tuple[Any, ...] | None:
        """Return the key for the texts of a path, None if there can be none.

        Args:
            texts: One for each of `names`.
            dialect: Name of the database's.
        """
        if len(texts) != len(self._columns):
            return None
        values = tuple(_read(column, text, dialect) for column, text in zip(self._columns, texts, strict=True))
        return None if None in values else values


def _read(column: ColumnElement[Any], text: str, dialect: str) -> Any:
    kind = column.type.python_type
    if kind is UUID:
        return UUID(text) if _UUID.fullmatch(text) else None
    if kind is int:
        # A database may refuse a number that its column cannot hold, instead of not finding it.
        limit = 2 ** (_bits(column, dialect) - 1)
        return number if _INTEGER.fullmatch(text) and -limit <= (number := int(text)) < limit else None
    return text if 0 < len(text) <= _LONGEST and text.isprintable() else None


def _bits(column: ColumnElement[Any], dialect: str) -> int:
    if dialect == "sqlite" or isinstance(column.type, BigInteger):
        return 64
    return 16 if isinstance(column.type, SmallInteger) else 32
