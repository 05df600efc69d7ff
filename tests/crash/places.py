"""Where files lie, seen from outside: without the library, so that its errors do not hide themselves."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from xml.etree import ElementTree as ET

from holdfast.drivers.local.folders import TEMPORARY
from holdfast.testing.s3 import S3Bucket, ServerError
from tests.crash.drivers import MortalLocal, MortalS3
from tests.crash.kill import Killer


class Place(Protocol):
    """One storage."""

    def driver(self, killer: Killer) -> Any:
        """Return the driver for a process that may be killed."""

    def objects(self) -> dict[str, str]:
        """Return the SHA-256 of all objects by key."""

    def unfinished(self) -> list[str]:
        """Return what uploads left behind that never came to their end."""


@dataclass
class LocalPlace:
    """A folder."""

    root: Path

    def driver(self, killer: Killer) -> MortalLocal:
        """Return a driver that was never used."""
        return MortalLocal(self.root, killer)

    def objects(self) -> dict[str, str]:
        """Read all files."""
        files = (path for path in self.root.rglob("*") if path.is_file())
        return {
            path.relative_to(self.root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
            if TEMPORARY not in path.parts
        }

    def unfinished(self) -> list[str]:
        """List temporary files."""
        return [path.name for path in (self.root / TEMPORARY).glob("*")]


@dataclass
class S3Place:
    """A bucket."""

    bucket: S3Bucket
    _seen: dict[tuple[str, str], str] = field(default_factory=dict)

    def driver(self, killer: Killer) -> MortalS3:
        """Return a driver that was never used."""
        from obstore.store import S3Store

        return MortalS3(lambda: S3Store(**self.bucket.obstore), killer)

    def objects(self) -> dict[str, str]:
        """Read all objects; one that was seen with the same etag is not read again."""
        name, server = self.bucket.name, self.bucket.server
        listing = ET.fromstring(server.request("GET", f"/{name}", query={"list-type": "2"}))
        found: dict[str, str] = {}
        for entry in listing.iterfind("{*}Contents"):
            key, etag = entry.findtext("{*}Key") or "", entry.findtext("{*}ETag") or ""
            try:
                if (key, etag) not in self._seen:
                    content = server.request("GET", f"/{name}/{key}")
                    self._seen[key, etag] = hashlib.sha256(content).hexdigest()
            except ServerError as error:
                if "NoSuchKey" not in str(error):  # deleted by what a dying process had sent last
                    raise
                continue
            found[key] = self._seen[key, etag]
        if listing.findtext("{*}IsTruncated") == "true":
            raise AssertionError("more objects than one page shows: make the campaign shorter")
        return found

    def unfinished(self) -> list[str]:
        """List multipart uploads."""
        try:
            count = self.bucket.uploads()
        except ServerError as error:
            if "NoSuchUpload" not in str(error):  # which is what rclone says where there are none
                raise
            return []
        return [f"{count} multipart uploads"] if count else []
