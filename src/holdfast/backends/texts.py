"""Texts of other libraries, made fit to be shown: one short line, and nothing that looks like a secret."""

from __future__ import annotations

import json
import re
from typing import Any

from holdfast.backends.secret_texts import without_secrets
from holdfast.late_patterns import late_pattern

_LONGEST = 300  # characters of the library's own words, and as many of the service's
_BODY = late_pattern(r"<\?xml|<error\b|<!doctype html|<html\b|\{\s*\"error\"", re.IGNORECASE)
_CODE, _MESSAGE, _TITLE = (
    late_pattern(rf"<{name}>\s*([^<]*)</{name}>", re.IGNORECASE) for name in ("code", "message", "title")
)


def summary(error: BaseException) -> str:
    """Return an exception's text as one line, without values that look like secrets.

    Of an answer in XML, JSON or HTML that it holds, only the code and the message are left.
    """
    text = str(error).strip()
    if error.__cause__ is not None and text and text in str(error.__cause__):
        text = str(error.__cause__).strip()  # s3fs keeps S3's message, but not the code before it
    body = _BODY.search(text)
    own = _first_line(text[: body.start()] if body else text)
    told = _first_line(_told(text[body.start() :])) if body else ""
    line = _joined(own.rstrip(":"), told) or type(error).__name__
    return line if line.endswith((".", "…", "!")) else line + "."


def _joined(own: str, told: str) -> str:
    if own.rstrip(".") in told:
        return told
    return own if told in own else f"{own}: {told}"


def _first_line(text: str) -> str:
    # Before it is cut: half a secret must not be left for want of the character behind it.
    line = without_secrets((text.strip().splitlines() or [""])[0].rstrip())
    return line if len(line) <= _LONGEST else line[:_LONGEST] + "…"


def _told(body: str) -> str:
    """Return the code and the message of an answer; empty if it has none."""
    if body.startswith("{"):
        return _told_in_json(body)
    found = [match[1] for pattern in (_CODE, _MESSAGE) if (match := pattern.search(body))]
    if not found and (title := _TITLE.search(body)):
        found = [title[1]]
    from html import unescape  # noqa: PLC0415  # costs `import holdfast` milliseconds

    return unescape(": ".join(each.strip().partition("\n")[0].rstrip() for each in found if each.strip()))


def _told_in_json(body: str) -> str:
    try:
        answer: dict[str, Any] = json.JSONDecoder().raw_decode(body)[0]
    except ValueError:  # cut off
        return ""
    error = answer["error"]
    if not isinstance(error, dict):  # OAuth, RFC 6749 §5.2
        return ": ".join(str(each) for each in (error, answer.get("error_description")) if each)
    details = error.get("errors")
    reasons = [each.get("reason") for each in details if isinstance(each, dict)] if isinstance(details, list) else []
    code = next(filter(None, reasons), None) or error.get("status")
    return ": ".join(str(each) for each in (code, error.get("message")) if each)
