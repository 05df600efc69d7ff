"""From a configuration to storages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.backends.base import StorageBackend
from holdfast.config.building import Builder, Declared, Outcome
from holdfast.config.forms.declaration import Declaration, declare
from holdfast.config.forms.described import Described
from holdfast.config.forms.references import resolve
from holdfast.config.forms.signing import signed_urls
from holdfast.config.reading import read
from holdfast.errors import ConfigurationError
from holdfast.registry import storages

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.config.forms.references import Lookups
    from holdfast.config.reading import Configuration
    from holdfast.registry import StorageRegistry
    from holdfast.signed_urls import SignedURLs


class Loaded(NamedTuple):
    """What became of one storage of a configuration.

    Attributes:
        outcome: The storage, or what is wrong with it.
        literal: Options whose secret stands in the configuration as it is.
        part: Whether it is a part of a mirror or of a move, and used through that alone.
    """

    outcome: Outcome
    literal: tuple[str, ...] = ()
    part: bool = False


def configure(
    source: Any, *, secrets: Callable[[str], Any] | None = None, registry: StorageRegistry = storages
) -> list[StorageBackend]:
    """Register the storages of a configuration: all of them, or none if anything is wrong.

    Args:
        source: Path of a ``.toml``, ``.json``, ``.yaml`` or ``.env`` file; a mapping of the same form; ``os.environ``;
            or a settings object (pydantic-settings, a dataclass).
        secrets: Returns a secret by the name that the configuration gives: text, or a mapping of fields. For stores
            such as AWS Secrets Manager or Vault.
        registry: Where to register them.

    Returns:
        The registered storages, in the order of the configuration. Nothing is connected to until their first use.

    Raises:
        ConfigurationError: Says for every storage that cannot be what is wrong, and where it stands.

    Example:
        >>> configure({"storages": {"docs": {"uri": "memory://", "checksum": "sha256"}}})
        [<ObstoreBackend 'docs'>]
    """
    configuration = read(source, secrets)
    found, signing = _loaded(configuration), signing_of(configuration)
    registered = registry.register_all(found)
    if signing is not None:
        registry.signed_urls = signing
    return registered


def load(source: Any, *, secrets: Callable[[str], Any] | None = None) -> list[StorageBackend]:
    """Return the storages of a configuration without registering them; see `configure`."""
    return _loaded(read(source, secrets))


def signing_of(configuration: Configuration) -> SignedURLs | None:
    """Return what a configuration signs Holdfast's own URLs with; None if it does not say.

    Raises:
        ConfigurationError: It cannot be used.
    """
    described, lookups = configuration.signing, configuration.lookups
    if described is None:
        return None
    return signed_urls(resolve(described, lookups) if lookups else described)


def _loaded(configuration: Configuration) -> list[StorageBackend]:
    loaded = load_each(configuration).values()
    errors = [each.outcome for each in loaded if isinstance(each.outcome, ConfigurationError)]
    if len(errors) > 1:
        raise ConfigurationError("\n".join(map(str, errors)))
    if errors:
        raise errors[0]
    return [each.outcome for each in loaded if isinstance(each.outcome, StorageBackend) and not each.part]


def load_each(configuration: Configuration) -> dict[str, Loaded]:
    """Return each storage, or what is wrong with it.

    Raises:
        ConfigurationError: Two have one name.
    """
    names = [described.key for described in configuration.storages]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        message = f"{configuration.storages[0].place} has two storages of the name {twice[0]!r}"
        raise ConfigurationError(message)
    resolved = {each.key: _resolved(each, configuration.lookups) for each in configuration.storages}
    declared = {key: _declared(each) for key, each in resolved.items()}
    over = [each.over for each in declared.values() if isinstance(each, Declaration) and each.over]
    parts = {name for each in over for name in each.parts}
    builder = Builder(declared)
    literal = {key: each.literal for key, each in resolved.items() if isinstance(each, Described)}
    return {key: Loaded(builder.build(key), literal.get(key, ()), key in parts) for key in declared}


def _resolved(described: Described, lookups: Lookups | None) -> Described | ConfigurationError:
    try:
        return resolve(described, lookups) if lookups else described
    except ConfigurationError as error:
        return error


def _declared(described: Described | ConfigurationError) -> Declared:
    try:
        return declare(described) if isinstance(described, Described) else described
    except ConfigurationError as error:
        return error
