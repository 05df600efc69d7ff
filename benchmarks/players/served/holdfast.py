"""Files of rows, by Holdfast's FileResponse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast import FileObject, StorageBackend, storages
from holdfast.drivers.local import LocalDriver
from holdfast.serving.asgi import FileResponse

if TYPE_CHECKING:
    from pathlib import Path


def application(folder: Path) -> Any:
    """Return the ASGI application."""
    storage = storages.register_backend(StorageBackend("served", LocalDriver(folder)))
    files = {}
    for entry in storage.list():
        known = {"size": entry.size, "etag": entry.etag, "last_modified": entry.last_modified}
        names = {"filename": "x.png", "content_type": "image/png", "to_filename": entry.key}
        files[f"/{entry.key}"] = FileObject(backend="served", **names, **known)

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await FileResponse(files[scope["path"]])(scope, receive, send)

    return answer
