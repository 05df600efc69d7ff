"""Signed URLs taken apart, so that two of them can be compared."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit


def parts(url):
    """Return address, path as it is sent, and the parameters: their order does not matter, nor how they are encoded."""
    found = urlsplit(url)
    pairs = parse_qsl(found.query, keep_blank_values=True, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    assert not found.fragment
    return f"{found.scheme}://{found.netloc}", found.path, dict(pairs)


def time_of(url, name):
    """Return when a URL was signed."""
    return datetime.strptime(parts(url)[2][name], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
