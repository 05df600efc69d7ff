"""A storage as somebody wrote it down, before it is understood."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

E = TypeVar("E", bound=ConfigurationError)

_PASSWORD = re.compile(r"(://[^/@\s:]*):[^/@\s]+@")
_SHORTEST = 3  # what is shorter than that is no secret, and would blot out half of a message


class Described(NamedTuple):
    """One storage of a configuration.

    Attributes:
        key: Its name.
        table: What is said about it.
        place: Where that stands, for messages: ``"storages.toml"``.
        origins: For an option whose value stands elsewhere, where: ``"the environment variable S3_SECRET"``.
        secrets: Values that must not show in a message.
        literal: Secrets that stand in the configuration as they are, by name of the option.
        title: What it is, for messages, if it is no storage.
    """

    key: str
    table: Mapping[str, Any]
    place: str
    origins: Mapping[str, str] = MappingProxyType({})
    secrets: frozenset[str] = frozenset()
    literal: tuple[str, ...] = ()
    title: str = ""

    def __repr__(self) -> str:
        """Without the table: it holds secrets."""
        return f"<{type(self).__name__} {self.key!r} in {self.place}>"

    def complaint(self, message: str, kind: type[E] = ConfigurationError) -> E:  # type: ignore[assignment]
        """Return the error for this storage: where it stands, and where the options it names come from."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            if len(secret) >= _SHORTEST:
                message = message.replace(secret, "…")
        message = _PASSWORD.sub(r"\1:…@", message)
        named = {name: origin for name, origin in self.origins.items() if re.search(rf"\b{re.escape(name)}\b", message)}
        told = "; ".join(f"{name} is {origin}" for name, origin in named.items() if origin not in message)
        what = self.title or f"storage {self.key!r}"
        return kind(f"{what} in {self.place}: {message}{f' ({told})' if told else ''}")
