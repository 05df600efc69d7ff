"""Checksums of streams, written ``"<algorithm>:<hex>"``."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Protocol

from holdfast.errors import ConfigurationError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer


class Hash(Protocol):
    """The part of `hashlib`'s objects that is used here."""

    def update(self, data: Buffer, /) -> Any:
        """Feed bytes."""

    def hexdigest(self) -> str:
        """Return the checksum so far."""


def hash_factory(algorithm: str | None) -> Callable[[], Hash] | None:
    """Return what makes a fresh hash of an algorithm: ``"sha256"``, ``"blake3"`` (an extra) or None for none."""
    if algorithm is None:
        return None
    if algorithm == "sha256":
        return hashlib.sha256
    if algorithm == "blake3":
        try:
            from blake3 import blake3  # noqa: PLC0415  # optional
        except ImportError as error:
            message = 'checksum="blake3" needs a package: pip install "holdfast[blake3]"'
            raise MissingExtraError(message) from error
        return blake3  # type: ignore[no-any-return, unused-ignore]  # it ships types, if it is there
    message = f'checksum={algorithm!r} is not known: use "sha256", "blake3" or None'
    raise ConfigurationError(message)


def algorithm_of(checksum: str) -> str:
    """Return the algorithm that a checksum names."""
    return checksum.partition(":")[0]
