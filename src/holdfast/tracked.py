"""Lists and dicts that tell their owner when they change, nested ones included."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Self, SupportsIndex, TypeVar

T = TypeVar("T")

Listener = Callable[[], None]


# ruff: noqa: D102  # the methods below are those of list and dict
class TrackedList(list[T]):
    """A list that calls `listener` after each change.

    Args:
        items: First items.
        listener: Called without arguments; None for nobody.
    """

    def __init__(self, items: Iterable[Any] = (), listener: Listener | None = None) -> None:
        self.listener = listener
        super().__init__(map(self._accept, items))

    def _accept(self, item: Any) -> T:
        return track(item, self._tell)  # type: ignore[no-any-return]

    def _tell(self) -> None:
        if self.listener is not None:
            self.listener()

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return type(self), (list(self),)

    def append(self, item: Any) -> None:
        super().append(self._accept(item))
        self._tell()

    def extend(self, items: Iterable[Any]) -> None:
        super().extend([self._accept(item) for item in items])
        self._tell()

    def __iadd__(self, items: Iterable[Any]) -> Self:  # type: ignore[override,misc]
        self.extend(items)
        return self

    def __imul__(self, count: SupportsIndex) -> Self:
        super().__imul__(count)
        self._tell()
        return self

    def insert(self, index: SupportsIndex, item: Any) -> None:
        super().insert(index, self._accept(item))
        self._tell()

    def __setitem__(self, index: Any, value: Any) -> None:
        accepted = [self._accept(item) for item in value] if isinstance(index, slice) else self._accept(value)
        super().__setitem__(index, accepted)
        self._tell()

    def __delitem__(self, index: Any) -> None:
        super().__delitem__(index)
        self._tell()

    def pop(self, index: SupportsIndex = -1) -> T:
        item = super().pop(index)
        self._tell()
        return item

    def remove(self, item: Any) -> None:
        super().remove(item)
        self._tell()

    def clear(self) -> None:
        super().clear()
        self._tell()

    def sort(self, **options: Any) -> None:
        super().sort(**options)
        self._tell()

    def reverse(self) -> None:
        super().reverse()
        self._tell()


class TrackedDict(dict[str, Any]):
    """A dict that calls `listener` after each change.

    Args:
        items: First items.
        listener: Called without arguments; None for nobody.
    """

    def __init__(self, items: Any = (), listener: Listener | None = None) -> None:
        self.listener = listener
        super().__init__({key: track(value, self._tell) for key, value in dict(items).items()})

    def _tell(self) -> None:
        if self.listener is not None:
            self.listener()

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return type(self), (dict(self),)

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, track(value, self._tell))
        self._tell()

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self._tell()

    def __ior__(self, other: Any) -> Self:  # type: ignore[override,misc]
        self.update(other)
        return self

    def update(self, *args: Any, **kwargs: Any) -> None:
        added = dict(*args, **kwargs)
        super().update({key: track(value, self._tell) for key, value in added.items()})
        self._tell()

    def setdefault(self, key: str, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, *args: Any) -> Any:
        value = super().pop(*args)
        self._tell()
        return value

    def popitem(self) -> tuple[str, Any]:
        item = super().popitem()
        self._tell()
        return item

    def clear(self) -> None:
        super().clear()
        self._tell()


def track(value: Any, listener: Listener) -> Any:
    """Return `value`, dicts and lists as their tracked kin."""
    if isinstance(value, dict):
        return TrackedDict(value, listener)
    if isinstance(value, list):
        return TrackedList(value, listener)
    return value


def untrack(value: Any) -> Any:
    """Return a plain copy of tracked dicts and lists."""
    if isinstance(value, dict):
        return {key: untrack(item) for key, item in value.items()}
    if isinstance(value, list):
        return [untrack(item) for item in value]
    return value
