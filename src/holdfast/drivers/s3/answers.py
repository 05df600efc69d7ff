"""S3's answers, read without trusting them: no document type, hence no entities, hence no expansion (CWE-776)."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from xml.parsers import expat


class Upload(NamedTuple):
    """A multipart upload that was begun and neither completed nor aborted.

    Attributes:
        key: Whole key of the object that it would have become.
        upload_id: S3's name for it.
        initiated: When it was begun, in seconds since the epoch; None if S3 told no time that can be read.
    """

    key: str
    upload_id: str
    initiated: float | None


class Page(NamedTuple):
    """A part of a listing.

    Attributes:
        uploads: What it lists.
        following: Parameters of the request for the next part; None at the end.
    """

    uploads: list[Upload]
    following: dict[str, str] | None


class Part(NamedTuple):
    """A part of a multipart upload.

    Attributes:
        number: Its place, from 1 on.
        size: Its bytes.
        etag: Its entity tag, with the quotes.
    """

    number: int
    size: int
    etag: str


class PartsPage(NamedTuple):
    """A part of the list of an upload's parts.

    Attributes:
        parts: What it lists.
        following: Parameters of the request for the next one; None at the end.
    """

    parts: list[Part]
    following: dict[str, str] | None


class MalformedAnswerError(ValueError):
    """The answer is not the XML that S3 sends."""


def uploads_page(document: bytes) -> Page | None:
    """Read the answer of ListMultipartUploads; None if it is the answer to another question.

    A server that does not know the operation may take it for ListObjects.

    Raises:
        MalformedAnswerError: It is no XML, or declares a document type.
    """
    root, leaves = _read(document)
    if root != "ListMultipartUploadsResult":
        return None
    uploads: list[Upload] = []
    fields: dict[str, str] = {}
    top: dict[str, str] = {}
    for path, text in leaves:
        match path:
            case ("Upload",):
                if fields.get("Key") and fields.get("UploadId"):
                    uploads.append(Upload(fields["Key"], fields["UploadId"], _time(fields.get("Initiated", ""))))
                fields = {}
            case ("Upload", name):
                fields[name] = text
            case (name,):
                top[name] = text
    following = {"key-marker": top.get("NextKeyMarker", ""), "upload-id-marker": top.get("NextUploadIdMarker", "")}
    more = top.get("IsTruncated") == "true" and following["key-marker"]
    return Page(uploads, following if more else None)


def upload_id(document: bytes) -> str:
    """Read the answer of CreateMultipartUpload.

    Raises:
        MalformedAnswerError: It is another one.
    """
    root, leaves = _read(document)
    found = {path[0]: text for path, text in leaves if len(path) == 1}
    if not _is(root, "InitiateMultipartUploadResult") or not found.get("UploadId"):
        message = f"S3 began no upload: it answered {root}"
        raise MalformedAnswerError(message)
    return found["UploadId"]


def parts_page(document: bytes) -> PartsPage:
    """Read the answer of ListParts.

    Raises:
        MalformedAnswerError: It is another one.
    """
    root, leaves = _read(document)
    if not _is(root, "ListPartsResult"):
        message = f"S3 listed no parts: it answered {root}"
        raise MalformedAnswerError(message)
    parts: list[Part] = []
    fields: dict[str, str] = {}
    top: dict[str, str] = {}
    for path, text in leaves:
        match path:
            case ("Part",):
                parts.append(_part(fields))
                fields = {}
            case ("Part", name):
                fields[name] = text
            case (name,):
                top[name] = text
    marker = top.get("NextPartNumberMarker", "")
    more = top.get("IsTruncated") == "true" and marker
    return PartsPage(parts, {"part-number-marker": marker} if more else None)


def _part(fields: dict[str, str]) -> Part:
    try:
        return Part(int(fields["PartNumber"]), int(fields["Size"]), fields["ETag"])
    except (KeyError, ValueError):
        message = "S3 listed a part without number, size or tag"
        raise MalformedAnswerError(message) from None


def copied_etag(document: bytes) -> str | None:
    """Return the tag in the answer to CopyObject or UploadPartCopy, with the quotes; None if it is another answer.

    S3 begins these answers before it knows whether it can.
    """
    try:
        root, leaves = _read(document)
    except MalformedAnswerError:
        return None
    found = {path[0]: text for path, text in leaves if len(path) == 1}
    return found.get("ETag") if _is(root, "CopyObjectResult") or _is(root, "CopyPartResult") else None


def tags(document: bytes) -> dict[str, str]:
    """Read the answer of GetObjectTagging.

    Raises:
        MalformedAnswerError: It is another one.
    """
    root, leaves = _read(document)
    if root != "Tagging":
        message = f"S3 told no tags: it answered {root}"
        raise MalformedAnswerError(message)
    found: dict[str, str] = {}
    fields: dict[str, str] = {}
    for path, text in leaves:
        match path:
            case ("TagSet", "Tag"):
                found[fields.get("Key", "")] = fields.get("Value", "")
                fields = {}
            case ("TagSet", "Tag", name):
                fields[name] = text
    return found


def completed(document: bytes) -> bool:
    """Return whether the answer to CompleteMultipartUpload says that there is an object now."""
    try:
        root, _ = _read(document)
    except MalformedAnswerError:
        return False
    return _is(root, "CompleteMultipartUploadResult")


def _is(root: str, name: str) -> bool:
    return root in {name, name.removesuffix("Result")}  # which rclone leaves off


def error_code(document: bytes) -> tuple[str, str]:
    """Return S3's code and message of an error; both empty where there are none."""
    try:
        _, leaves = _read(document)
    except MalformedAnswerError:
        return "", ""
    found = {path[0]: text for path, text in leaves if len(path) == 1}
    return found.get("Code", ""), found.get("Message", "")


def _read(document: bytes) -> tuple[str, list[tuple[tuple[str, ...], str]]]:
    """Return the name of the root, and for each element below it, when it ends, its path and its text."""
    path: list[str] = []
    texts: list[str] = []
    root: list[str] = []
    leaves: list[tuple[tuple[str, ...], str]] = []

    def start(name: str, _: dict[str, str]) -> None:
        path.append(name.rpartition(":")[2])
        root[:] = root or path
        texts.clear()

    def end(_: str) -> None:
        if len(path) > 1:
            leaves.append((tuple(path[1:]), "".join(texts)))
        path.pop()
        texts.clear()

    def refuse(*_: object) -> None:
        message = "S3's answer declares a document type"
        raise MalformedAnswerError(message)

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = texts.append
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(document.strip(), True)  # noqa: FBT003  # expat takes no keywords
    except expat.ExpatError as error:
        message = f"S3's answer is not XML: {error}"
        raise MalformedAnswerError(message) from None
    return root[0], leaves


def _time(text: str) -> float | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.timestamp() if found.tzinfo else None
