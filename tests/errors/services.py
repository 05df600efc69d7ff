"""The services of the error table: how each is opened, and its own words for what no server here can be made to say."""

import json
from typing import Any

from fsspec.asyn import sync

from holdfast import StorageBackend
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
from tests.errors.files import FILE_SERVICES
from tests.errors.places import RETRIES, STORAGE, Answer, Place, Service


def _xml(status: str, code: str) -> Answer:
    body = f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>As {code}.</Message></Error>"
    return Answer(status, body.encode(), {"x-ms-error-code": code}, (code, f"As {code}."))


def _json(status: str, reason: str, message: str = "In words.") -> Answer:
    error = {"code": int(status[:3]), "message": message, "errors": [{"message": message, "reason": reason}]}
    body = json.dumps({"error": error}).encode()
    return Answer(status, body, {"Content-Type": "application/json"}, (reason, message))


def impatient(storage: StorageBackend) -> StorageBackend:
    """Have fsspec's file systems try once or twice, not for minutes."""
    fs = storage.native
    if hasattr(fs, "service_client"):
        policy = fs.service_client._config.retry_policy
        policy.total_retries, policy.initial_backoff, policy.increment_base, policy.random_jitter_range = 1, 0, 0, 0
    elif hasattr(fs, "retries"):
        fs.retries = 1
    return storage


def close(storage: StorageBackend) -> None:
    """Close the connections of s3fs, which leaves that to the garbage collector."""
    fs = getattr(storage._driver, "_fs", None)  # as a property it would connect now
    client = getattr(fs, "_s3", None)
    if client is not None:
        sync(fs.loop, client.__aexit__, None, None, None)


# --- S3


def _s3_place(bucket: Any) -> Place:
    return Place(bucket.server.endpoint, bucket.name, bucket.server.access_key, bucket.server.secret_key)


def s3_through_obstore(place: Place) -> StorageBackend:
    """Open a bucket with few retries."""
    return ObstoreBackend(
        STORAGE,
        f"s3://{place.bucket}",
        aws_endpoint=place.address,
        aws_access_key_id=place.user,
        aws_secret_access_key=place.secret,
        aws_region="us-east-1",
        aws_allow_http=True,
        read_timeout=place.patience,
        retry_config=RETRIES,
    )


def s3_through_s3fs(place: Place) -> StorageBackend:
    """Open a bucket with few retries."""
    storage = FSSpecBackend(
        STORAGE,
        "s3",
        prefix=place.bucket,
        endpoint_url=place.address,
        username=place.user,
        password=place.secret,
        client_kwargs={"region_name": "us-east-1"},
        config_kwargs={"retries": {"max_attempts": 0}, "connect_timeout": 1, "read_timeout": place.patience},
    )
    return impatient(storage)


_S3_WORDS = {
    "expired token": _xml("400 Bad Request", "ExpiredToken"),
    "no permission": _xml("403 Forbidden", "AccessDenied"),
    "precondition": _xml("412 Precondition Failed", "PreconditionFailed"),
    "slow down": _xml("503 Slow Down", "SlowDown"),
    "too many requests": _xml("429 Too Many Requests", "TooManyRequests"),
    "out of order": _xml("500 Internal Server Error", "InternalError"),
}
_S3_WRONG = ("AKIAIOSFODNN7NOBODY0", "not-the-secret-of-anybody")

# --- Azure


def _azure_place(container: Any) -> Place:
    server = container.server
    return Place(server.endpoint.rpartition("/")[0], container.name, server.account, server.key)


def azure_through_obstore(place: Place) -> StorageBackend:
    """Open a container with few retries."""
    return ObstoreBackend(
        STORAGE,
        f"az://{place.bucket}",
        azure_storage_account_name=place.user,
        azure_storage_account_key=place.secret,
        azure_storage_endpoint=f"{place.address}/{place.user}",
        azure_storage_allow_http=True,
        read_timeout=place.patience,
        retry_config=RETRIES,
    )


def azure_through_adlfs(place: Place) -> StorageBackend:
    """Open a container with few retries."""
    text = (
        f"DefaultEndpointsProtocol=http;AccountName={place.user};AccountKey={place.secret};"
        f"BlobEndpoint={place.address}/{place.user};"
    )
    storage = FSSpecBackend(
        STORAGE, "abfs", prefix=place.bucket, connection_string=text, connection_timeout=1, read_timeout=place.patience
    )
    return impatient(storage)


_AZURE_WORDS = {
    "expired token": _xml("403 Forbidden", "AuthenticationFailed"),
    "no permission": _xml("403 Forbidden", "AuthorizationPermissionMismatch"),
    "precondition": _xml("412 Precondition Failed", "ConditionNotMet"),
    "slow down": _xml("503 Service Unavailable", "ServerBusy"),
    "too many requests": _xml("429 Too Many Requests", "TooManyRequests"),
    "out of order": _xml("500 Internal Server Error", "InternalError"),
}
_AZURE_WRONG = ("nobodysaccount", "bm90LXRoZS1zZWNyZXQtb2YtYW55Ym9keQ==")

# --- GCS


def _gcs_place(bucket: Any) -> Place:
    return Place(bucket.server.endpoint, bucket.name)


def gcs_through_obstore(place: Place) -> StorageBackend:
    """Open a bucket with few retries."""
    account = f'{{"gcs_base_url": "{place.address}", "disable_oauth": true, "client_email": "", '
    account += '"private_key": "", "private_key_id": ""}'
    return ObstoreBackend(
        STORAGE,
        f"gs://{place.bucket}",
        google_service_account_key=account,
        google_allow_http=True,
        read_timeout=place.patience,
        retry_config=RETRIES,
    )


def gcs_through_gcsfs(place: Place) -> StorageBackend:
    """Open a bucket with few retries."""
    storage = FSSpecBackend(
        STORAGE,
        "gs",
        prefix=place.bucket,
        token="anon",
        endpoint_url=place.address,
        project="test",
        requests_timeout=place.patience,
    )
    return impatient(storage)


_GCS_XML_WORDS = {
    "wrong secret": _xml("403 Forbidden", "SignatureDoesNotMatch"),
    "unknown user": _xml("401 Unauthorized", "AuthenticationRequired"),
    "expired token": _xml("401 Unauthorized", "AuthenticationRequired"),
    "no permission": _xml("403 Forbidden", "AccessDenied"),
    "precondition": _xml("412 Precondition Failed", "PreconditionFailed"),
    "slow down": _xml("503 Service Unavailable", "SlowDown"),
    "too many requests": _xml("429 Too Many Requests", "SlowDown"),
    "out of order": _xml("500 Internal Server Error", "InternalError"),
}
_GCS_JSON_WORDS = {
    # The emulator's own 404 says nothing about what is missing.
    "missing bucket": _json("404 Not Found", "notFound", "The specified bucket does not exist."),
    "wrong secret": _json("401 Unauthorized", "authError"),
    "unknown user": _json("401 Unauthorized", "authError"),
    "expired token": _json("401 Unauthorized", "authError"),
    "no permission": _json("403 Forbidden", "forbidden"),
    "precondition": _json("412 Precondition Failed", "conditionNotMet"),
    "slow down": _json("503 Service Unavailable", "backendError"),
    "too many requests": _json("429 Too Many Requests", "rateLimitExceeded"),
    "out of order": _json("500 Internal Server Error", "internalError"),
}

_AZURE = ("azure_container", _azure_place)
_NO_USERS = "unknown user"  # an account of Azure is a host's name: nobody answers
_NO_CONDITIONS = "taken key"  # rclone and the emulator of GCS replace all the same

SERVICES = {
    "S3 through obstore": Service("s3_bucket", _s3_place, s3_through_obstore, _S3_WORDS, _S3_WRONG),
    "S3 through obstore, rclone": Service(
        "rclone_bucket", _s3_place, s3_through_obstore, _S3_WORDS, _S3_WRONG, spared=frozenset({_NO_CONDITIONS})
    ),
    "S3 through s3fs": Service("s3_bucket", _s3_place, s3_through_s3fs, _S3_WORDS, _S3_WRONG),
    "Azure through obstore": Service(
        *_AZURE, azure_through_obstore, _AZURE_WORDS, _AZURE_WRONG, spared=frozenset({_NO_USERS})
    ),
    "Azure through adlfs": Service(
        *_AZURE, azure_through_adlfs, _AZURE_WORDS, _AZURE_WRONG, spared=frozenset({_NO_USERS})
    ),
    "GCS through obstore": Service("gcs_xml_bucket", _gcs_place, gcs_through_obstore, _GCS_XML_WORDS),
    "GCS through gcsfs": Service(
        "gcs_bucket", _gcs_place, gcs_through_gcsfs, _GCS_JSON_WORDS, spared=frozenset({_NO_CONDITIONS})
    ),
    **FILE_SERVICES,
}
