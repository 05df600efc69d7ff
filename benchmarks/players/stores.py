"""Where the files of a round go, for all players: a folder or a bucket, options for obstore, and a count of objects."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from obstore.store import LocalStore, S3Store

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.measuring.race import Setting

    Store = LocalStore | S3Store


def options_of(server: Mapping[str, str]) -> dict[str, Any]:
    """Return what obstore's S3Store takes beside the name of the bucket."""
    return {
        "endpoint": server["endpoint"],
        "access_key_id": server["access_key"],
        "secret_access_key": server["secret_key"],
        "region": server["region"],
        "client_options": {"allow_http": True},
    }


class Place:
    """A new folder of files for each round, or a prefix of a bucket."""

    def __init__(self, setting: Setting) -> None:
        self.server = setting.servers.get(setting.options.get("store", ""))
        self.folder = setting.folder
        self.number = 0

    def renew(self) -> str:
        """Return the name of an empty folder of the store.

        Small files of earlier rounds stay until the end of all races: ext4 looks at every inode that was deleted in the
        last five minutes before it makes a new one (`recently_deleted` in fs/ext4/ialloc.c), which makes a file cost a
        millisecond after a thousand were deleted.
        """
        self.number += 1
        if self.server is None:
            self.path.mkdir()
        return str(self.number)

    @property
    def path(self) -> Path:
        """The local folder of this round."""
        return self.folder / f"files-{self.number}"

    def store(self) -> Store:
        """Open it with obstore alone."""
        if self.server is None:
            return LocalStore(self.path)
        return S3Store(self.server["bucket"], prefix=str(self.number), **options_of(self.server))

    def count(self) -> int:
        """Count the objects of this round."""
        if self.server is None:
            return sum(len(files) for _, _, files in os.walk(self.path))
        return sum(len(page) for page in self.store().list(chunk_size=1000))

    def expect(self, count: int) -> None:
        """Raise if the round did not leave that many objects; S3's objects go, so that its folders stay small."""
        found = self.count()
        if found != count:
            message = f"{found} objects instead of {count}"
            raise RuntimeError(message)
        if self.server is not None:
            store = self.store()
            for page in store.list(chunk_size=1000):
                store.delete([entry["path"] for entry in page])
