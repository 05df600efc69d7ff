"""What to answer to a request for a file (RFC 9110): a pure function of values, that those who send rely on.

No answer is one that runs in a visitor's browser: what a stranger uploaded is a download, unless its type is harmless;
its type is not guessed from its bytes; and what a browser does show has no rights of the site that serves it.
"""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from holdfast.disposition import answer_headers, header_type, is_shown
from holdfast.serving.conditions import NOT_MODIFIED, is_unchanged, unmet
from holdfast.serving.dates import format_date
from holdfast.serving.etags import entity_tag
from holdfast.serving.ranges import UNSATISFIABLE, asked_span
from holdfast.serving.reply import Reply, Representation, ServePolicy

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUEST_HEADERS = frozenset(
    {"if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "range"}
)
"""The headers that `plan` looks at; a request's others need not be passed."""

_CONDITIONS = REQUEST_HEADERS - {"range", "if-range"}
_DEFAULTS = ServePolicy()
_NO_SNIFFING = (b"x-content-type-options", b"nosniff")
_SANDBOX = (b"content-security-policy", b"default-src 'none'; sandbox")
# The page that a browser makes around a film has to load the film, which a page of no origin may not. No script runs.
_PLAYER = (b"content-security-policy", b"default-src 'none'; media-src 'self'; sandbox allow-same-origin")
_ACCEPT_RANGES = (b"accept-ranges", b"bytes")
_NOT_KEPT = (b"cache-control", b"no-store")
_NO_CONTENT = ((b"content-length", b"0"), _NOT_KEPT, _NO_SNIFFING)
_FOR_LATER = frozenset({b"accept-ranges", b"cache-control", b"etag", b"last-modified"})  # of use to a GET that follows
_PRECONDITION_FAILED = Reply(412, _NO_CONTENT)
_PREPARED = 1024  # files, of some 2 KiB each


def plan(
    method: str,
    request_headers: Mapping[str, str],
    representation: Representation,
    policy: ServePolicy = _DEFAULTS,
    *,
    now: float | None = None,
) -> Reply:
    """Return the answer to a request for a file.

    Args:
        method: As the client wrote it. Of another than GET and HEAD, such as a POST that makes the file, the answer is
            the whole file, for this once: without conditions, parts and tags. Whether it is allowed, the caller knows.
        request_headers: By names in lower case. Lines of one name are joined with a comma, as everywhere in HTTP.
        representation: The file.
        policy: How files are answered.
        now: Seconds since the epoch; the present if left out.

    Example:
        >>> reply = plan("GET", {"range": "bytes=-100"}, Representation(1000, "a.png", "image/png"))
        >>> reply.status, reply.start, reply.end, dict(reply.headers)[b"content-range"]
        (206, 900, 1000, b'bytes 900-999/1000')
    """
    moment = time.time() if now is None else now
    if representation.last_modified is not None and not 0 <= representation.last_modified < int(moment):
        # RFC 9110 §8.8.2: never in the future, and not before its second is over, in which the file may change again.
        representation = representation._replace(last_modified=None)
    answers = _answers(representation, policy)
    if method not in {"GET", "HEAD"}:
        kept = (pair for pair in answers.whole.headers if pair[0] not in _FOR_LATER)
        return answers.whole._replace(headers=(*kept, _NOT_KEPT))
    if not _CONDITIONS.isdisjoint(request_headers):
        status = unmet(request_headers, answers.etag, answers.modified, moment)
        if status is not None:
            return answers.not_modified if status == NOT_MODIFIED else _PRECONDITION_FAILED
    if method == "HEAD":
        return answers.head  # §14.2: a range is for GET only
    header = request_headers.get("range")
    if header is None or (span := asked_span(header, representation.size)) is None:
        return answers.whole
    validator = request_headers.get("if-range")
    if validator is not None and not is_unchanged(validator, answers.etag, answers.modified, moment):
        return answers.whole
    return answers.unsatisfiable if span is UNSATISFIABLE else _part(*span, representation.size, answers.headers)


def type_and_disposition(filename: str, content_type: str, policy: ServePolicy) -> tuple[str, str]:
    """Return the two headers that say what a browser does with a file, also when a service of another sends it.

    Args:
        filename: What a person called it.
        content_type: The file's own.
        policy: What is wished for; a file whose type is not harmless is an attachment all the same.
    """
    if policy.content_type is not None:
        content_type = policy.content_type
    if policy.content_disposition is None:
        return answer_headers(policy.disposition, filename, content_type)
    content_type = header_type(content_type)
    kind, semicolon, parameters = policy.content_disposition.partition(";")
    kind = kind.lower().rstrip() if is_shown(content_type) else "attachment"
    return content_type, kind + semicolon + parameters


class _Answers(NamedTuple):
    """All answers about one file that need no more than the file."""

    etag: str | None
    modified: int | None
    headers: tuple[tuple[bytes, bytes], ...]  # of 200 and 206, but for the length
    whole: Reply
    head: Reply
    not_modified: Reply
    unsatisfiable: Reply


@lru_cache(_PREPARED)
def _answers(representation: Representation, policy: ServePolicy) -> _Answers:
    size, _, _, stored_etag, stored_date = representation
    etag = entity_tag(stored_etag)
    modified = None if stored_date is None else int(stored_date)
    content_type, disposition = type_and_disposition(representation.filename, representation.content_type, policy)
    is_played = disposition.startswith("inline") and content_type.lower().startswith(("audio/", "video/"))
    cache_control = (b"cache-control", policy.cache_control.encode("ascii"))
    tag = () if etag is None else ((b"etag", etag.encode("ascii")),)
    date = () if modified is None else ((b"last-modified", format_date(modified).encode("ascii")),)
    # RFC 9110 §15.3.7 would have a 206 to If-Range without type and disposition. They stay: no part is ever sniffed.
    headers = (
        (b"content-type", content_type.encode("ascii")),
        (b"content-disposition", disposition.encode("ascii")),
        *tag,
        *date,
        cache_control,
        _ACCEPT_RANGES,
        _NO_SNIFFING,
        _PLAYER if is_played else _SANDBOX,
        (b"cross-origin-resource-policy", policy.cross_origin_resource_policy.encode("ascii")),
    )
    whole = ((b"content-length", b"%d" % size), *headers)
    return _Answers(
        etag,
        modified,
        headers,
        Reply(200, whole, 0, size),
        Reply(200, whole),
        Reply(NOT_MODIFIED, (*(tag or date), cache_control)),  # §15.4.5: what updates a cached copy, and nothing else
        Reply(416, ((b"content-range", b"bytes */%d" % size), *_NO_CONTENT)),
    )


def _part(start: int, end: int, size: int, headers: tuple[tuple[bytes, bytes], ...]) -> Reply:
    length = (b"content-length", b"%d" % (end - start))
    return Reply(206, (length, (b"content-range", b"bytes %d-%d/%d" % (start, end - 1, size)), *headers), start, end)
