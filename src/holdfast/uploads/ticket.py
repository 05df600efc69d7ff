"""The ticket: what a client is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a client needs to upload one file, and to have it claimed.

    Whoever has it may upload that one file: send it to the client it is for, over TLS, and nowhere else.

    Attributes:
        token: What the client gives back for the claim.
        protocol: ``"put"``: the bytes go to `url`, with `headers`. ``"form"``: a form with `fields` and then the file,
            as ``file``, is posted to `url`. ``"parts"``: each slice of `part_size` bytes is PUT to one URL of `parts`.
        method: ``"PUT"`` or ``"POST"``.
        url: Where to; empty with ``"parts"``.
        headers: What the request must have.
        fields: Of a form: what comes before the file.
        parts: Of ``"parts"``: the URLs, in order.
        part_size: Of ``"parts"``: bytes of each but the last.
        expires_at: Until when the claim must come, in seconds since the epoch.
    """

    token: str
    protocol: str
    method: str
    url: str
    expires_at: int
    headers: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    part_size: int | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.protocol!r} expires_at={self.expires_at}>"  # the rest opens doors

    def to_dict(self) -> dict[str, Any]:
        """Return what to send to the client, as JSON."""
        return {
            "token": self.token,
            "protocol": self.protocol,
            "method": self.method,
            "url": self.url,
            "headers": dict(self.headers),
            "fields": dict(self.fields),
            "parts": list(self.parts),
            "part_size": self.part_size,
            "expires_at": self.expires_at,
        }
