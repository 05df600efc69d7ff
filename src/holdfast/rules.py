"""What a file column accepts: sizes, types, and the application's own rules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from holdfast.errors import FileRejectedError


class Candidate(NamedTuple):
    """A file that wants to be accepted, as far as it is known.

    Attributes:
        filename: What a person called it.
        content_type: Its type, as found in its content.
        size: Bytes, None while that is not known.
        head: Its first bytes.
    """

    filename: str
    content_type: str
    size: int | None
    head: bytes


Validator: TypeAlias = Callable[[Candidate], str | None]
"""A rule of the application's: returns why a file is refused, or None."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one column.

    Attributes:
        max_size: Bytes of one file.
        accept: Media types: ``image/png``, or ``image/*`` for all images but SVG.
        validators: Rules of the application's.
        field: Name of the attribute, for errors.
    """

    max_size: int | None = None
    accept: tuple[str, ...] = ()
    validators: tuple[Validator, ...] = ()
    field: str | None = None

    def __bool__(self) -> bool:
        return self.max_size is not None or bool(self.accept or self.validators)

    def check_size(self, size: int, filename: str | None = None) -> None:
        """Refuse a file that is too large.

        Raises:
            FileRejectedError: It is.
        """
        if self.max_size is not None and size > self.max_size:
            message = f"the file {filename or ''!r} is larger than {self.max_size} bytes"
            raise FileRejectedError(
                message, code="too_large", field=self.field, filename=filename, limit=self.max_size, found=size
            )


NO_RULES = Rules()
