"""Which settings of objects Azure takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from azure.storage.blob import StandardBlobTier

from holdfast.drivers.headers import check_headers
from holdfast.drivers.obstore.tags import check_tags
from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from holdfast.object_settings import ObjectSettings


def check_settings(settings: ObjectSettings) -> None:
    """Refuse settings that cannot stand in a request: Azure's library signs other bytes than are sent.

    Raises:
        ConfigurationError: A header holds characters beyond ASCII, or there is no such access tier or tag.
    """
    check_headers(settings)
    check_tags(settings.tags, plain=True)
    if settings.storage_class:
        tier(settings.storage_class)


def tier(name: str) -> StandardBlobTier:
    """Return an access tier.

    Raises:
        ConfigurationError: There is none of that name.
    """
    tiers = {tier.value: tier for tier in StandardBlobTier}
    if name not in tiers:
        message = f"storage_class={name!r} is not an access tier: there are {', '.join(tiers)}"
        raise ConfigurationError(message)
    return tiers[name]
