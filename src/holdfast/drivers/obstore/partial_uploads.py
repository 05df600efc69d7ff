"""Unfinished uploads in the bucket of an obstore store.

obstore can neither list nor abort them, and tells nobody its credentials. But it signs URLs: one of them shows address,
region and access key, by whichever options, variables and rules it found them.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

import obstore as obs

from holdfast.drivers.s3.requests import Bucket
from holdfast.drivers.s3.signature import Credentials

if TYPE_CHECKING:
    from collections.abc import Mapping

_PROBE = "holdfast"
_BRIEF = timedelta(seconds=1)
_TRUE = {"1", "true", "on", "yes", "y"}  # what obstore takes for true


def clear(bucket: Bucket, prefix: str | None, older_than: float, *, delete: bool) -> list[str]:
    """Abort the uploads for keys below `prefix` that were begun before `older_than`, and return their keys."""
    root = f"{prefix}/" if prefix else ""
    cleared: list[str] = []
    for upload in bucket.uploads(root):
        if upload.initiated is not None and upload.initiated < older_than:
            if delete:
                bucket.abort(upload)
            cleared.append(upload.key.removeprefix(root))
    return cleared


def bucket(store: Any) -> Bucket:
    """Return the bucket of an ``S3Store``.

    Raises:
        NotImplementedError: The credentials are known to obstore alone, or would go over an unencrypted connection.
    """
    provider = store.credential_provider
    known = _configured(store) if provider is None else None
    url = obs.sign(store, "GET", _PROBE, _BRIEF)
    return _bucket(store, url, known or _provided(provider()))


async def bucket_async(store: Any) -> Bucket:
    """Like `bucket`; a credential provider may be async."""
    provider = store.credential_provider
    known = _configured(store) if provider is None else None
    url = await obs.sign_async(store, "GET", _PROBE, _BRIEF)
    if known is None:
        answer = provider()
        known = _provided(await answer if hasattr(answer, "__await__") else answer)
    return _bucket(store, url, known)


def _configured(store: Any) -> Credentials:
    """Return what the store was given, else what the environment holds."""
    for source, prefix in ((store.config, ""), (os.environ, "AWS_")):
        access_key, secret_key, token = (
            source.get(_named(name, prefix)) for name in ("access_key_id", "secret_access_key", "session_token")
        )
        if access_key and secret_key:
            return Credentials(access_key, secret_key, token)
    message = (
        "only obstore sees the credentials, which come from the machine, so that unfinished uploads cannot be looked "
        "for: give the bucket the lifecycle rule AbortIncompleteMultipartUpload, or the storage aws_access_key_id and "
        "aws_secret_access_key"
    )
    raise NotImplementedError(message)


def _named(name: str, prefix: str) -> str:
    return (prefix + name).upper() if prefix else name


def _provided(answer: Mapping[str, Any]) -> Credentials:
    return Credentials(answer["access_key_id"], answer["secret_access_key"], answer.get("token"))


def _bucket(store: Any, signed_url: str, credentials: Credentials) -> Bucket:
    parts = urlsplit(signed_url)
    options = store.client_options or {}
    if parts.scheme != "https" and not _true(options.get("allow_http") or os.environ.get("AWS_ALLOW_HTTP")):
        message = f"{parts.scheme}://{parts.netloc} is not encrypted: add aws_allow_http=True if that is meant"
        raise NotImplementedError(message)
    key = quote("/".join(filter(None, (store.prefix, _PROBE))), safe="/-_.~")
    certificates = options.get("root_certificate")
    scope = parse_qs(parts.query)["X-Amz-Credential"][0].split("/")
    return Bucket(
        f"{parts.scheme}://{parts.netloc}{parts.path.removesuffix(key).rstrip('/')}",
        scope[-3],
        credentials,
        certificates=certificates.decode() if isinstance(certificates, bytes) else certificates,
        verify=not _true(options.get("allow_invalid_certificates")),
        proxy=options.get("proxy_url"),
    )


def _true(value: Any) -> bool:
    return str(value).lower() in _TRUE
