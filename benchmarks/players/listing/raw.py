"""Listings of obstore alone, and of the operating system."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import obstore
from obstore.store import LocalStore, S3Store

from benchmarks.players.listing.keys import Listing
from benchmarks.players.stores import options_of

if TYPE_CHECKING:
    from pathlib import Path


class Obstore(Listing):
    """Pages of a thousand."""

    def run(self) -> None:
        """List."""
        if self.server is None:
            store: LocalStore | S3Store = LocalStore(self.folder)
        else:
            store = S3Store(self.bucket, **options_of(self.server))
        for page in obstore.list(store, chunk_size=1000):
            for _ in page:
                self.count += 1


class Scandir(Listing):
    """Names alone."""

    def run(self) -> None:
        """Walk."""
        self.walk(self.folder)

    def walk(self, folder: str | Path) -> None:
        """Count a folder's files and those below it."""
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    self.walk(entry.path)
                else:
                    self.count += 1
