"""Print what each service can do, as the drivers declare it: `make abilities` writes it to abilities.md."""

import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import fsspec

from holdfast.backends.base import StorageBackend
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
from holdfast.drivers.altering import Alters
from holdfast.drivers.optional import CopiesFrom, DirectUploads, PartialUploads, Signer

HEAD = """# What each service can do

Made from what the drivers declare (`make abilities`); the contract tests hold each of them to it.

| column | meaning |
|---|---|
| writes | objects can be written and deleted, not only read |
| lists | objects can be listed, so that `verify` and `sweep` work |
| type, metadata | the service keeps content type and metadata beside the bytes; the row has them in any case |
| etag, version | the service tells an entity tag; and a version, in buckets that keep versions |
| create | of several writers of one new key exactly one succeeds |
| flat | `a` and `a/b` can lie side by side, unlike a file and a folder |
| signs | signed URLs by the service itself |
| direct | clients can upload to the service itself, held to what was agreed as far as it can |
| copies | objects of another storage in the same service are copied there, not through the application |
| alters | `holdfast alter` changes type, metadata and settings of existing objects where they lie |
| parts | `sweep` finds and clears what uploads that were cut off left behind |

"""


def storages(folder: Path) -> Iterator[tuple[str, str, StorageBackend]]:
    """Yield each service, what reaches it, and a storage on it. None of them connects to anything."""
    archive = folder / "a.zip"
    zipfile.ZipFile(archive, "w").close()
    azure = {"azure_storage_account_name": "account", "azure_storage_account_key": "a2V5"}
    yield "local disk", "either", ObstoreBackend("x", f"file://{folder}/")
    yield "memory", "obstore", ObstoreBackend("x", "memory://")
    yield "memory", "fsspec", FSSpecBackend("x", "memory")
    yield "S3, MinIO, R2, Spaces", "obstore", ObstoreBackend("x", "s3://bucket/", aws_region="us-east-1")
    yield "S3, MinIO, R2, Spaces", "s3fs", FSSpecBackend("x", "s3", "bucket")
    yield "Google Cloud Storage", "obstore", ObstoreBackend("x", "gs://bucket/", google_skip_signature=True)
    yield "Google Cloud Storage", "gcsfs", FSSpecBackend("x", "gcs", "bucket", token="anon")
    yield "Azure Blob Storage", "obstore", ObstoreBackend("x", "az://container/", **azure)
    yield "Azure Blob Storage", "adlfs", FSSpecBackend("x", "abfs", "container", account_name="account")
    yield "SFTP", "paramiko", FSSpecBackend("x", "sftp", "/files", host="localhost", username="u", password="p")
    yield "SFTP", "sshfs", FSSpecBackend("x", "sftp", "/files", host="localhost", client_keys=["key"])
    yield "FTP", "fsspec", FSSpecBackend("x", "ftp", "/files", host="localhost")
    yield "WebDAV", "webdav4", FSSpecBackend("x", "webdav", base_url="http://localhost")
    yield "HTTP", "obstore", ObstoreBackend("x", "https://example.com/files/")
    yield "HTTP", "fsspec", FSSpecBackend("x", "http", "https://example.com/files/")
    yield "zip", "fsspec", FSSpecBackend("x", "zip", fo=str(archive))
    yield "tar", "fsspec", FSSpecBackend("x", "tar", fo=str(folder / "a.tar"))
    yield "any other file system", "fsspec", FSSpecBackend("x", fsspec.filesystem("file"), "/files")


def table() -> str:
    """Return the page."""
    names = ["writes", "lists", "type", "metadata", "etag", "version", "create", "flat", "signs"]
    names += ["direct", "copies", "alters", "parts", "settings"]
    lines = [f"| service | through | {' | '.join(names)} |", "|---|---|" + ":-:|" * (len(names) - 1) + "---|"]
    with tempfile.TemporaryDirectory() as folder:
        for service, through, storage in storages(Path(folder)):
            can = storage.abilities
            driver = storage._plain
            ticks = [
                *(can.writable, can.lists, can.content_type, can.metadata, can.etag, can.versions),
                *(can.atomic_create, can.flat),
                *(isinstance(driver, kind) for kind in (Signer, DirectUploads, CopiesFrom, Alters, PartialUploads)),
            ]
            cells = ["✓" if tick else "–" for tick in ticks]
            settings = ", ".join(f"`{name}`" for name in sorted(can.settings)) or "–"
            lines.append(f"| {service} | {through} | {' | '.join(cells)} | {settings} |")
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")
