"""How a service is to keep an object: settings that change neither its bytes nor its name."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from holdfast.errors import ConfigurationError
from holdfast.names import check_name

if TYPE_CHECKING:
    from collections.abc import Mapping


class ObjectSettings(NamedTuple):
    """What is sent along with a write, by the words of the service. None, or no tags, leaves it to the service.

    The same fields hold for a whole storage and for a single file, whose own go first. A service that does not have
    one of them refuses it.

    Attributes:
        storage_class: ``"STANDARD_IA"`` (S3), ``"NEARLINE"`` (GCS); on Azure the access tier, ``"Cool"``.
        tags: Tags of the object, for lifecycle rules, bills and policies.
        encryption: Encryption at the server: ``"AES256"``, ``"aws:kms"`` or ``"aws:kms:dsse"``.
        encryption_key: Its key: a KMS key of AWS or Google, an encryption scope of Azure.
        checksum_algorithm: Checksum that the service computes and keeps beside the object, ``"SHA256"`` on S3.
        cache_control: The header ``Cache-Control`` of later reads.
        content_disposition: The header ``Content-Disposition`` of later reads.
        content_encoding: The header ``Content-Encoding`` of later reads.
        content_language: The header ``Content-Language`` of later reads.

    Example:
        >>> ObjectSettings.of({"storage_class": "STANDARD_IA"}).storage_class
        'STANDARD_IA'
    """

    storage_class: str | None = None
    tags: Mapping[str, str] = MappingProxyType({})
    encryption: str | None = None
    encryption_key: str | None = None
    checksum_algorithm: str | None = None
    cache_control: str | None = None
    content_disposition: str | None = None
    content_encoding: str | None = None
    content_language: str | None = None

    @classmethod
    def of(cls, value: ObjectSettingsLike) -> ObjectSettings:
        """Return settings from a mapping; None means none, and so does a field that is None.

        Raises:
            ConfigurationError: A field does not exist, or its value is not text.
        """
        if value is None or isinstance(value, ObjectSettings):
            return value or NO_SETTINGS
        if not hasattr(value, "items"):
            message = f"object_settings must be a mapping, not {type(value).__name__}"
            raise ConfigurationError(message)
        found: dict[str, Any] = {}
        for name, setting in value.items():
            check_name(name, cls._fields, "object_settings")
            if setting is not None:
                found[name] = _tags(setting) if name == "tags" else _text(name, setting)
        return cls(**found)

    def over(self, others: ObjectSettings) -> ObjectSettings:
        """Return these settings, and where there are none, the others; tags are merged."""
        if self == others == NO_SETTINGS:  # nearly always
            return NO_SETTINGS
        return ObjectSettings.of({**others.to_dict(), **self.to_dict(), "tags": {**others.tags, **self.tags}})

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that say something."""
        return {name: dict(value) if name == "tags" else value for name, value in self._asdict().items() if value}

    @property
    def given(self) -> frozenset[str]:
        """The names of the fields that say something."""
        return frozenset(name for name, value in zip(self._fields, self, strict=True) if value)


NO_SETTINGS = ObjectSettings()
"""Settings that say nothing."""

ObjectSettingsLike: TypeAlias = "ObjectSettings | Mapping[str, Any] | None"
"""What is taken for settings."""


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable():
        message = f"object_settings: {name}={value!r} must be printable text"
        raise ConfigurationError(message)
    return value


def _tags(value: Any) -> dict[str, str]:
    if not hasattr(value, "items"):
        message = f"object_settings: tags must be a mapping, not {type(value).__name__}"
        raise ConfigurationError(message)
    return {_text("tags", name): _text("tags", text) for name, text in value.items()}
