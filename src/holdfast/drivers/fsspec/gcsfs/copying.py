"""Copies that Google makes by itself, inside a bucket or from one to another, asked for through gcsfs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from holdfast.drivers.beside import ELSEWHERE, beside, refused
from holdfast.drivers.fsspec.gcsfs.bucket import CONFLICT, DESCRIPTION, Bucket
from holdfast.drivers.fsspec.gcsfs.requests import GCSError
from holdfast.object_settings import NO_SETTINGS, ObjectSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from holdfast.drivers.optional import Refusal
    from holdfast.drivers.protocol import Driver, PutOptions
    from holdfast.objects import ObjectInfo


class Copying(Bucket):
    """The part of the driver that copies."""

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Copy inside Google, in as many steps as it takes."""
        query = {"destinationKmsKeyName": settings.encryption_key}
        try:
            self._rewrite((self._bucket, self._prefix + source), target, query, self._changed(source, settings))
        except GCSError as error:
            raise self._explained(error) from None

    def can_copy_from(self, origin: Driver) -> bool:
        """Copy from any bucket of the same service."""
        return beside(self, origin) is not None

    def copy_from(self, origin: Driver, source: ObjectInfo, target: str, options: PutOptions) -> Refusal | None:
        """Copy inside Google, in as many steps as it takes."""
        there = beside(self, origin)
        if there is None:
            return ELSEWHERE
        query = {
            "destinationKmsKeyName": options.settings.encryption_key,
            "ifGenerationMatch": "0" if options.if_absent else None,
            "ifSourceGenerationMatch": source.version_id,
        }
        try:
            place = (there.bucket, there.folder + source.key)
            self._rewrite(place, target, query, _as_json(self._about(target, options)))
        except GCSError as error:
            if error.status == CONFLICT:
                raise FileExistsError(target) from error
            explained = self._explained(error)
            if (refusal := refused(explained, self.classify(explained))) is None:
                raise explained from None
            return refusal
        return None

    def _rewrite(
        self, source: tuple[str, str], target: str, query: Mapping[str, str | None], sent: Mapping[str, Any]
    ) -> None:
        bucket, key = source
        path = ("b", bucket, "o", key, "rewriteTo", "b", self._bucket, "o", self._prefix + target)
        token = None
        while True:
            done = self._requests.send("POST", self._requests.url(*path, **query, rewriteToken=token), **sent).json()
            token = done.get("rewriteToken")
            if done.get("done", True):
                return

    def _changed(self, key: str, settings: ObjectSettings) -> dict[str, Any]:
        """Return what a copy is sent with to have another storage class: the whole description, for it replaces all."""
        if not settings.storage_class:
            return {}
        found = self._requests.send("GET", self._url(key)).json()
        about = {name: found[name] for name in DESCRIPTION if name in found}
        return _as_json({**about, "storageClass": settings.storage_class})


def _as_json(about: Mapping[str, Any]) -> dict[str, Any]:
    return {"headers": {"Content-Type": "application/json"}, "body": json.dumps(about).encode()}
