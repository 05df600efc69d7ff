"""What a service can do, said in advance."""

from __future__ import annotations

from typing import NamedTuple

HEADERS = frozenset({"cache_control", "content_disposition", "content_encoding", "content_language"})
"""The fields of `holdfast.object_settings.ObjectSettings` that are headers of later reads."""


class Abilities(NamedTuple):
    """What a driver's service keeps and guarantees; `holdfast.testing.BackendContract` holds it to that.

    What takes a method of its own (signing, batches, partial uploads) is asked for by type instead, see
    `holdfast.drivers.optional`.

    Attributes:
        writable: Objects can be written and deleted, not only read.
        lists: Objects can be listed.
        content_type: A `stat` gives back the content type.
        metadata: A `stat` gives back the metadata, any JSON.
        etag: Objects have an entity tag that changes with their bytes.
        last_modified: A `stat` tells when an object was written.
        versions: A write tells the object's version, where the bucket keeps versions.
        atomic_create: Of several puts with ``if_absent`` exactly one succeeds.
        flat: An object ``a`` and an object ``a/b`` can lie side by side, unlike files and folders.
        settings: Fields of `holdfast.object_settings.ObjectSettings` that the service has.
    """

    writable: bool = True
    lists: bool = True
    content_type: bool = True
    metadata: bool = True
    etag: bool = True
    last_modified: bool = True
    versions: bool = False
    atomic_create: bool = True
    flat: bool = True
    settings: frozenset[str] = frozenset()


FILES = Abilities(content_type=False, metadata=False, flat=False)
"""Those of plain files in folders."""
