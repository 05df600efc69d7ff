"""Listings of fsspec: all at once."""

from __future__ import annotations

from benchmarks.players.listing.keys import Listing


class Find(Listing):
    """`find` with what is known of each file."""

    def run(self) -> None:
        """List."""
        if self.server is None:
            import fsspec  # noqa: PLC0415  # one of two

            found = fsspec.filesystem("file").find(str(self.folder), detail=True)
        else:
            import s3fs  # noqa: PLC0415

            system = s3fs.S3FileSystem(
                key=self.server["access_key"],
                secret=self.server["secret_key"],
                endpoint_url=self.server["endpoint"],
                client_kwargs={"region_name": self.server["region"]},
                skip_instance_cache=True,  # it would remember the listing
            )
            found = system.find(self.bucket, detail=True)
        self.count = len(found)
