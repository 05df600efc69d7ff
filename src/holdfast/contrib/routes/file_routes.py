"""What each of the ready-made routes does."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from holdfast.contrib.routes.rows import Rows, hide
from holdfast.errors import ConfigurationError, InvalidFormError
from holdfast.orm.column import StoredObject
from holdfast.uploads import claims, tickets
from holdfast.uploads.forms import form, form_async

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable, Sequence

    from sqlalchemy.orm import InstrumentedAttribute

    from holdfast import FileObject
    from holdfast.contrib.routes.requests import Action, AsyncSessionLike, Authorize, SessionLike, TicketRequest
    from holdfast.uploads.forms import Form

_ACTIONS: tuple[Action, ...] = ("download", "url", "upload", "delete", "ticket", "claim")
_PART = "file"


class FileRoutes:
    """The routes of one file column.

    Args:
        column: A mapped file column, such as ``Document.file``.
        authorize: Says who may do what, see `holdfast.contrib.routes.Authorize`. It is asked about rows that exist;
            what it raises is not caught.
        expires_in: Seconds that signed URLs and tickets are valid for.
        max_field_size: Bytes of a text field in an upload's form.

    Attributes:
        actions: What the column allows.
        key_names: Names of the primary key's attributes.
        path: Template of the path that names a row.

    Raises:
        ConfigurationError: The column holds no file or several, its primary key is of a type that paths do not hold, or
            `authorize` cannot be called.
    """

    def __init__(
        self,
        column: InstrumentedAttribute[Any],
        *,
        authorize: Authorize,
        expires_in: int = 900,
        max_field_size: int = 65536,
    ) -> None:
        kind = getattr(column, "type", None)
        if not isinstance(kind, StoredObject) or kind.multiple or not hasattr(column, "parent"):
            message = f"routes are for a mapped column of one file, such as Document.file, not for {column!r}"
            raise ConfigurationError(message)
        if not callable(authorize):
            message = "authorize= must be a function that is called with the request, the action and the row"
            raise ConfigurationError(message)
        self.column = column
        self._rows = Rows(column, authorize)
        self._expires_in, self._max_field_size = expires_in, max_field_size
        nullable = bool(column.property.columns[0].nullable)
        self.actions = tuple(action for action in _ACTIONS if nullable or action != "delete")
        self.key_names = self._rows.keys.names
        self.path = "/".join(f"{{{name}}}" for name in self.key_names)

    # --- the routes

    def download(self, request: Any, session: SessionLike, key: Sequence[str]) -> FileObject:
        """Return the row's file."""
        return _there(self._rows.admit(request, session, "download", key))

    async def download_async(self, request: Any, session: AsyncSessionLike, key: Sequence[str]) -> FileObject:
        """Like `download`."""
        return _there(await self._rows.admit_async(request, session, "download", key))

    def url(self, request: Any, session: SessionLike, key: Sequence[str]) -> dict[str, Any]:
        """Return a URL of the row's file, and for how many seconds it is valid."""
        file = _there(self._rows.admit(request, session, "url", key))
        return {"url": file.url(expires_in=self._expires_in), "expires_in": self._expires_in}

    async def url_async(self, request: Any, session: AsyncSessionLike, key: Sequence[str]) -> dict[str, Any]:
        """Like `url`."""
        file = _there(await self._rows.admit_async(request, session, "url", key))
        return {"url": await file.url_async(expires_in=self._expires_in), "expires_in": self._expires_in}

    def upload(
        self, request: Any, session: SessionLike, key: Sequence[str], chunks: Iterable[bytes], content_type: str | None
    ) -> FileObject:
        """Put the part ``file`` of a form into the row.

        Args:
            request: For `authorize`.
            session: The user's.
            key: The row.
            chunks: The request's body.
            content_type: Its ``Content-Type``.
        """
        self._rows.admit(request, session, "upload", key)
        files, size = {_PART: self.column}, self._max_field_size
        with form(chunks, content_type, files=files, max_field_size=size, max_files=1) as received:
            file = _sent(received)
            self._rows.put(session, key, file)
        return file

    async def upload_async(
        self,
        request: Any,
        session: AsyncSessionLike,
        key: Sequence[str],
        chunks: AsyncIterable[bytes],
        content_type: str | None,
    ) -> FileObject:
        """Like `upload`."""
        await self._rows.admit_async(request, session, "upload", key)
        files, size = {_PART: self.column}, self._max_field_size
        async with form_async(chunks, content_type, files=files, max_field_size=size, max_files=1) as received:
            file = _sent(received)
            await self._rows.put_async(session, key, file)
        return file

    def delete(self, request: Any, session: SessionLike, key: Sequence[str]) -> None:
        """Take the file out of the row, and delete it."""
        _there(self._rows.admit(request, session, "delete", key))
        self._rows.put(session, key, None)

    async def delete_async(self, request: Any, session: AsyncSessionLike, key: Sequence[str]) -> None:
        """Like `delete`."""
        _there(await self._rows.admit_async(request, session, "delete", key))
        await self._rows.put_async(session, key, None)

    def ticket(self, request: Any, session: SessionLike, key: Sequence[str], asked: TicketRequest) -> dict[str, Any]:
        """Return a ticket with which the client uploads a file for this row by itself."""
        self._rows.admit(request, session, "ticket", key)
        return tickets.issue(self.column, **self._terms(key, asked)).to_dict()

    async def ticket_async(
        self, request: Any, session: AsyncSessionLike, key: Sequence[str], asked: TicketRequest
    ) -> dict[str, Any]:
        """Like `ticket`."""
        await self._rows.admit_async(request, session, "ticket", key)
        return (await tickets.issue_async(self.column, **self._terms(key, asked))).to_dict()

    def claim(self, request: Any, session: SessionLike, key: Sequence[str], token: str) -> FileObject:
        """Put the file that was uploaded with a ticket into the row that the ticket was for."""
        self._rows.admit(request, session, "claim", key)
        file = claims.claim(token, self.column, purpose=self._purpose(key))
        self._rows.put(session, key, file)
        return file

    async def claim_async(self, request: Any, session: AsyncSessionLike, key: Sequence[str], token: str) -> FileObject:
        """Like `claim`."""
        await self._rows.admit_async(request, session, "claim", key)
        file = await claims.claim_async(token, self.column, purpose=self._purpose(key))
        await self._rows.put_async(session, key, file)
        return file

    # --- tickets

    def _terms(self, key: Sequence[str], asked: TicketRequest) -> dict[str, Any]:
        return {
            "filename": asked.filename,
            "size": asked.size,
            "content_type": asked.content_type,
            "checksum": asked.checksum,
            "purpose": self._purpose(key),
            "expires_in": self._expires_in,
        }

    def _purpose(self, key: Sequence[str]) -> str:
        """Return what binds a ticket to its row; a key may be longer than a purpose."""
        values = [str(value) for value in self._rows.keys.read(key, "sqlite") or ()]
        return f"{self.column}:{hashlib.sha256(json.dumps(values).encode()).hexdigest()}"


def _sent(received: Form) -> FileObject:
    if _PART not in received.files:
        message = f"the form has no file in its field {_PART!r}"
        raise InvalidFormError(message)
    file: FileObject = received.files[_PART]
    return file


def _there(file: FileObject | None) -> FileObject:
    return file if file is not None else hide()
