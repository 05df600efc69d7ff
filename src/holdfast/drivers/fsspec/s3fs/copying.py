"""Copies that S3 makes by itself, inside a bucket or from one to another, asked for through s3fs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.drivers.beside import ELSEWHERE, beside, refused
from holdfast.drivers.fsspec.s3fs.errors import TAKEN, UNKNOWN, code
from holdfast.drivers.fsspec.s3fs.requests import Requests
from holdfast.drivers.fsspec.s3fs.values import REPLACED, arguments, described, headers, of_copy
from holdfast.drivers.optional import Refusal
from holdfast.object_settings import NO_SETTINGS, ObjectSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from holdfast.drivers.protocol import Driver, PutOptions
    from holdfast.objects import ObjectInfo

_LIMIT = 5 * 1024**3
_PART = 1024**3
_AT_ONCE = 8  # parts of a copy under way at once; they take no memory here
_IF_ABSENT = {"IfNoneMatch": "*"}
_OF_ONE_OBJECT = {"NoSuchKey", "404", "InvalidObjectState"}


class Copying(Requests):
    """The part of the driver that copies."""

    def copy(self, source: str, target: str, settings: ObjectSettings = NO_SETTINGS) -> None:
        """Copy inside S3, in parts beyond 5 GiB."""
        origin, key = {"Bucket": self._bucket, "Key": self._prefix + source}, {"Key": self._prefix + target}
        info = self.stat(source)
        if info.size <= _LIMIT:
            self._call("copy_object", **key, **of_copy(arguments(settings)), CopySource=origin)
        else:
            about = {
                **described(info.content_type, info.metadata),
                **arguments(settings),
                **self._own(source, settings),
            }
            self._in_parts(key, about, {}, _copies({"CopySource": origin}, info.size), _AT_ONCE)

    def can_copy_from(self, origin: Driver) -> bool:
        """Copy from any bucket of the same service."""
        return beside(self, origin) is not None

    def copy_from(self, origin: Driver, source: ObjectInfo, target: str, options: PutOptions) -> Refusal | None:
        """Copy inside S3, in parts beyond 5 GiB."""
        there = beside(self, origin)
        if there is None:
            return ELSEWHERE
        if source.etag is None:
            return Refusal("the object has no entity tag")
        key = {"Key": self._prefix + target}
        about = {**described(options.content_type, options.metadata), **arguments(options.settings)}
        original = {
            "CopySource": {"Bucket": there.bucket, "Key": there.folder + source.key},
            "CopySourceIfMatch": f'"{source.etag}"',
        }
        try:
            if source.size <= _LIMIT:
                self._copy_whole({**key, **original, **about, **REPLACED, **_IF_ABSENT})
            else:
                self._in_parts(key, about, _IF_ABSENT, _copies(original, source.size), _AT_ONCE)
        except OSError as error:
            if code(error) in TAKEN:
                raise FileExistsError(target) from error
            if code(error) in _OF_ONE_OBJECT:
                return Refusal(str(error))
            if (refusal := refused(error, self.classify(error))) is None:
                raise
            return refusal
        return None

    def _copy_whole(self, about: dict[str, Any]) -> None:
        for unknown in ("IfNoneMatch", None if "Tagging" in about else "TaggingDirective"):
            try:
                self._call("copy_object", **about)
            except OSError as error:
                if code(error) not in UNKNOWN or unknown is None:
                    raise
                del about[unknown]  # the condition, or tags that nobody asked for: not every server has them
            else:
                return
        self._call("copy_object", **about)

    def _own(self, key: str, settings: ObjectSettings) -> dict[str, str]:
        """Return the headers and tags of an object, which a copy in parts does not take along, as a whole one does."""
        found = headers(self._call("head_object", Key=self._prefix + key))
        try:
            own = self._call("get_object_tagging", Key=self._prefix + key)["TagSet"]
        except OSError as error:
            if code(error) not in UNKNOWN:
                raise
            return found  # a service without tags
        tags = {**settings.tags, **{tag["Key"]: tag["Value"] for tag in own}}
        return {**found, **arguments(ObjectSettings(tags=tags))}


def _copies(original: Mapping[str, Any], size: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for start in range(0, size, _PART):
        span = f"bytes={start}-{min(start + _PART, size) - 1}"
        yield "upload_part_copy", {**original, "CopySourceRange": span}
