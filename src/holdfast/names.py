"""Names that people write: of options, settings, fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable


def check_name(name: str, known: Iterable[str], owner: str) -> None:
    """Refuse a name that does not exist.

    Args:
        name: The name.
        known: Those that exist.
        owner: What has them, for the message: a service, a table of a configuration.

    Raises:
        ConfigurationError: It names what comes near.
    """
    known = sorted(known)
    if name in known:
        return
    import difflib  # noqa: PLC0415  # `import holdfast` need not pay for it

    near = difflib.get_close_matches(name, known)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else f"; there are {', '.join(known) or 'none'}"
    message = f"{name!r} is not an option of {owner}{hint}"
    raise ConfigurationError(message)
