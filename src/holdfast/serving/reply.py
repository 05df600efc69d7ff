"""What is asked for, what there is, and what is answered: the values between the planner and those that send."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from holdfast.disposition import header_type, is_disposition
from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from holdfast.disposition import Disposition

_WORD = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_DIRECTIVE = rf'{_WORD}(?:=(?:{_WORD}|"[ !#-\[\]-~]*"))?'
_CACHE_CONTROL = re.compile(rf"{_DIRECTIVE}(?: *, *{_DIRECTIVE})*")  # RFC 9111 §5.2
_EMBEDDERS = ("same-origin", "same-site", "cross-origin")


class Representation(NamedTuple):
    """A file, as far as an answer is concerned.

    Attributes:
        size: Bytes.
        filename: What a person called it.
        content_type: Its media type.
        etag: Entity tag as the storage has it, with or without quotes; None if there is none.
        last_modified: Seconds since the epoch, None if that is not known.
    """

    size: int
    filename: str
    content_type: str
    etag: str | None = None
    last_modified: float | None = None


@dataclass(frozen=True, slots=True)
class ServePolicy:
    """How files are answered; the defaults are the safe ones.

    Attributes:
        disposition: ``"inline"`` shows files of harmless types; all others are downloads, whatever is said here.
        cache_control: The header; never public, and never longer than a signed URL lives, unless said so.
        cross_origin_resource_policy: Which other sites may embed the file: ``same-origin``, ``same-site``,
            ``cross-origin``.
        content_type: In place of the file's own; bound into a signed URL.
        content_disposition: The whole header, in place of `disposition`; bound into a signed URL. ``inline`` is
            ``attachment`` all the same, where the type is not harmless.

    Raises:
        ConfigurationError: A value cannot stand in its header.
    """

    disposition: Disposition = "attachment"
    cache_control: str = "private, no-cache"
    cross_origin_resource_policy: str = "same-origin"
    content_type: str | None = None
    content_disposition: str | None = None

    def __post_init__(self) -> None:
        """Refuse what would end a header early, or mean something else there."""
        if self.disposition not in {"attachment", "inline"}:
            raise _unfit("disposition", self.disposition, "'attachment' or 'inline'")
        if not _CACHE_CONTROL.fullmatch(self.cache_control):
            raise _unfit("cache_control", self.cache_control, "directives, such as 'private, max-age=60'")
        if self.cross_origin_resource_policy not in _EMBEDDERS:
            raise _unfit("cross_origin_resource_policy", self.cross_origin_resource_policy, f"one of {_EMBEDDERS}")
        if self.content_type is not None and header_type(self.content_type) != self.content_type:
            raise _unfit("content_type", self.content_type, "a media type, such as 'image/png'")
        if self.content_disposition is not None and not is_disposition(self.content_disposition):
            raise _unfit("content_disposition", self.content_disposition, "a whole header of printable ASCII")


class Reply(NamedTuple):
    """An answer, but for its bytes.

    Attributes:
        status: Of HTTP.
        headers: Pairs as ASGI sends them: names in lower case and values of ASCII, both encoded.
        start: The first byte of the file that is sent.
        end: The byte after the last one; `start` if no bytes are sent.
    """

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    start: int = 0
    end: int = 0

    @property
    def text_headers(self) -> list[tuple[str, str]]:
        """The headers as WSGI wants them: text, in a list."""
        return [(name.decode("ascii"), value.decode("ascii")) for name, value in self.headers]


def _unfit(name: str, value: object, wanted: str) -> ConfigurationError:
    message = f"{name}={value!r} must be {wanted}"
    return ConfigurationError(message)
