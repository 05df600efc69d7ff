"""What is asked for, what there is, and what is answered: the values between the planner and those that send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from holdfast.disposition import Disposition


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
        content_disposition: The whole header, in place of `disposition`; bound into a signed URL.
    """

    disposition: Disposition = "attachment"
    cache_control: str = "private, no-cache"
    cross_origin_resource_policy: str = "same-origin"
    content_type: str | None = None
    content_disposition: str | None = None


class Reply(NamedTuple):
    """An answer, but for its bytes.

    Attributes:
        status: Of HTTP.
        headers: Names in lower case, and values of ASCII.
        start: The first byte of the file that is sent.
        end: The byte after the last one; `start` if no bytes are sent.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    start: int = 0
    end: int = 0
