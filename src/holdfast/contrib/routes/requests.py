"""What comes with a request: who may do what, and what a client says of a file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from holdfast.errors import InvalidFormError

SessionLike: TypeAlias = Session

AsyncSessionLike: TypeAlias = Session | AsyncSession
"""What the ``_async`` routes take: a sync session is used in a thread."""

Action: TypeAlias = Literal["download", "url", "upload", "delete", "ticket", "claim"]

Authorize: TypeAlias = Callable[[Any, Action, Any], bool | Awaitable[bool]]
"""``authorize(request, action, row)`` says whether this client may do that; sync, or (but in Flask) async."""


@dataclass(frozen=True, slots=True)
class TicketRequest:
    """What a client tells of a file that it wants to upload by itself.

    Attributes:
        filename: Its name.
        size: Its bytes.
        content_type: Its media type.
        checksum: ``"sha256:<hex>"``, if the client computed it.
    """

    filename: str
    size: int
    content_type: str
    checksum: str | None = None

    @classmethod
    def read(cls, value: object) -> TicketRequest:
        """Return the one that a client's JSON holds.

        Raises:
            InvalidFormError: It holds something else.
        """
        fields = value if isinstance(value, Mapping) else {}
        size = fields.get("size")
        return cls(
            _text(fields, "filename"),
            size if type(size) is int and size >= 0 else _refuse("size", "a whole number of bytes"),
            _text(fields, "content_type"),
            None if fields.get("checksum") is None else _text(fields, "checksum"),
        )


def read_token(value: object) -> str:
    """Return the token that a client's JSON holds.

    Raises:
        InvalidFormError: It holds none.
    """
    return _text(value if isinstance(value, Mapping) else {}, "token")


def _text(fields: Mapping[str, Any], name: str) -> str:
    text = fields.get(name)
    return text if isinstance(text, str) and text else _refuse(name, "a text")


def _refuse(name: str, wanted: str) -> Any:
    message = f"the request's field {name!r} must be {wanted}"
    raise InvalidFormError(message)
