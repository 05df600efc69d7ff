"""The list in a column of several files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, SupportsIndex

from holdfast.file import FileObject
from holdfast.tracked import TrackedList

if TYPE_CHECKING:
    from collections.abc import Iterable

    from holdfast.orm.attachment import RowAttachment


class FileList(TrackedList[FileObject]):
    """A list of files; once it is in a row, each change in place marks the column as changed."""

    def __init__(self, files: Iterable[Any] = ()) -> None:
        self.attachment: RowAttachment | None = None
        super().__init__(files)

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return type(self), (list(self),)

    def attach(self, attachment: RowAttachment) -> None:
        """Make this the list of a row."""
        self.attachment = attachment
        for file in self:
            attachment.attach(file)

    def _accept(self, item: Any) -> FileObject:
        if self.attachment is None:
            return item  # type: ignore[no-any-return]  # checked when the list gets into a row
        return self.attachment.accept(item)

    def _tell(self) -> None:
        if self.attachment is not None:
            self.attachment.changed(self)
