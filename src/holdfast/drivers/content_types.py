"""Content types that can be headers."""

from __future__ import annotations

import re

_CONTENT_TYPE = re.compile(r"[!-~]+( [!-~]+)*")
_LONGEST = 255


def sendable(content_type: str | None) -> str | None:
    """Return a content type if it can be a header, else None: a client may have sent anything."""
    if content_type and len(content_type) <= _LONGEST and _CONTENT_TYPE.fullmatch(content_type):
        return content_type
    return None
