"""The rows behind the routes: found by their key, with the user's session, for those who may."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from sqlalchemy.ext.asyncio import AsyncSession

from holdfast.contrib.routes.row_keys import RowKeys
from holdfast.drivers import threads
from holdfast.errors import ConfigurationError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.orm import InstrumentedAttribute, Mapper

    from holdfast import FileObject
    from holdfast.contrib.routes.requests import Action, AsyncSessionLike, Authorize, SessionLike


class Rows:
    """The rows of one file column's model.

    Args:
        column: The mapped column.
        authorize: Says who may do what.

    Attributes:
        keys: Their primary key.
    """

    def __init__(self, column: InstrumentedAttribute[Any], authorize: Authorize) -> None:
        self._mapper: Mapper[Any] = column.parent.mapper
        self._name, self._authorize = column.key, authorize
        self.keys = RowKeys(self._mapper)

    def admit(self, request: Any, session: SessionLike, action: Action, key: Sequence[str]) -> FileObject | None:
        """Return what a row holds; it is there, and the client may do that.

        The session's connection goes back to the pool: the client, or a storage, may take its time.

        Raises:
            NotFoundError: There is no such row, or the client may not do that.
        """
        row, allowed = self._ask(session, request, action, key)
        if inspect.isawaitable(allowed):
            if inspect.iscoroutine(allowed):
                allowed.close()
            message = "authorize= is async, which only the routes of an async framework can await"
            raise ConfigurationError(message)
        return self._released(session, row if _checked(allowed) else hide())

    async def admit_async(
        self, request: Any, session: AsyncSessionLike, action: Action, key: Sequence[str]
    ) -> FileObject | None:
        """Like `admit`."""
        row, allowed = await _run(session, self._ask, request, action, key)
        allowed = await allowed if inspect.isawaitable(allowed) else allowed
        row = row if _checked(allowed) else hide()
        file: FileObject | None = await _run(session, self._released, row)
        return file

    def put(self, session: SessionLike, key: Sequence[str], file: FileObject | None) -> None:
        """Give a row another file, and commit.

        Raises:
            NotFoundError: The row has gone meanwhile.
        """
        row = self._find(session, key, fresh=True)  # with expire_on_commit=False it would be an old state
        setattr(row if row is not None else hide(), self._name, file)
        session.commit()

    async def put_async(self, session: AsyncSessionLike, key: Sequence[str], file: FileObject | None) -> None:
        """Like `put`."""
        await _run(session, self.put, key, file)

    def _ask(self, session: SessionLike, request: Any, action: Action, key: Sequence[str]) -> tuple[Any, Any]:
        """Return the row, and what `authorize` says; here it may use what the row loads late."""
        row = self._find(session, key)
        return row, row is not None and self._authorize(request, action, row)

    def _find(self, session: SessionLike, key: Sequence[str], *, fresh: bool = False) -> Any:
        identity = self.keys.read(key, session.get_bind(self._mapper).dialect.name)
        return None if identity is None else session.get(self._mapper, identity, populate_existing=fresh)

    def _released(self, session: SessionLike, row: Any) -> FileObject | None:
        file: FileObject | None = getattr(row, self._name)
        session.commit()
        return file


def _checked(allowed: Any) -> bool:
    """Refuse what is neither yes nor no, such as a response that says "forbidden" and would count as a yes."""
    if allowed and allowed is not True:
        message = f"authorize= must return True or False, not a {type(allowed).__name__}"
        raise ConfigurationError(message)
    return bool(allowed)


def hide() -> Any:
    """Say the same of what is not there and of what is nobody's business."""
    message = "there is no such file"
    raise NotFoundError(message)


async def _run(session: AsyncSessionLike, call: Callable[..., Any], *args: Any) -> Any:
    """Do what needs a session: in the greenlet of an async one, in a thread with a sync one."""
    if isinstance(session, AsyncSession):
        return await session.run_sync(call, *args)
    return await threads.run_to_end(threads.blocking.submit(call, session, *args))
