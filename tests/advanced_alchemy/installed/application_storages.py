"""Storages as applications write them for the library: eight methods, each in a style that is found in the wild."""

from collections.abc import Sequence
from io import BytesIO
from os import fspath
from pathlib import Path
from typing import Any

from advanced_alchemy.types.file_object import FileObject
from advanced_alchemy.types.file_object.base import StorageBackend


def content_of(data: Any) -> bytes:
    """Return the bytes of what `save_object` may get."""
    if isinstance(data, Path):
        return data.read_bytes()
    return data if isinstance(data, bytes) else data.read()


class DictBackend(StorageBackend):
    """Objects in a dict; it never calls the base's `__init__`, as the library's own classes do not."""

    driver, protocol = "dict", "dict"

    def __init__(self, key: str) -> None:
        self.key = key
        self.objects: dict[str, bytes] = {}
        self.seen: list[Any] = []
        self.calls: list[str] = []

    def get_content(self, path: Any, *, options: dict[str, Any] | None = None) -> bytes:
        self.calls.append("get")
        return self.objects[fspath(path)]

    async def get_content_async(self, path: Any, *, options: dict[str, Any] | None = None) -> bytes:
        return self.get_content(path, options=options)

    def save_object(self, file_object: FileObject, data: Any, **options: Any) -> FileObject:
        self.seen.append((data, options))
        self.objects[file_object.path] = content_of(data)
        file_object.size = len(self.objects[file_object.path])
        file_object.etag = "an etag"
        file_object.last_modified = 12.5
        return file_object

    async def save_object_async(self, file_object: FileObject, data: Any, **options: Any) -> FileObject:
        return self.save_object(file_object, data, **options)

    def delete_object(self, paths: Any) -> None:
        for path in [paths] if isinstance(paths, (str, Path)) else paths:
            del self.objects[str(path)]

    async def delete_object_async(self, paths: Any) -> None:
        self.delete_object(paths)

    def sign(self, paths: Any, *, expires_in: int | None = None, for_upload: bool = False) -> Any:
        if isinstance(paths, str):
            return f"https://cdn.example.com/{paths}?in={expires_in}&up={for_upload}"
        return [self.sign(path) for path in paths]

    async def sign_async(self, paths: Any, *, expires_in: int | None = None, for_upload: bool = False) -> Any:
        return self.sign(paths, expires_in=expires_in, for_upload=for_upload)


class BotoBackend(DictBackend):
    """One over boto3, written by hand, which takes keys as they are and answers with boto3's errors."""

    def __init__(self, key: str, client: Any, bucket: str) -> None:
        super().__init__(key)
        self.client, self.bucket = client, bucket

    def get_content(self, path: Any, *, options: dict[str, Any] | None = None) -> bytes:
        return self.client.get_object(Bucket=self.bucket, Key=str(path), **(options or {}))["Body"].read()

    def save_object(self, file_object: FileObject, data: Any, **options: Any) -> FileObject:
        body = BytesIO(data) if isinstance(data, bytes) else data
        more = {"ContentType": file_object.content_type}
        self.client.upload_fileobj(body, self.bucket, file_object.path, ExtraArgs=more)
        return file_object

    def delete_object(self, paths: str | Sequence[str]) -> None:
        self.client.delete_object(Bucket=self.bucket, Key=paths)
