"""Options of web servers, which storages read from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.backends.options import Arguments, Vocabulary
from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

VOCABULARY = Vocabulary(
    service="HTTP",
    prefixes=("",),  # and so no variables: HTTP_… of the environment may come from a request (CGI)
    names=frozenset(),
    aliases={"headers": "default_headers"},
    credentials='headers={"Authorization": "…"}',
)
"""There are only those of the client: headers, timeouts, certificates."""


def http_arguments(url: str, options: Mapping[str, Any]) -> tuple[str, Arguments]:
    """Return the address and the arguments of ``obstore.store.HTTPStore``.

    Raises:
        ConfigurationError: An option is unknown, or the address cannot work.
    """
    arguments = VOCABULARY.read(options)
    if "credential_provider" in arguments.more:
        message = f"credential_provider is not an option of HTTP: give {VOCABULARY.credentials} instead"
        raise ConfigurationError(message)
    address = VOCABULARY.address("fs", url, allow_http=arguments.client.get("allow_http", False))
    return f"{address}/", arguments
