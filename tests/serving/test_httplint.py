"""Another author's checker of HTTP, the one behind REDbot, finds nothing wrong with any answer."""

import time

import pytest
from httplint import HttpRequestLinter, HttpResponseLinter, levels

from holdfast.backends.obstore import ObstoreBackend
from holdfast.registry import storages
from holdfast.serving import asgi, wsgi
from tests.serving.conftest import saved
from tests.serving.live import cheroot_serving, fetch, uvicorn_serving

CONTENT = b"\x89PNG\r\n\x1a\n" + bytes(5000)

REQUESTS = [
    ("whole", "GET", {}, 200),
    ("head", "HEAD", {}, 200),
    ("part", "GET", {"Range": "bytes=5-99"}, 206),
    ("end", "GET", {"Range": "bytes=-1"}, 206),
    ("beyond", "GET", {"Range": "bytes=9999-"}, 416),
    ("known", "GET", {"If-None-Match": "*"}, 304),
    ("changed", "GET", {"If-Match": '"other"'}, 412),
    ("made", "POST", {}, 200),
]


def faults(answer, method, headers):
    """Return what the checker holds for wrong, or for doubtful."""
    asked = HttpRequestLinter()
    asked.process_request_topline(method.encode(), b"http://127.0.0.1/files/1", b"1.1")
    asked.process_headers([(name.encode(), value.encode()) for name, value in headers.items()])
    asked.finish_content(complete=True)
    found = HttpResponseLinter(start_time=time.time(), _related=asked, no_content=method == "HEAD")
    top, *lines = answer.raw.partition(b"\r\n\r\n")[0].split(b"\r\n")
    version, status, phrase = top.split(b" ", 2)
    found.process_response_topline(version.removeprefix(b"HTTP/"), status, phrase)
    found.process_headers([tuple(line.split(b": ", 1)) for line in lines])
    found.feed_content(answer.body)
    found.finish_content(complete=True)
    return [f"{note.subject}: {note.summary}" for note in found.notes if note.level in {levels.BAD, levels.WARN}]


@pytest.mark.parametrize(("method", "headers", "status"), [each[1:] for each in REQUESTS], ids=[r[0] for r in REQUESTS])
async def test_no_answer_has_a_fault(each_storage, method, headers, status):
    """Over ASGI and over WSGI."""
    file = saved(CONTENT)
    async with uvicorn_serving(asgi.FileResponse(file)) as port:
        over_asgi = await fetch(port, method, headers)
    with cheroot_serving(wsgi.FileResponse(file)) as port:
        over_wsgi = await fetch(port, method, headers)
    for answer in (over_asgi, over_wsgi):
        assert answer.status == status
        assert faults(answer, method, headers) == []


async def test_no_redirect_has_a_fault(s3_bucket):
    """To a signed URL."""
    storages.register_backend(ObstoreBackend("served", s3_bucket.url, **s3_bucket.options))
    async with uvicorn_serving(asgi.FileResponse(saved(CONTENT), mode="redirect")) as port:
        answer = await fetch(port)
    assert answer.status == 302
    assert faults(answer, "GET", {}) == []


async def test_a_fault_is_found(local):
    """The checker sees an answer that is shorter than it says."""
    async with uvicorn_serving(asgi.FileResponse(saved(CONTENT))) as port:
        answer = await fetch(port)
    assert faults(answer._replace(body=b"short"), "GET", {}) != []
