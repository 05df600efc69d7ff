"""Storages on real servers whose URLs are signed, each below a prefix that must itself be percent-encoded."""

from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend

PREFIX = "pre fix/ü+%"


def obstore_s3(bucket, prefix=PREFIX, **more):
    """Return a storage on S3 through obstore."""
    options = {name: value for name, value in bucket.obstore.items() if name != "bucket"}
    return ObstoreBackend("docs", f"s3://{bucket.name}/{prefix}", **{**options, **more})


def s3fs(bucket, prefix=PREFIX):
    """Return a storage on S3 through s3fs, which left alone signs URLs in the old way."""
    names = {"key": "username", "secret": "password"}
    options = {names.get(name, name): value for name, value in bucket.s3fs.items() if name != "config_kwargs"}
    return FSSpecBackend("docs", "s3", f"{bucket.name}/{prefix}", **options)


def obstore_azure(container, prefix=PREFIX):
    """Return a storage on Azure through obstore."""
    return ObstoreBackend("docs", f"az://{container.name}/{prefix}", **container.options)


def adlfs(container, prefix=PREFIX):
    """Return a storage on Azure through adlfs."""
    options = {"connection_string": container.server.connection_string}
    return FSSpecBackend("docs", "abfs", f"{container.name}/{prefix}", **options)
