"""Why `mock_aws()` cannot stand in for S3 under s3fs; a server can, see the guide on testing."""

import asyncio
from typing import Any

import fsspec
import pytest
from botocore.awsrequest import AWSResponse

from holdfast.backends.fsspec import FSSpecBackend


class _Raw:
    """A body as moto makes it."""

    def stream(self, **_: Any) -> Any:
        yield b""


def answer_like_moto(request: Any, **_: Any) -> AWSResponse:
    """Answer before anything is sent, as `mock_aws()` makes botocore do."""
    return AWSResponse(request.url, 200, {"ETag": '"0"', "Content-Length": "0"}, _Raw())


@pytest.mark.s3
def test_b20_mock_aws_does_not_work_with_s3fs(s3_bucket: Any) -> None:
    """The answers of `mock_aws()` are botocore's; aiobotocore wants to await theirs. Nothing is stored."""
    fs = fsspec.filesystem("s3", **s3_bucket.s3fs, skip_instance_cache=True)
    storage = FSSpecBackend("docs", fs, s3_bucket.name)
    storage.put("real", b"bytes")
    fs._s3.meta.events.register("before-send.s3", answer_like_moto)
    for call in [lambda: storage.put("x", b"bytes"), lambda: asyncio.run(storage.put_async("x", b"bytes"))]:
        with pytest.raises((AttributeError, TypeError)):
            call()
    assert s3_bucket.keys() == ["real"]
