"""Local files by the servers that send them themselves: gunicorn with sendfile(2), nginx in front."""

from pathlib import Path

import pytest

from tests.servers.shared import start_or_skip
from tests.serving import front
from tests.serving.live import fetch
from tests.serving.test_asgi import CONTENT


@pytest.fixture(params=["gunicorn", "nginx"])
def site(request):
    """Return the port of a server, after there is something to serve."""
    found = start_or_skip(getattr(front, request.param))
    folder = Path(found.files, request.node.name)
    folder.mkdir()
    (folder / "Été #1?.png").write_bytes(CONTENT)
    (folder / "link").symlink_to("/etc/passwd")
    return int(found.port)


async def test_a_whole_file(site, request):
    """With every header that keeps it from running in a browser."""
    answer = await fetch(site, path=f"/{request.node.name}/%C3%89t%C3%A9%20%231%3F.png")
    assert (answer.status, answer.body) == (200, CONTENT)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == 'attachment; filename="photo 1.png"'
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


async def test_parts_and_conditions(site, request):
    """Ranges and entity tags work, whoever answers them."""
    path = f"/{request.node.name}/%C3%89t%C3%A9%20%231%3F.png"
    part = await fetch(site, headers={"Range": "bytes=5-9"}, path=path)
    assert (part.status, part.body) == (206, CONTENT[5:10])
    head = await fetch(site, "HEAD", path=path)
    assert (head.status, head.headers["content-length"]) == (200, str(len(CONTENT)))
    known = await fetch(site, headers={"If-None-Match": head.headers["etag"]}, path=path)
    assert (known.status, known.body) == (304, b"")


async def test_s3_no_link_is_followed(site, request):
    """Not by the application, and not by nginx as the documentation sets it up."""
    answer = await fetch(site, path=f"/{request.node.name}/link")
    assert answer.status in {403, 404}
    assert b"root:" not in answer.body
