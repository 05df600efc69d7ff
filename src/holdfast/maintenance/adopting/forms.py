"""What columns of other libraries say of a file, as a `FileObject`. Nothing is looked up: these functions do no I/O."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from holdfast.errors import InvalidValueError
from holdfast.file import FileObject

if TYPE_CHECKING:
    from collections.abc import Mapping

_OF_SQLALCHEMY_FILE = {
    *("filename", "content_type", "size", "files", "file_id", "upload_storage", "uploaded_at", "path", "url", "saved"),
    *("extra", "headers", "metadata", "content_path", "original_content", "thumbnail"),
}
"""What the library itself writes; other keys are the application's."""


def from_sqlalchemy_file(
    value: Any, *, storages: Mapping[str, str] | None = None
) -> FileObject | list[FileObject] | None:
    """Return the file of a ``FileField`` or ``ImageField`` of sqlalchemy-file; of ``multiple=True`` the list of them.

    Args:
        value: The column's JSON, as text or not, or the library's own ``File``.
        storages: Names of storages by the library's names, where they are not the same.

    Raises:
        InvalidValueError: It is no such value.

    Example:
        >>> value = {"file_id": "5c1d", "upload_storage": "images", "filename": "cat.png", "size": 7}
        >>> file = from_sqlalchemy_file(value, storages={"images": "docs"})
        >>> file.backend_key, file.path, file.filename, file.size
        ('docs', '5c1d', 'cat.png', 7)
    """
    value = _decoded(value)
    if isinstance(value, list):
        return [_of_sqlalchemy_file(item, storages or {}) for item in value]
    return _of_sqlalchemy_file(value, storages or {}) if value else None


def thumbnail_from_sqlalchemy_file(
    value: Any, *, storages: Mapping[str, str] | None = None, form: str = "png"
) -> FileObject | list[FileObject] | None:
    """Return the thumbnail that sqlalchemy-file made of an image, for a column of its own.

    Args:
        value: The column's JSON, as text or not.
        storages: Names of storages by the library's names, where they are not the same.
        form: The generator's ``thumbnail_format``, which the value does not tell.

    Raises:
        InvalidValueError: It is no such value.

    Example:
        >>> small = {"file_id": "77aa", "upload_storage": "images", "width": 128, "height": 96}
        >>> value = {"file_id": "5c1d", "upload_storage": "images", "filename": "cat.jpg", "thumbnail": small}
        >>> file = thumbnail_from_sqlalchemy_file(value)
        >>> file.path, file.filename, file.content_type
        ('77aa', 'cat.jpg.thumbnail128x96.png', 'image/png')
    """
    value = _decoded(value)
    if isinstance(value, list):
        found = (_thumbnail(item, storages or {}, form.lower()) for item in value)
        return [file for file in found if file is not None]
    return _thumbnail(value, storages or {}, form.lower()) if value else None


def from_path(value: Any, *, storage: str, root: str | tuple[str, ...] = ()) -> FileObject | None:
    """Return the file of a column that holds a path or key: fastapi-storages, Django's, or one's own.

    Args:
        value: The path in the storage; an empty one is no file.
        storage: Name of the storage that is registered at the same folder or bucket.
        root: What some values begin with, before the path in the storage: the folder or the bucket's URL, or several.

    Raises:
        InvalidKeyError: It is no path in a storage.

    Example:
        >>> from_path("cv/ada.pdf", storage="docs").path
        'cv/ada.pdf'
        >>> from_path("/srv/media/cv/ada.pdf", storage="docs", root="/srv/media").path
        'cv/ada.pdf'
    """
    path = "" if value is None else str(value)
    if not path:
        return None
    for start in sorted(_folders(root), key=len, reverse=True):
        if path.startswith(start):
            path = path.removeprefix(start)
            break
    return FileObject(backend=storage, filename=path.rpartition("/")[2] or path, to_filename=path)


def from_url(value: Any, *, storages: Mapping[str, str]) -> FileObject | None:
    """Return the file of a column that holds URLs of objects; the query of a signed one does not matter.

    Args:
        value: The URL; an empty one is no file.
        storages: Names of storages by what the URLs of their objects begin with; the longest counts.

    Raises:
        InvalidValueError: It is a URL of none of them.

    Example:
        >>> storages = {"s3://acme/": "docs", "https://acme.s3.amazonaws.com/": "docs", "https://cdn.acme.com/": "docs"}
        >>> file = from_url("https://acme.s3.amazonaws.com/cv/Ada%20L.pdf?X-Amz-Expires=60", storages=storages)
        >>> file.backend_key, file.path
        ('docs', 'cv/Ada L.pdf')
    """
    url = "" if value is None else str(value)
    if not url:
        return None
    is_web = url.lower().startswith(("http://", "https://"))  # in s3://bucket/key all signs stand for themselves
    plain = url.partition("#")[0].partition("?")[0] if is_web else url
    for start in sorted(storages, key=len, reverse=True):
        for folder in _folders(start):
            if plain.startswith(folder):
                path = plain.removeprefix(folder)
                return from_path(unquote(path) if is_web else path, storage=storages[start])
    message = f"{plain[:200]!r} begins with none of {', '.join(map(repr, storages))}"
    raise InvalidValueError(message)


def _of_sqlalchemy_file(value: Any, storages: Mapping[str, str]) -> FileObject:
    storage, key = _place(value, storages)
    return FileObject(
        backend=storage,
        filename=value.get("filename") or key,
        to_filename=key,
        content_type=value.get("content_type"),
        size=value.get("size"),
        last_modified=_seconds(value.get("uploaded_at")),
        metadata=_fields(value),
    )


def _thumbnail(value: Any, storages: Mapping[str, str], form: str) -> FileObject | None:
    _place(value, storages)
    found = value.get("thumbnail")
    if not found:
        return None
    storage, key = _place(found, storages)
    size = {name: found[name] for name in ("width", "height") if name in found}
    name = f"{value.get('filename') or key}.thumbnail{found.get('width')}x{found.get('height')}"
    extension = {"jpeg": "jpg"}.get(form, form)
    return FileObject(
        backend=storage,
        filename=f"{name}.{extension}",
        to_filename=key,
        content_type=f"image/{form}",
        metadata=size,
    )


def _place(value: Any, storages: Mapping[str, str]) -> tuple[str, str]:
    known = value if isinstance(value, dict) else {}
    folder, _, name = str(known.get("path") or "").rpartition("/")
    storage, key = known.get("upload_storage") or folder, known.get("file_id") or name
    if not storage or not key:
        message = f"not a value of sqlalchemy-file: {value!r:.200}"
        raise InvalidValueError(message)
    return storages.get(storage, storage), key


def _fields(value: dict[str, Any]) -> dict[str, Any]:
    """Return what the application has added to a file."""
    extra = value.get("extra") or {}
    of_object = extra.get("meta_data") if isinstance(extra, dict) else None
    added = {name: each for name, each in (of_object or {}).items() if name not in {"filename", "content_type"}}
    return {
        **added,
        **(value.get("metadata") or {}),
        **{name: each for name, each in value.items() if name not in _OF_SQLALCHEMY_FILE},
    }


def _seconds(text: Any) -> float | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _decoded(value: Any) -> Any:
    if not isinstance(value, (str, bytes)):
        return value
    try:
        return json.loads(value) if value else None
    except ValueError as error:
        message = f"not a value of sqlalchemy-file: {value!r:.200}"
        raise InvalidValueError(message) from error


def _folders(roots: str | tuple[str, ...]) -> list[str]:
    given = (roots,) if isinstance(roots, str) else roots
    return [root if root.endswith("/") else f"{root}/" for root in given if root]
