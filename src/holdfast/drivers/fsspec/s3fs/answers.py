"""Which answers are S3's: any web server may answer 200, and botocore takes what it finds of a description."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.drivers.fsspec.answers import ForeignAnswerError

if TYPE_CHECKING:
    from collections.abc import Mapping

SERVICE = "S3"

# One of these fields is in every answer of the service to the operation.
_PROOFS: Mapping[str, tuple[str, ...]] = {
    "put_object": ("ETag",),
    "get_object": ("ETag", "LastModified"),
    "head_object": ("ETag", "LastModified"),
    "copy_object": ("ETag",),
    "create_multipart_upload": ("UploadId",),
    "upload_part": ("ETag",),
    "upload_part_copy": ("ETag",),
    "complete_multipart_upload": ("ETag",),
    "delete_objects": ("Deleted", "Errors"),
    "get_object_tagging": ("TagSet",),
    "list_objects_v2": ("Name", "KeyCount", "IsTruncated", "MaxKeys", "Contents"),
    "list_multipart_uploads": ("Bucket", "IsTruncated", "MaxUploads", "Uploads"),
}
_INNER = {"copy_object": "CopyObjectResult", "upload_part_copy": "CopyPartResult"}
_NO_CONTENT = 204


def check_answer(operation: str, answer: Mapping[str, Any]) -> None:
    """Refuse an answer that S3 would not give to an operation.

    Raises:
        ForeignAnswerError: It lacks what S3 always says.
    """
    found = answer.get(_INNER[operation]) or {} if operation in _INNER else answer
    proofs = _PROOFS.get(operation, ())
    if proofs and not any(name in found for name in proofs):
        raise ForeignAnswerError(SERVICE, f"{operation} without {' or '.join(proofs)}")
    if operation == "delete_object":
        about = answer["ResponseMetadata"]
        # Some servers say 200; what they have to say has no bytes.
        if about["HTTPStatusCode"] != _NO_CONTENT and about["HTTPHeaders"].get("content-length") != "0":
            raise ForeignAnswerError(SERVICE, f"{operation} with {about['HTTPStatusCode']} and a text")
