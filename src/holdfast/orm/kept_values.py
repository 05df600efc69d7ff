"""Files of rows that a commit expired stay readable where nothing could load them: outside of an AsyncSession's calls.

``await session.commit()`` expires what the session holds, unless it was made with ``expire_on_commit=False``; the next
look at a row raises MissingGreenlet then. Its file is what a program most often looks at after a commit, and it is
known: what the session saw last. Where the row can be loaded, it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import LoaderCallableStatus, PassiveFlag

from holdfast.orm import bridge
from holdfast.orm.tracking import columns_of, inspect_state

if TYPE_CHECKING:
    from sqlalchemy.orm import InstanceState, Session

_KEY = "holdfast.kept"


class KeptValue:
    """Loads a file column of an expired row; a class, since the states of rows are pickled with it.

    Args:
        key: Name of the attribute.
        value: What the session saw last.
    """

    __slots__ = ("key", "value")

    def __init__(self, key: str, value: Any) -> None:
        self.key, self.value = key, value

    def __call__(self, state: InstanceState[Any], passive: Any) -> Any:
        """Return the value, or load it where that can be done."""
        if not passive & PassiveFlag.SQL_OK:
            return LoaderCallableStatus.PASSIVE_NO_RESULT
        if state.session is not None and not bridge.in_async_session():
            return self.value
        del state.callables[self.key]
        state.expired_attributes.add(self.key)
        getattr(state.obj(), self.key)
        return LoaderCallableStatus.ATTR_WAS_SET


def before_expiry(session: Session) -> None:
    """Remember the files of all rows that a commit is about to expire."""
    if session.expire_on_commit and bridge.in_async_session():
        states = map(inspect_state, session.identity_map.values())
        session.info[_KEY] = [
            (state, KeptValue(column.key, state.dict[column.key]))
            if column.key in state.dict
            else (state, state.callables[column.key])
            for state in states
            for column in columns_of(state.mapper)
            if column.key in state.dict or isinstance(state.callables.get(column.key), KeptValue)
        ]


def after_expiry(session: Session) -> None:
    """Give expired rows what was remembered."""
    for state, kept in session.info.pop(_KEY, ()):
        if kept.key in state.expired_attributes and kept.key not in state.dict:
            state.expired_attributes.discard(kept.key)
            state.callables = {**state.callables, kept.key: kept}
