"""What a file really is, told from its bytes: pure, and never a promise (a file can be two things at once)."""

from __future__ import annotations

__all__ = ["HEAD_SIZE", "sniff"]

HEAD_SIZE = 4096
"""Bytes that are looked at."""


def sniff(head: bytes) -> str | None:
    """Return the media type that a file's first bytes show.

    This is what the file *begins* as. A file can be two things at once (a GIF that is a script, a PDF that is HTML),
    and no look at its bytes excludes that: how it is served must not depend on it.

    Args:
        head: The first bytes, of which `HEAD_SIZE` are looked at; an empty file is a text.

    Returns:
        The type, ``text/plain`` for any text that is nothing else, None for bytes that nothing is known of.

    Example:
        >>> sniff(b"GIF89a..."), sniff(b" <!-- x --> <script>"), sniff(b"a,b"), sniff(bytes(8))
        ('image/gif', 'text/html', 'text/plain', None)
    """
    from holdfast.inspection.sniffing import type_of  # noqa: PLC0415  # 20 ms that `import holdfast` saves

    return type_of(bytes(head[:HEAD_SIZE]))
