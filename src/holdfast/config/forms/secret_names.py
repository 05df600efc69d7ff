"""Which options hold secrets, by their names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from holdfast.backends import azure_options, gcs_options, s3_options

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAMED = frozenset(
    name for module in (azure_options, gcs_options, s3_options) for name in module.VOCABULARY.secret_names
)
_LIKE = re.compile(
    r"(?i)(?:^|_)(?:secret|secret_access_key|password|passwd|passphrase|account_key|connection_string|sas_token|sas_key"
    r"|token|service_account_key|bearer_token|client_secret|secret_key|private_key|api_key|authorization)$"
)
"""Those of fsspec's file systems and of whatever a service may call so."""


def is_secret(path: Sequence[str]) -> bool:
    """Return whether a value is a secret, or holds one; the names that lead to it tell."""
    if "object_settings" in path[:-1]:  # their encryption_key is the name of a key
        return False
    return path[-1].lower() in _NAMED or _LIKE.search(path[-1]) is not None
