"""Files over ASGI, from each kind of storage, by a real server."""

import asyncio

import pytest

from holdfast import FileObject, storages
from holdfast.errors import ChecksumMismatchError, ConfigurationError, NotFoundError
from holdfast.serving.asgi import FileResponse, ServePolicy
from tests.serving.conftest import saved
from tests.serving.live import fetch, uvicorn_serving

CONTENT = b"".join(number.to_bytes(4, "big") for number in range(200_000))  # 800 kB: several blocks
SCOPE = {"type": "http", "method": "GET", "headers": []}


async def never():
    """Be a client that stays."""
    await asyncio.Event().wait()


class Sent(list):
    """Messages as they are sent."""

    async def __call__(self, message):
        self.append(message)


@pytest.mark.parametrize("content", [b"", b"x", CONTENT], ids=["empty", "small", "large"])
async def test_a_whole_file(each_storage, content):
    """Type, name, length and validators are those of the row; the bytes are those of the storage."""
    file = saved(content)
    async with uvicorn_serving(FileResponse(file)) as port:
        answer = await fetch(port)
    assert (answer.status, answer.body) == (200, content)
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == 'attachment; filename="photo 1.png"'
    assert answer.headers["etag"].strip('"') == str(file.etag).strip('"')
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("span", [(0, 1), (3, 10), (799_999, 800_000), (5, 700_000)])
async def test_s15_parts(each_storage, span):
    """A part is answered with just its bytes, and as many as announced."""
    start, end = span
    async with uvicorn_serving(FileResponse(saved(CONTENT))) as port:
        answer = await fetch(port, headers={"Range": f"bytes={start}-{end - 1}"})
    assert answer.status == 206
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/800000"
    assert answer.is_complete
    assert answer.body == CONTENT[start:end]


async def test_what_answers_a_post(each_storage):
    """A handler may make a file on demand: all of it is sent, whatever parts and versions the client asks for."""
    async with uvicorn_serving(FileResponse(saved(CONTENT))) as port:
        answer = await fetch(port, "POST", {"Range": "bytes=0-1", "If-None-Match": "*", "Content-Length": "0"})
    assert (answer.status, answer.body) == (200, CONTENT)
    assert "etag" not in answer.headers


async def test_what_has_no_bytes_takes_no_request(each_storage):
    """HEAD, 304, 412 and 416 come from the row alone: they are the same when the object is gone."""
    file = saved(CONTENT)
    storages.get("served").delete(file.path)
    etag = '"{}"'.format(str(file.etag).strip('"'))
    async with uvicorn_serving(FileResponse(file)) as port:
        head = await fetch(port, "HEAD")
        assert (head.status, head.headers["content-length"], head.body) == (200, "800000", b"")
        assert (await fetch(port, headers={"If-None-Match": etag})).status == 304
        assert (await fetch(port, headers={"If-Match": '"other"'})).status == 412
        assert (await fetch(port, headers={"Range": "bytes=800000-"})).status == 416


async def test_lines_of_one_header_count_together():
    """Two lines of If-None-Match are one list."""
    storages.register_backend("memory://", key="served")
    file = saved(b"x")
    sent = Sent()
    lines = [(b"if-none-match", b'"other"'), (b"if-none-match", f'"{file.etag}"'.encode())]
    await FileResponse(file)({**SCOPE, "headers": lines}, never, sent)
    assert sent[0]["status"] == 304


async def test_a_missing_object_is_raised_before_anything_is_sent(each_storage):
    """So that a framework can still answer 404; a bare server answers 500, never 200."""
    file = saved(CONTENT)
    storages.get("served").delete(file.path)
    sent = Sent()
    for headers in [[], [(b"range", b"bytes=0-1")]]:
        with pytest.raises(NotFoundError):
            await FileResponse(file)({**SCOPE, "headers": headers}, never, sent)
    assert sent == []
    async with uvicorn_serving(FileResponse(file)) as port:
        assert (await fetch(port)).status == 500


@pytest.mark.parametrize("stored", [CONTENT[:-1], CONTENT + b"x", b""], ids=["shorter", "longer", "empty"])
async def test_s29_another_object_than_recorded_is_no_success(each_storage, stored):
    """An object that is shorter or longer than its row says never makes a complete answer."""
    file = saved(CONTENT)
    storages.get("served").put(file.path, stored)
    async with uvicorn_serving(FileResponse(file)) as port:
        answer = await fetch(port)
    assert answer.status == 500 or not answer.is_complete
    with pytest.raises(ChecksumMismatchError):
        await FileResponse(file)(SCOPE, never, Sent())


async def test_a_small_object_of_another_size_is_raised_before_anything_is_sent(each_storage):
    """What fits into one chunk is checked before the first header."""
    file, sent = saved(b"bytes"), Sent()
    storages.get("served").put(file.path, b"byte")
    with pytest.raises(ChecksumMismatchError):
        await FileResponse(file)(SCOPE, never, sent)
    assert sent == []


async def test_a_part_that_is_not_there(each_storage):
    """A part beyond the end of a shortened object is no success either."""
    file = saved(CONTENT)
    storages.get("served").put(file.path, CONTENT[:-10])
    async with uvicorn_serving(FileResponse(file)) as port:
        answer = await fetch(port, headers={"Range": "bytes=-20"})
    assert answer.status == 500 or not answer.is_complete


async def test_a_file_of_unknown_size_is_looked_up(each_storage):
    """A row that knows nothing costs one look, after which the answer is complete."""
    file = saved(CONTENT)
    unknown = FileObject(backend="served", filename="photo 1.png", to_filename=file.path)
    async with uvicorn_serving(FileResponse(unknown)) as port:
        answer = await fetch(port, headers={"Range": "bytes=-4"})
    assert (answer.status, answer.body) == (206, CONTENT[-4:])


async def test_the_policy_decides():
    """Inline where it is harmless, with the application's own caching."""
    storages.register_backend("memory://", key="served")
    policy = ServePolicy(disposition="inline", cache_control="private, max-age=60")
    sent = Sent()
    await FileResponse(saved(b"x"), policy=policy)(SCOPE, never, sent)
    headers = dict(sent[0]["headers"])
    assert headers[b"content-disposition"] == b'inline; filename="photo 1.png"'
    assert headers[b"cache-control"] == b"private, max-age=60"
    await FileResponse(saved(b"x"), disposition="inline")(SCOPE, never, sent)
    assert dict(sent[2]["headers"])[b"content-disposition"] == b'inline; filename="photo 1.png"'


def test_what_no_answer_can_be():
    """A mode or a disposition that does not exist is told at once."""
    storages.register_backend("memory://", key="served")
    with pytest.raises(ConfigurationError, match="mode='stream'"):
        FileResponse(saved(b"x"), mode="stream")
    with pytest.raises(ConfigurationError, match="disposition='show'"):
        FileResponse(saved(b"x"), disposition="show")


async def test_headers_belong_to_the_receiver():
    """A middleware that changes the headers of one answer does not change those of the next."""
    storages.register_backend("memory://", key="served")
    file = saved(b"x")

    async def meddle(message):
        if "headers" in message:
            message["headers"].append((b"set-cookie", b"secret"))

    await FileResponse(file)(SCOPE, never, meddle)
    sent = Sent()
    await FileResponse(file)(SCOPE, never, sent)
    assert b"set-cookie" not in dict(sent[0]["headers"])
