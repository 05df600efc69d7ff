"""What direct uploads have in common, whatever the service: sizes, parts, and the name that finishes an upload."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, urlencode

from holdfast.drivers.optional import UploadOffer
from holdfast.drivers.protocol import MIB

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_LEAST_PART = 16 * MIB
_PARTS = 1000  # each is a URL of half a kilobyte that the client is sent


class UploadName(NamedTuple):
    """What is to be known of a multipart upload to finish it, as text.

    Attributes:
        upload_id: The service's own name of it.
        size: The bytes of all parts.
        headers: What the object is to have, where the service is told that at the end.
    """

    upload_id: str
    size: int
    headers: Mapping[str, str]

    def __str__(self) -> str:
        return urlencode({"id": self.upload_id, "size": self.size, **self.headers})

    @classmethod
    def of(cls, text: str) -> UploadName:
        """Read the text.

        Raises:
            FileNotFoundError: It names no upload.
        """
        fields = dict(parse_qsl(text, keep_blank_values=True))
        try:
            return cls(fields.pop("id"), int(fields.pop("size")), fields)
        except (KeyError, ValueError):
            message = "that is not the name of an upload"
            raise FileNotFoundError(message) from None


def part_sizes(size: int, *, most: int, longest: int) -> list[int]:
    """Return the bytes of each part: all alike but the last one.

    Args:
        size: Bytes of the whole.
        most: How many parts the service takes.
        longest: Bytes of the longest part that it takes.

    Raises:
        NotImplementedError: It is too much for the service.
    """
    if size > most * longest:
        message = f"an upload in parts takes at most {most * longest} bytes here, not {size}"
        raise NotImplementedError(message)
    part = max(_LEAST_PART, -(-size // min(most, _PARTS)))
    part = min(-(-part // MIB) * MIB, longest)
    whole, rest = divmod(size, part)
    return [part] * whole + ([rest] if rest or not whole else [])


def parts_offer(urls: Sequence[str], sizes: Sequence[int], name: UploadName, *, creates_only: bool) -> UploadOffer:
    """Return an offer of parts."""
    return UploadOffer("PUT", "", parts=tuple(urls), part_size=sizes[0], upload_id=str(name), creates_only=creates_only)


def check_single(size: int, limit: int) -> None:
    """Refuse what one request cannot take.

    Raises:
        NotImplementedError: It is too much.
    """
    if size > limit:
        message = f"one request takes at most {limit} bytes here, not {size}: larger files go in parts (in_parts)"
        raise NotImplementedError(message)


def check_parts(expected: int, parts: Iterable[tuple[int, int]]) -> None:
    """Refuse to finish an upload that is not complete.

    Args:
        expected: Bytes of the whole.
        parts: Number, from 1 on, and bytes of each part that is there, in order.

    Raises:
        FileNotFoundError: Something is missing.
    """
    found = 0
    for number, (present, size) in enumerate(parts, 1):
        if present != number:
            message = f"part {number} of the upload is missing"
            raise FileNotFoundError(message)
        found += size
    if found != expected:
        message = (
            f"the upload has {found} bytes instead of {expected}: parts are missing, or are others than were agreed"
        )
        raise FileNotFoundError(message)
