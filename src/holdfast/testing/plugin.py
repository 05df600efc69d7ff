"""Fixtures for applications that store files. pytest loads them by itself where Holdfast is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast.testing.s3 import S3Bucket, S3Server
    from holdfast.testing.stand_ins import StandIns

# Imported where they are used: pytest loads this file in projects that never ask for it, and before coverage starts.


@pytest.fixture
def holdfast_storages() -> Iterator[StandIns]:
    """Every storage of the application in memory, for this test alone; they fail on cue."""
    from holdfast.testing.stand_ins import StandIns  # noqa: PLC0415

    with StandIns() as stand_ins:
        yield stand_ins


@pytest.fixture(scope="session")
def holdfast_s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A local S3 server that verifies signatures; needs ``pip install "holdfast[testing]"``."""
    from holdfast.testing.s3 import run_ministack  # noqa: PLC0415

    with run_ministack(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def holdfast_s3_bucket(holdfast_s3_server: S3Server) -> S3Bucket:
    """A fresh bucket: ``ObstoreBackend("docs", bucket.url, **bucket.options)``."""
    return holdfast_s3_server.make_bucket()
