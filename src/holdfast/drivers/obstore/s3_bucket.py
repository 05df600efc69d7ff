"""Where the bucket of an obstore store is, and who asks: for requests and signatures of our own.

obstore tells nobody its credentials. But it signs URLs: one of them shows address, region, access key and session
token, by whichever options, variables and rules it found them.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import obstore as obs

from holdfast.drivers.fetching import Connection
from holdfast.drivers.obstore import credentials
from holdfast.drivers.s3.requests import Bucket
from holdfast.drivers.s3.signature import Credentials

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROBE = "holdfast"  # an object that is signed for and need not exist
_BRIEF = timedelta(seconds=1)
_TRUE = {"1", "true", "on", "yes", "y"}  # what obstore takes for true


def find(store: Any) -> Bucket | None:
    """Return the bucket of an ``S3Store``; None where only obstore sees the credentials, as those of a machine."""
    provider = store.credential_provider
    if provider is None and not _is_told(store):
        return None
    url = obs.sign(store, "GET", _PROBE, _BRIEF)
    return _bucket(store, url, None if provider is None else credentials.provided(provider))


async def find_async(store: Any) -> Bucket | None:
    """Like `find`; the event loop goes on while a credential provider is asked."""
    provider = store.credential_provider
    if provider is None and not _is_told(store):
        return None
    url = await obs.sign_async(store, "GET", _PROBE, _BRIEF)
    return _bucket(store, url, None if provider is None else await credentials.provided_async(provider))


def is_encrypted(store: Any, url: str, variable: str = "AWS_ALLOW_HTTP") -> bool:
    """Return whether requests are encrypted, or need not be."""
    allowed = (store.client_options or {}).get("allow_http") or os.environ.get(variable)
    return url.startswith("https:") or is_true(allowed)


def unencrypted(url: str, option: str = "aws_allow_http") -> str:
    """Return what is said of an address that is not encrypted."""
    address = "/".join(url.split("/", 3)[:3])
    return f"{address} is not encrypted: add {option}=True if that is meant"


def connection(store: Any) -> Connection:
    """Return how a store reaches its service."""
    options = store.client_options or {}
    certificates = options.get("root_certificate")
    return Connection(
        certificates.decode() if isinstance(certificates, bytes) else certificates,
        not is_true(options.get("allow_invalid_certificates")),
        options.get("proxy_url"),
    )


def setting(store: Any, name: str, *variables: str) -> str | None:
    """Return what a store was given, else what the first of some environment variables holds."""
    return next(filter(None, (store.config.get(name), *map(os.environ.get, variables))), None)


def is_true(value: Any) -> bool:
    """Return whether obstore takes an option for true."""
    return str(value).lower() in _TRUE


def _is_told(store: Any) -> bool:
    return bool(_access_key(store) and _secret_key(store))


def _access_key(store: Any) -> str | None:
    return setting(store, "access_key_id", "AWS_ACCESS_KEY_ID")


def _secret_key(store: Any) -> str | None:
    return setting(store, "secret_access_key", "AWS_SECRET_ACCESS_KEY")


def _bucket(store: Any, signed_url: str, provided: Mapping[str, Any] | None) -> Bucket | None:
    query = parse_qs(urlsplit(signed_url).query)
    access_key, _, region, _, _ = query["X-Amz-Credential"][0].rsplit("/", 4)
    if provided is not None:
        found = Credentials(provided["access_key_id"], provided["secret_access_key"], provided.get("token"))
    elif access_key == _access_key(store):
        found = Credentials(access_key, _secret_key(store) or "", query.get("X-Amz-Security-Token", [None])[0])
    else:
        return None
    return Bucket(
        _address(store, signed_url),
        region,
        found,
        *connection(store),
        name=setting(store, "bucket", "AWS_BUCKET", "AWS_BUCKET_NAME") or "",
    )


def _address(store: Any, signed_url: str) -> str:
    # How obstore encodes the prefix is its own affair, but it leaves the slashes.
    segments = (store.prefix or "").strip("/").count("/") + bool(store.prefix) + 1
    return signed_url.partition("?")[0].rsplit("/", segments)[0]
