"""What people hand over to be stored: many kinds of input become one kind of source."""

from __future__ import annotations

import inspect
import io
import os
from collections.abc import AsyncIterable, Iterable
from pathlib import Path
from typing import Any, TypeAlias

from holdfast.errors import SourceTypeError
from holdfast.sources import (
    AsyncFileSource,
    AsyncIterableSource,
    BytesSource,
    FileSource,
    IterableSource,
    PathSource,
    Source,
)

Content: TypeAlias = Any
"""What may be stored: bytes-like, `Path`, binary file, iterable or async iterable of bytes, framework upload."""


def to_source(content: Content) -> Source:
    """Return the source for any content that can be stored.

    Raises:
        SourceTypeError: `content` is a ``str`` (a path to some, text to others), a text file, or has no bytes.

    Example:
        >>> [bytes(chunk) for chunk in to_source([b"a", b"b"]).chunks()]
        [b'a', b'b']
    """
    if isinstance(content, Source):
        return content
    if isinstance(content, bytes):
        return BytesSource(memoryview(content))
    if isinstance(content, str):
        message = "content is a str: pass pathlib.Path(...) to store a file, or text.encode() to store text"
        raise SourceTypeError(message)
    if isinstance(content, type):
        message = f"content is the class {content.__name__}, not one of its objects"
        raise SourceTypeError(message)
    if isinstance(content, os.PathLike):
        return PathSource(Path(content))
    upload = _upload_file(content)
    if upload is not None:
        return FileSource(upload, filename=content.filename, content_type=getattr(content, "content_type", None))
    if isinstance(content, io.TextIOBase):
        message = "content is a file opened as text: open it in binary mode ('rb')"
        raise SourceTypeError(message)
    read = getattr(content, "read", None)
    if callable(read):
        return AsyncFileSource(content) if inspect.iscoroutinefunction(read) else FileSource(content)
    return _from_buffer_or_iterable(content)


def _from_buffer_or_iterable(content: Content) -> Source:
    try:
        return BytesSource(memoryview(content).cast("B"))
    except TypeError:
        pass
    if isinstance(content, AsyncIterable):
        return AsyncIterableSource(content)
    if isinstance(content, Iterable) and not isinstance(content, dict):
        return IterableSource(content)
    message = f"content of type {type(content).__name__} has no bytes: pass bytes, a Path, a binary file or an iterator"
    raise SourceTypeError(message)


def _upload_file(content: Content) -> Any:
    """Return the file inside an upload object: Starlette's and Litestar's ``.file``, Werkzeug's ``.stream``."""
    for name in ("file", "stream"):
        inner = getattr(content, name, None)
        # In this order: the mere look at a GzipFile's `filename` warns.
        if callable(getattr(inner, "read", None)) and hasattr(content, "filename"):
            return inner
    return None
