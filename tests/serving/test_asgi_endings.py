"""How answers over ASGI end: with the client, with the server, with an error; and what they leave behind."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from holdfast import StorageBackend, storages
from holdfast.backends.obstore import ObstoreBackend
from holdfast.errors import ChecksumMismatchError
from holdfast.serving.asgi import FileResponse
from tests.serving.conftest import saved
from tests.serving.drivers import InOneGo, Noted, Slow, SlowFiles, Stalled
from tests.serving.live import HOST, fetch, request, uvicorn_serving
from tests.serving.test_asgi import CONTENT, SCOPE, Sent, never


def behind(kind, file):
    """Put a driver in front of the one of the storage named served; return it."""
    driver = kind(storages.get("served")._plain)
    storages.register_backend(StorageBackend("served", driver))
    return driver


async def leave_early(port):
    """Begin to read an answer, and go."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(request())
    await reader.readexactly(1000)
    writer.transport.abort()


async def test_a_client_that_leaves_ends_the_read():
    """A storage that hangs in the middle is let go of as soon as nobody waits for it any more."""
    storages.register_backend(ObstoreBackend("served", "memory://"))
    file = saved(CONTENT)
    driver = behind(Stalled, file)
    async with uvicorn_serving(FileResponse(file)) as port:
        await leave_early(port)
        await asyncio.wait_for(driver.ended.wait(), 20)


async def test_cancellation_ends_the_read():
    """A server that cancels the application leaves no stream of the storage open."""
    storages.register_backend(ObstoreBackend("served", "memory://"))
    file = saved(CONTENT)
    driver = behind(Stalled, file)
    serving = asyncio.create_task(FileResponse(file)(SCOPE, never, Sent()))
    await driver.stalls.wait()
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert driver.ended.is_set()


async def test_an_answer_that_fails_lets_go_of_the_storage():
    """A server whose connection breaks raises in send: the stream ends at once."""
    storages.register_backend(ObstoreBackend("served", "memory://"))
    file = saved(CONTENT)
    driver = behind(Noted, file)

    async def broken(message):
        raise OSError("the connection is gone")

    with pytest.raises(OSError, match="is gone"):
        await FileResponse(file)(SCOPE, never, broken)
    assert driver.ended.is_set()


async def test_a_server_that_fails_to_tell_is_no_success():
    """An error of `receive` ends the answer, and is raised."""
    storages.register_backend(ObstoreBackend("served", "memory://"))
    file = saved(CONTENT)
    driver = behind(Stalled, file)

    async def broken():
        await driver.stalls.wait()
        raise RuntimeError("no more messages")

    with pytest.raises(RuntimeError, match="no more messages"):
        await FileResponse(file)(SCOPE, broken, Sent())
    assert driver.ended.is_set()


def open_files(root):
    """Return how many files below a folder this process has open."""
    found = 0
    for descriptor in list(Path("/proc/self/fd").iterdir()):
        with suppress(FileNotFoundError):  # of the listing itself
            found += str(descriptor.readlink()).startswith(f"{root}/") and descriptor.is_file()
    return found


async def test_no_file_stays_open(local, root):
    """A plain file is closed after whole, partial, failed and aborted answers, and by a cancellation."""
    file = saved(b"x" * 50_000_000)
    async with uvicorn_serving(FileResponse(file)) as port:
        assert (await fetch(port)).is_complete
        assert (await fetch(port, headers={"Range": "bytes=5-9"})).is_complete
        await leave_early(port)
    assert open_files(root) == 0

    is_sending = asyncio.Event()

    async def wait_for_ever(message):
        if "body" in message:
            is_sending.set()
            await never()

    serving = asyncio.create_task(FileResponse(file)(SCOPE, never, wait_for_ever))
    await is_sending.wait()
    assert open_files(root) == 1
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert open_files(root) == 0
    (root / file.path).write_bytes(b"shorter")
    with pytest.raises(ChecksumMismatchError):
        await FileResponse(file)(SCOPE, never, Sent())
    assert open_files(root) == 0


@pytest.mark.parametrize("kind", [Slow, SlowFiles])
async def test_the_event_loop_goes_on(local, kind):
    """A storage that blocks is read in threads: it only ever answers because the event loop goes on meanwhile."""
    file = saved(CONTENT)
    driver = behind(kind, file)
    async with uvicorn_serving(FileResponse(file)) as port:
        answer = asyncio.create_task(fetch(port))
        asyncio.get_running_loop().call_later(0.05, driver.may_read.set)
        assert (await answer).body == CONTENT


async def test_small_files_in_memory_are_read_in_one_go(local, unwatched):
    """Whole and in part: nothing is opened for them that would have to be watched and closed."""
    file = saved(b"0123456789")
    await FileResponse(file)(SCOPE, never, Sent())  # the folder is open now
    behind(InOneGo, file)
    for headers, content in [([], b"0123456789"), ([(b"range", b"bytes=2-4")], b"234")]:
        sent = Sent()
        await FileResponse(file)({**SCOPE, "headers": headers}, never, sent)
        assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
        assert sent[1] == {"type": "http.response.body", "body": content, "more_body": False}


async def test_others_have_their_turn(local):
    """A client that takes everything at once does not keep the event loop to itself."""
    file = saved(b"x" * 10_000_000)
    turns, seen = 0, []

    async def count():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def take(message):
        seen.append(turns)

    counting = asyncio.create_task(count())
    await FileResponse(file)(SCOPE, never, take)
    counting.cancel()
    blocks = seen[1:]
    assert len(blocks) > 10
    assert len(set(blocks)) == len(blocks)


async def test_a_stream_that_is_closed_closes_the_driver_s():
    """At once, and not when the garbage collector comes by."""
    storages.register_backend(ObstoreBackend("served", "memory://"))
    file = saved(CONTENT)
    driver = behind(Noted, file)
    chunks = file.iter_content_async(chunk_size=1000)
    await anext(chunks)
    await chunks.aclose()
    assert driver.ended.is_set()
