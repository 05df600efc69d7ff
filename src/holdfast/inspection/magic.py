"""libmagic, which knows a thousand more formats; the extra ``holdfast[magic]``.

Example:
    >>> from holdfast import StoredObject
    >>> from holdfast.inspection import magic
    >>> column = StoredObject(backend="docs", accept=["image/*", "model/*"], sniff=magic.sniff)
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import Any

from holdfast import inspection
from holdfast.errors import MissingExtraError
from holdfast.inspection.agreement import is_special_case
from holdfast.inspection.media_types import GZIP, OLE, ZIP, normal

with suppress(ImportError):  # the machine may have a libmagic of its own
    import pylibmagic  # noqa: F401  # brings the library, and tells `magic` where it is

try:
    import magic
except ImportError as missing:
    message = "libmagic is asked through two packages: pip install 'holdfast[magic]'"
    raise MissingExtraError(message) from missing

_CONTAINERS = frozenset({ZIP, OLE, GZIP})


def sniff(head: bytes) -> str | None:
    """Return the media type of first bytes: what `holdfast.inspection.sniff` says, or libmagic where that says little.

    libmagic is not asked about text: it takes plain text for source code now and then, and HTML for text.
    It takes about 0.1 to 1 ms, and is called in a thread where an event loop runs.
    """
    found = inspection.sniff(head)
    if found is not None and found not in _CONTAINERS:
        return found
    answer = normal(_library().from_buffer(bytes(head[: inspection.HEAD_SIZE])))
    if answer is None or answer.startswith(("text/", "inode/")):
        return found
    return answer if found is None or is_special_case(answer, found) else found


@cache
def _library() -> Any:
    return magic.Magic(mime=True)  # it locks itself
