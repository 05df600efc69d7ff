"""Tags of objects, within the limits of the services.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html
https://learn.microsoft.com/azure/storage/blobs/storage-manage-find-blobs
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.object_settings import ObjectSettings

_MOST = 10
_LONGEST_NAME, _LONGEST_VALUE = 128, 256
_TIERS = ("Hot", "Cool", "Cold", "Archive", "Smart")
_PLAIN = re.compile(r"[A-Za-z0-9 +\-./:=_]*")


def check_tags(tags: Mapping[str, str], *, plain: bool = False) -> None:
    """Refuse tags that a service would answer with an error hard to read.

    Args:
        tags: The tags.
        plain: Whether only the characters are allowed that Azure knows.

    Raises:
        ConfigurationError: There are too many, or one is too long or has other characters.
    """
    if len(tags) > _MOST:
        message = f"object_settings: {len(tags)} tags are too many, an object has at most {_MOST}"
        raise ConfigurationError(message)
    for name, value in tags.items():
        if not 1 <= len(name) <= _LONGEST_NAME or len(value) > _LONGEST_VALUE:
            message = (
                f"object_settings: the tag {name!r} is empty or too long: a name has 1 to {_LONGEST_NAME} characters, "
                f"a value at most {_LONGEST_VALUE}"
            )
            raise ConfigurationError(message)
        if plain and not (_PLAIN.fullmatch(name) and _PLAIN.fullmatch(value)):
            message = f"object_settings: the tag {name!r} may only hold letters, digits, spaces and + - . / : = _"
            raise ConfigurationError(message)


def check_azure(settings: ObjectSettings) -> None:
    """Refuse an access tier and tags that Azure does not have.

    Raises:
        ConfigurationError: There is no such tier, or a tag is too long or has other characters.
    """
    if settings.storage_class and settings.storage_class not in _TIERS:
        message = (
            f"object_settings: storage_class={settings.storage_class!r} is not an access tier: "
            f"there are {', '.join(_TIERS)}"
        )
        raise ConfigurationError(message)
    check_tags(settings.tags, plain=True)
