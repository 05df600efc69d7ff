"""Signed URLs of Google Cloud Storage, V4, with a service account's key.

https://cloud.google.com/storage/docs/authentication/signatures
"""

from __future__ import annotations

from functools import lru_cache, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.drivers import canonical
from holdfast.errors import ConfigurationError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from holdfast.drivers.optional import SignRequest

ALGORITHM = "GOOG4-RSA-SHA256"
"""Name of the signature."""

PLACE = "auto/storage/goog4_request"
"""What a signature is for, besides the day."""

_NOTHING: Mapping[str, str] = MappingProxyType({})


class ServiceAccount(NamedTuple):
    """Who signs.

    Attributes:
        email: Name of the account.
        sign: Its RSA signature (PKCS #1 v1.5, SHA-256) of some bytes.
    """

    email: str
    sign: Callable[[bytes], bytes]

    def __repr__(self) -> str:
        return f"ServiceAccount({self.email!r}, …)"

    @classmethod
    def with_key(cls, email: str, private_key: str) -> ServiceAccount:
        """Return an account whose key is at hand, as PEM.

        Raises:
            MissingExtraError: The package that can use the key is missing.
            ConfigurationError: It is not a key.
        """
        return cls(email, partial(_rsa_signature, _loaded(private_key)))


def presigned_url(
    address: str,
    request: SignRequest,
    account: ServiceAccount,
    now: datetime,
    *,
    more: Mapping[str, str] = _NOTHING,
    parameters: Mapping[str, str] = _NOTHING,
) -> str:
    """Return a URL for one object.

    A ``content_type`` becomes the answer's to a GET; a PUT must be sent with it, and with whatever else
    `upload_headers` returns, or GCS refuses it.

    Args:
        address: URL of the bucket, without a slash at the end.
        request: What it allows; its key is the whole one, with any prefix.
        account: Who signs.
        now: Time in UTC, from which `SignRequest.expires_in` counts.
        more: Other headers that must be sent, by their names in lower case.
        parameters: More parameters of GCS, such as the number of a part.

    Raises:
        NotImplementedError: The request binds the SHA-256 of an upload.
    """
    signer = canonical.Signer(
        "X-Goog-", ALGORITHM, account.email, PLACE, lambda _, to_sign: account.sign(to_sign.encode()).hex()
    )
    bound = {**upload_headers(request), **more}
    return canonical.presigned_url(address, request, signer, now, bound=bound, parameters=parameters)


def upload_headers(request: SignRequest) -> dict[str, str]:
    """Return the headers that a PUT must be sent with, by their names in lower case.

    Raises:
        NotImplementedError: The request binds the SHA-256 of an upload.
    """
    if request.method == "GET":
        return {}
    if request.checksum is not None:
        message = "GCS cannot be told the SHA-256 of an upload: leave checksum out, and look at what was uploaded"
        raise NotImplementedError(message)
    headers = {
        "content-type": request.content_type,
        "x-goog-content-length-range": None if request.size is None else f"{request.size},{request.size}",
        "x-goog-if-generation-match": "0" if request.if_absent else None,
    }
    return {name: value for name, value in headers.items() if value is not None}


@lru_cache(maxsize=16)  # loading checks the key, which takes some hundred times as long as a signature
def _loaded(private_key: str) -> Any:
    try:
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  # optional
        from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415
    except ImportError as error:
        message = 'signed URLs of GCS need another package: pip install "holdfast[signing]"'
        raise MissingExtraError(message) from error
    try:
        return load_pem_private_key(private_key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        message = "the private_key of the service account cannot be used: it is no PEM of an unencrypted key"
        raise ConfigurationError(message) from None


def _rsa_signature(key: Any, message: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415  # optional
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

    signature: bytes = key.sign(message, PKCS1v15(), SHA256())
    return signature
