"""How SFTP servers say that they do not know an operation: with a code of their own, or with that of any failure."""

from __future__ import annotations

import re

_WORDS = re.compile("unsupported|not (supported|implemented)|unknown (request|extension)", re.IGNORECASE)


def says_unsupported(text: str) -> bool:
    """Return whether the words of a failure mean so."""
    return bool(_WORDS.search(text))
