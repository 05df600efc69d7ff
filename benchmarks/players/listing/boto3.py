"""Listings of boto3."""

from __future__ import annotations

import boto3

from benchmarks.players.listing.keys import Listing


class Pages(Listing):
    """A paginator."""

    def run(self) -> None:
        """List."""
        server = self.setting.servers["listing"]
        client = boto3.client(
            "s3",
            endpoint_url=server["endpoint"],
            aws_access_key_id=server["access_key"],
            aws_secret_access_key=server["secret_key"],
            region_name=server["region"],
        )
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket):
            for _ in page["Contents"]:
                self.count += 1
