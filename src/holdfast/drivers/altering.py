"""Changing what a service says of an object, and how it keeps it, without touching the bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

from holdfast.object_settings import NO_SETTINGS, ObjectSettings

if TYPE_CHECKING:
    from collections.abc import Mapping


class Change(NamedTuple):
    """What an object is to have.

    Attributes:
        content_type: Its media type; None leaves it as it is.
        metadata: All of its metadata; None leaves it as it is.
        settings: Settings that it is to have; those that say nothing stay as they are, and so do other tags.
    """

    content_type: str | None = None
    metadata: Mapping[str, Any] | None = None
    settings: ObjectSettings = NO_SETTINGS


@runtime_checkable
class Alters(Protocol):
    """Ability of a driver: objects can be changed where they lie, at once or not at all, and are never missing."""

    def check_alter(self, settings: ObjectSettings) -> None:
        """Say whether objects can be given such settings, without asking the service.

        Raises:
            NotImplementedError: They cannot; the message says why.
        """

    def alter(self, key: str, change: Change) -> bool:
        """Change an object, and return whether there was anything to change. A missing one raises."""
