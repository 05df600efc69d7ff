"""Encryption and checksums on S3, which obstore has for all writes of a store, not for one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.object_settings import ObjectSettings

_KMS = ("aws:kms", "aws:kms:dsse")
_ENCRYPTIONS = ("AES256", *_KMS)
_CHECKSUMS = ("SHA256", "CRC64NVME")


def check_s3(settings: ObjectSettings) -> None:
    """Refuse what obstore would refuse, or S3.

    Raises:
        ConfigurationError: A value does not exist, or does not go with another one.
    """
    for name, value, known in (
        ("encryption", settings.encryption, _ENCRYPTIONS),
        ("checksum_algorithm", settings.checksum_algorithm, _CHECKSUMS),
    ):
        if value is not None and value not in known:
            message = f"object_settings: {name}={value!r} must be one of {', '.join(known)}"
            raise ConfigurationError(message)
    if settings.encryption_key and settings.encryption == "AES256":
        message = 'object_settings: encryption_key goes with encryption="aws:kms"; with AES256, S3 has its own keys'
        raise ConfigurationError(message)


def store_options(settings: ObjectSettings) -> dict[str, str]:
    """Return the options of a store that writes with these settings; none if any store does."""
    encryption = settings.encryption or (_KMS[0] if settings.encryption_key else None)
    options = {
        "server_side_encryption": encryption,
        "sse_kms_key_id": settings.encryption_key,
        "checksum_algorithm": settings.checksum_algorithm,
    }
    return {name: value for name, value in options.items() if value}


def changed_store(store: Any, options: Mapping[str, str]) -> Any:
    """Return another store like `store`, with other options."""
    # obstore shows some options under short names that it does not take: `endpoint_url_s3`. The long ones it does.
    config = {name if name == "bucket" else f"aws_{name}": value for name, value in {**store.config, **options}.items()}
    return type(store)(
        prefix=store.prefix,
        config=config,
        client_options=store.client_options,
        retry_config=store.retry_config,
        credential_provider=store.credential_provider,
    )
