"""Copying through this process, for settings that obstore cannot send along with a copy inside the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import obstore as obs

from holdfast.drivers.body import Body
from holdfast.drivers.obstore import values, writing
from holdfast.drivers.protocol import MIB, PutOptions
from holdfast.sources import AsyncIterableSource, IterableSource

if TYPE_CHECKING:
    from holdfast.object_settings import ObjectSettings

_CHUNK = 8 * MIB


def copy(store: Any, writer: Any, source: str, target: str, settings: ObjectSettings) -> None:
    """Copy an object with settings, in bounded memory.

    Args:
        store: The store to read from.
        writer: The same one, or one that writes with other options.
        source: Key of the object.
        target: Key of the copy.
        settings: Those of the copy. Headers of the original go first; tags of its own are lost, as obstore reads none.
    """
    found = obs.get(store, source)
    content = IterableSource(found.stream(_CHUNK))
    content.size = found.meta["size"]
    writing.put(writer, target, Body(content, None, None), _options(found, settings))


async def copy_async(store: Any, writer: Any, source: str, target: str, settings: ObjectSettings) -> None:
    """Like `copy`; when cancelled, nothing is left behind."""
    found = await obs.get_async(store, source)
    content = AsyncIterableSource(found.stream(_CHUNK))
    content.size = found.meta["size"]
    await writing.put_async(writer, target, Body(content, None, None), _options(found, settings))


def _options(found: Any, settings: ObjectSettings) -> PutOptions:
    info = values.describe(found.meta, found.attributes)
    kept = settings._replace(**values.headers(found.attributes))
    return PutOptions(info.content_type, info.metadata, settings=kept)
