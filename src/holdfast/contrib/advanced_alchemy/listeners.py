"""The library's listeners for files, which step aside: Holdfast's unit of work does what they did."""

from __future__ import annotations

import logging
from typing import Any

from advanced_alchemy._listeners import BaseFileObjectListener
from advanced_alchemy.config.common import GenericSQLAlchemyConfig

logger = logging.getLogger("holdfast")

_theirs = BaseFileObjectListener.__dict__["_is_listener_enabled"]
_configured = GenericSQLAlchemyConfig.__post_init__


def step_aside() -> None:
    """Switch off all listeners, those that were registered before, too.

    Each asks its class at each flush whether it is enabled. Without that, a listener would find Holdfast's columns
    and delete files a second time: at once, without asking what rows hold.
    """
    setattr(BaseFileObjectListener, "_is_listener_enabled", classmethod(_never))  # noqa: B010  # mypy wants the same type
    setattr(GenericSQLAlchemyConfig, "__post_init__", _told)  # noqa: B010


def come_back() -> None:
    """Undo `step_aside`."""
    setattr(BaseFileObjectListener, "_is_listener_enabled", _theirs)  # noqa: B010
    setattr(GenericSQLAlchemyConfig, "__post_init__", _configured)  # noqa: B010


def _never(*_: Any) -> bool:
    return False


def _told(config: GenericSQLAlchemyConfig[Any, Any, Any]) -> None:
    _configured(config)
    if not config.enable_file_object_listener:
        logger.warning(
            "enable_file_object_listener=False has no effect: files are uploaded with their rows and deleted "
            "after their rows, in every session"
        )
