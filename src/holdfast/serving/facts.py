"""What an answer has to know of a file: from its row, without a request, where the row says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.serving.reply import Representation, ServePolicy

if TYPE_CHECKING:
    from holdfast.disposition import Disposition
    from holdfast.file import FileObject
    from holdfast.objects import ObjectInfo

_POLICIES = {kind: ServePolicy(disposition=kind) for kind in ("attachment", "inline")}


def recorded(file: FileObject) -> Representation | None:
    """Return what is known of a file; None if its size is not, and the storage must be asked."""
    if file.size is None:
        return None
    return Representation(file.size, file.filename, file.content_type, file.etag, file.last_modified)


def found(file: FileObject, info: ObjectInfo) -> Representation:
    """Return what the storage knows of a file."""
    return Representation(info.size, file.filename, file.content_type, info.etag, info.last_modified)


def policy_for(policy: ServePolicy | None, disposition: Disposition) -> ServePolicy:
    """Return the policy that was given, or the usual one.

    Raises:
        ConfigurationError: There is no such disposition.
    """
    return policy or _POLICIES.get(disposition) or ServePolicy(disposition=disposition)
