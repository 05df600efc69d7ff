"""A large file to and from S3 with boto3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from benchmarks.measuring.race import MIB, Player
from benchmarks.players.s3.large import Fetched, Sent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.measuring.race import Setting


class Up(Player):
    """`upload_file`: parts of 8 MiB, ten at a time."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.sent = Sent(setting)
        self.prepare, self.check = self.sent.prepare, self.sent.check
        unsigned: dict[str, Any] = {"s3": {"payload_signing_enabled": False}}
        unsigned["request_checksum_calculation"] = "when_required"
        self.client = client(self.sent.server, unsigned if setting.options.get("is_unsigned") else {})

    def run(self) -> None:
        """Upload."""
        self.client.upload_file(str(self.sent.source), self.sent.server["bucket"], "large.bin")


class Down(Player):
    """`get_object`, read in chunks of a MiB."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.fetched = Fetched(setting)
        self.prepare, self.check = self.fetched.prepare, self.fetched.check
        self.client = client(self.fetched.server, {})

    def run(self) -> None:
        """Read."""
        answer = self.client.get_object(Bucket=self.fetched.bucket, Key=self.fetched.key)
        for chunk in answer["Body"].iter_chunks(MIB):
            self.fetched.take(chunk)


def client(server: Mapping[str, str], config: Mapping[str, Any]) -> Any:
    """Return a client."""
    return boto3.client(
        "s3",
        endpoint_url=server["endpoint"],
        aws_access_key_id=server["access_key"],
        aws_secret_access_key=server["secret_key"],
        region_name=server["region"],
        config=Config(**config),
    )
