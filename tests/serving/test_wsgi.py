"""Files over WSGI, from each kind of storage, by a real server."""

import os
from wsgiref.util import FileWrapper

import pytest

from holdfast import FileObject, StorageBackend, storages
from holdfast.errors import ChecksumMismatchError, ConfigurationError, NotFoundError
from holdfast.serving.wsgi import FileResponse
from tests.serving.conftest import saved
from tests.serving.drivers import Noted
from tests.serving.live import cheroot_serving, fetch
from tests.serving.test_asgi import CONTENT
from tests.serving.test_asgi_endings import open_files

ENVIRON = {"REQUEST_METHOD": "GET"}


class Started(list):
    """What `start_response` was called with."""

    def __call__(self, status, headers):
        self.append((status, dict(headers)))


@pytest.mark.parametrize("content", [b"", b"x", CONTENT], ids=["empty", "small", "large"])
async def test_a_whole_file(each_storage, content):
    """The same answer as over ASGI."""
    file = saved(content)
    with cheroot_serving(FileResponse(file)) as port:
        answer = await fetch(port)
    assert (answer.status, answer.body) == (200, content)
    assert answer.headers["content-length"] == str(len(content))
    assert answer.headers["content-disposition"] == 'attachment; filename="photo 1.png"'
    assert answer.headers["etag"].strip('"') == str(file.etag).strip('"')


@pytest.mark.parametrize("span", [(0, 1), (3, 10), (799_999, 800_000), (5, 700_000)])
async def test_s15_parts(each_storage, span):
    """A part is answered with just its bytes, and as many as announced."""
    start, end = span
    with cheroot_serving(FileResponse(saved(CONTENT))) as port:
        answer = await fetch(port, headers={"Range": f"bytes={start}-{end - 1}"})
    assert answer.status == 206
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/800000"
    assert answer.is_complete
    assert answer.body == CONTENT[start:end]


async def test_what_answers_a_post(each_storage):
    """A handler may make a file on demand: all of it is sent, whatever parts and versions the client asks for."""
    with cheroot_serving(FileResponse(saved(CONTENT))) as port:
        answer = await fetch(port, "POST", {"Range": "bytes=0-1", "If-None-Match": "*", "Content-Length": "0"})
    assert (answer.status, answer.body) == (200, CONTENT)
    assert "etag" not in answer.headers


async def test_what_has_no_bytes_takes_no_request(each_storage):
    """HEAD, 304, 412 and 416 come from the row alone."""
    file = saved(CONTENT)
    storages.get("served").delete(file.path)
    etag = '"{}"'.format(str(file.etag).strip('"'))
    with cheroot_serving(FileResponse(file)) as port:
        head = await fetch(port, "HEAD")
        assert (head.status, head.headers["content-length"], head.body) == (200, "800000", b"")
        assert (await fetch(port, headers={"If-None-Match": etag})).status == 304
        assert (await fetch(port, headers={"If-Match": '"other"'})).status == 412
        assert (await fetch(port, headers={"Range": "bytes=800000-"})).status == 416


def test_a_missing_object_is_raised_before_the_answer_begins(each_storage):
    """So that a framework can still answer 404."""
    file, started = saved(CONTENT), Started()
    storages.get("served").delete(file.path)
    with pytest.raises(NotFoundError):
        FileResponse(file)(ENVIRON, started)
    assert started == []


@pytest.mark.parametrize("stored", [CONTENT[:-1], CONTENT + b"x", b""], ids=["shorter", "longer", "empty"])
async def test_s29_another_object_than_recorded_is_no_success(each_storage, stored):
    """An object that is shorter or longer than its row says never makes a complete answer."""
    file = saved(CONTENT)
    storages.get("served").put(file.path, stored)
    with cheroot_serving(FileResponse(file)) as port:
        answer = await fetch(port)
    assert answer.status == 500 or not answer.is_complete
    with pytest.raises(ChecksumMismatchError):
        list(FileResponse(file)(ENVIRON, Started()))


def test_a_file_of_unknown_size_is_looked_up(each_storage):
    """A row that knows nothing costs one look, after which the answer is complete."""
    unknown = FileObject(backend="served", filename="photo 1.png", to_filename=saved(CONTENT).path)
    started = Started()
    assert b"".join(FileResponse(unknown)({**ENVIRON, "HTTP_RANGE": "bytes=-4"}, started)) == CONTENT[-4:]
    assert started[0][0] == "206 Partial Content"


def test_what_no_answer_can_be():
    """A mode that does not exist is told at once."""
    storages.register_backend("memory://", key="served")
    with pytest.raises(ConfigurationError, match="mode='stream'"):
        FileResponse(saved(b"x"), mode="stream")


def test_a_client_that_leaves_ends_the_read():
    """The server closes what it was given, and with that the stream of the storage."""
    storages.register_backend("memory://", key="served")
    file = saved(CONTENT)
    driver = Noted(storages.get("served")._plain)
    storages.register_backend(StorageBackend("served", driver))
    answer = FileResponse(file)(ENVIRON, Started())
    next(iter(answer))
    assert not driver.is_closed
    answer.close()
    assert driver.is_closed


def test_a_whole_local_file_is_left_to_the_server(local, root):
    """The server gets a real file, which it may send by sendfile(2), and closes it."""
    file = saved(CONTENT)
    answer = FileResponse(file)({**ENVIRON, "wsgi.file_wrapper": FileWrapper}, Started())
    assert isinstance(answer, FileWrapper)
    assert os.fstat(answer.filelike.fileno()).st_size == len(CONTENT)
    assert b"".join(answer) == CONTENT
    answer.close()
    assert open_files(root) == 0


def test_a_part_is_not_left_to_the_server(local, root):
    """The wrappers of some servers send all that follows: a part is never theirs."""
    file, started = saved(CONTENT), Started()
    environ = {**ENVIRON, "wsgi.file_wrapper": FileWrapper, "HTTP_RANGE": "bytes=0-9"}
    answer = FileResponse(file)(environ, started)
    assert not isinstance(answer, FileWrapper)
    assert b"".join(answer) == CONTENT[:10]
    unread = FileResponse(file)(environ, started)
    unread.close()
    assert open_files(root) == 0


def test_no_file_stays_open_after_a_mismatch(local, root):
    """A plain file of another size is closed before the error is raised."""
    file = saved(CONTENT)
    (root / file.path).write_bytes(b"shorter")
    with pytest.raises(ChecksumMismatchError):
        FileResponse(file)({**ENVIRON, "wsgi.file_wrapper": FileWrapper}, Started())
    assert open_files(root) == 0
