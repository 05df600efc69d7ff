"""Reads the body of a form (``multipart/form-data``, RFC 7578): bytes in, parts out. No I/O, and nothing is kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from holdfast.errors import InvalidFormError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADERS = 4096  # bytes of one header of a part
_OUTSIDE = 65536  # bytes that may come one after the other and belong to no part; all headers of one have 32 KiB
_BOUNDARY = 70  # characters, RFC 2046 §5.1.1
_MEDIA_TYPE = re.compile(r"[\w.+-]{1,127}/[\w.+-]{1,127}", re.ASCII)


class Part(NamedTuple):
    """The head of a part.

    Attributes:
        name: Name of the field.
        filename: What the client calls the file; None for a text field, "" where no file was chosen.
        content_type: What the client says of it, if that is a media type.
    """

    name: str
    filename: str | None
    content_type: str | None


Event: TypeAlias = "Part | bytes | None"
"""The head of a part, some of its bytes, or its end."""


class FormReader:
    """Reads one form.

    Args:
        content_type: The request's header.
        max_parts: Parts that a form may have.

    Raises:
        InvalidFormError: The header is not that of a form, or names no boundary.
        MissingExtraError: The parser is not installed.
    """

    def __init__(self, content_type: str | None, *, max_parts: int) -> None:
        try:
            import multipart  # type: ignore[import-untyped]  # noqa: PLC0415  # optional
        except ImportError:
            message = 'forms need the package "multipart": pip install "holdfast[forms]"'
            raise MissingExtraError(message) from None
        if not hasattr(multipart, "PushMultipartParser"):  # an old python-multipart has the same name
            message = 'forms need "multipart" 1.3 or later: pip install "holdfast[forms]"'
            raise MissingExtraError(message)
        self._errors, self._limit_reached = multipart.MultipartError, multipart.ParserLimitReached
        kind, options = multipart.parse_options_header(content_type or "")
        if kind != "multipart/form-data":
            message = f"a form with files is sent as multipart/form-data, not as {kind or 'nothing'!r}"
            raise InvalidFormError(message, code="not_a_form")
        boundary = options.get("boundary", "")
        if not 0 < len(boundary) <= _BOUNDARY or not boundary.isascii() or not boundary.isprintable():
            message = "the form's Content-Type names no valid boundary"
            raise InvalidFormError(message)
        self._parser = multipart.PushMultipartParser(boundary, max_header_size=_HEADERS, max_segment_count=max_parts)
        self._outside = 0

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Yield what a chunk of the body completes; to be exhausted before the next chunk."""
        if not chunk:
            return  # to the parser, this would be the end
        self._outside += len(chunk)
        try:
            for event in self._parser.parse(chunk):
                self._outside = 0
                yield _event(event)
        except self._limit_reached as error:
            message = f"the form has too many parts, or too large a header: {error}"
            raise InvalidFormError(message, code="too_large") from error
        except self._errors as error:
            raise _malformed(error) from error
        if self._outside > _OUTSIDE:
            message = "the form has too many bytes outside of its parts"
            raise InvalidFormError(message)

    def end(self) -> None:
        """Note the end of the body.

        Raises:
            InvalidFormError: The form is not complete.
        """
        try:
            self._parser.close()
        except self._errors as error:
            raise _malformed(error) from error


def _event(event: Any) -> Event:
    # Before version 2, a parser yields bytearrays.
    return event if event is None else bytes(event) if isinstance(event, (bytes, bytearray)) else _part(event)


def _part(segment: Any) -> Part:
    name, filename = getattr(segment, "name", None), getattr(segment, "filename", None)
    content_type = getattr(segment, "content_type", None) or ""
    return Part(str(name), filename, content_type if _MEDIA_TYPE.fullmatch(content_type) else None)


def _malformed(error: Exception) -> InvalidFormError:
    return InvalidFormError(f"the form cannot be read: {error}")
