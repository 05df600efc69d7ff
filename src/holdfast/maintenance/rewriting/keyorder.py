"""The order of primary keys: the same one for ORDER BY and for comparisons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Enum
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

if TYPE_CHECKING:
    from collections.abc import Sequence


class _Name(FunctionElement[Any]):
    """A value of an ENUM by its name: MySQL sorts by its number, and compares it with a text as text."""

    inherit_cache = True

    def __init__(self, key: Any) -> None:
        super().__init__(key)
        self.type = key.type


@compiles(_Name)
def _as_it_is(element: _Name, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(_Name, "mysql", "mariadb")
def _as_text(element: _Name, compiler: Any, **options: Any) -> str:
    return f"CAST({_as_it_is(element, compiler, **options)} AS CHAR)"


def in_order(keys: Sequence[Any]) -> list[Any]:
    """Return primary keys to sort by, and to compare values with."""
    return [_Name(key) if isinstance(key.type, Enum) else key for key in keys]
