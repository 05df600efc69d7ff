"""One row's part of a bulk statement."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from holdfast.errors import ColumnValueError
from holdfast.orm import rows

if TYPE_CHECKING:
    from holdfast.file import FileObject
    from holdfast.orm.attachment import FileColumn
    from holdfast.saving import Place, Ref


@dataclass(slots=True, eq=False)
class RowEdit:
    """A new value of one file column of one row, as `planning.Edit` describes it."""

    column: FileColumn
    value: Any
    old: frozenset[Ref] = frozenset()
    is_fixed: bool = False
    taken: list[Ref] = field(default_factory=list)

    @property
    def files(self) -> list[FileObject]:
        """The files of the new value."""
        return rows.files_of(self.value)

    def place(self) -> Place:
        """Return what a key scheme may use: not the row."""
        return self.column.place()

    def exchange(self, current: FileObject, other: FileObject) -> None:
        """Put another file in the place of one."""
        if self.is_fixed:
            message = f"{self.column.column} has a file of another row in the SET of an upsert: write excluded there"
            raise ColumnValueError(message)
        if isinstance(self.value, list):
            index = next(index for index, file in enumerate(self.value) if file is current)
            self.value = [*self.value[:index], other, *self.value[index + 1 :]]
        else:
            self.value = other


def new_values(edits: list[RowEdit]) -> dict[FileColumn, Any]:
    """Return what one row is to be given, by column."""
    return {edit.column: edit.value for edit in edits}
