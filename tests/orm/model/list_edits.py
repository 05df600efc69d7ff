"""Changes of a list in place: the same call for the list of a row and for the list on paper."""

from __future__ import annotations

from typing import Any

from tests.orm.model.operations import Editing

NEED_CONTENT = {Editing.APPEND, Editing.INSERT, Editing.SET}
NEED_PAGE = {Editing.SET, Editing.REMOVE, Editing.POP, Editing.REPEAT}

EDITS: dict[Editing, Any] = {
    Editing.APPEND: lambda pages, _, new: pages.append(new[0]),
    Editing.INSERT: lambda pages, index, new: pages.insert(index, new[0]),
    Editing.SET: lambda pages, index, new: pages.__setitem__(index, new[0]),
    Editing.SLICE: lambda pages, index, new: pages.__setitem__(slice(index, index + 2), new),
    Editing.REMOVE: lambda pages, index, _: pages.remove(pages[index]),
    Editing.POP: lambda pages, index, _: pages.pop(index),
    Editing.CLEAR: lambda pages, *_: pages.clear(),
    Editing.REVERSE: lambda pages, *_: pages.reverse(),
    Editing.REPEAT: lambda pages, index, _: pages.append(pages[index]),
    Editing.EXTEND: lambda *_: None,  # `row.pages += new` is an assignment as well
}


def edit(how: Editing, pages: list[Any], index: int, new: list[Any]) -> None:
    """Change a list of files, or of what is expected of them."""
    EDITS[how](pages, index, new)
