"""An answer with a file, as an ASGI application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.drivers.resident import BLOCK_SIZE
from holdfast.errors import NotFoundError
from holdfast.serving.asgi.messages import asked, body, start
from holdfast.serving.asgi.plain import read_block, send_blocks
from holdfast.serving.asgi.streaming import send_stream
from holdfast.serving.asgi.watching import until_left
from holdfast.serving.elsewhere import check_mode, location_async, redirect
from holdfast.serving.exact import mismatch
from holdfast.serving.facts import found, policy_for, recorded
from holdfast.serving.planner import plan

if TYPE_CHECKING:
    from holdfast.disposition import Disposition
    from holdfast.file import FileObject
    from holdfast.serving.asgi.messages import Receive, Scope, Send
    from holdfast.serving.elsewhere import Mode, Offload
    from holdfast.serving.reply import Reply, ServePolicy

_READS = ("GET", "HEAD")


class FileResponse:
    """Answers with a file of any storage, whole or in part, in constant memory.

    It is an ASGI application by itself: ``await FileResponse(file)(scope, receive, send)``.

    Size, etag, time, type and name are those of the row, so that HEAD, 304, 412 and 416 take no request to the storage.
    Nothing is sent before the object is open: what goes wrong until then is raised, as a missing object is. After that
    an error closes the connection; an answer is never complete that has other bytes than it announced.

    The answer to a POST, such as an export made on demand, is the whole file, sent from here: parts, conditions and
    redirects are for GET and HEAD.

    Args:
        file: The file. Whether the client may have it is for the caller to know.
        policy: How it is answered.
        disposition: Without a policy: whether the browser saves the file or shows it, if its type is harmless.
        mode: Who sends the bytes, see `holdfast.serving.elsewhere.Mode`.
        expires_in: Seconds for which the URL of a redirect works, at most 7 days.
        offload: A web server in front that sends local files; files of other storages are sent as ever.

    Raises:
        ConfigurationError: An argument is out of range.
    """

    def __init__(
        self,
        file: FileObject | None,
        *,
        policy: ServePolicy | None = None,
        disposition: Disposition = "attachment",
        mode: Mode = "proxy",
        expires_in: int = 3600,
        offload: Offload | None = None,
    ) -> None:
        check_mode(mode)
        if file is None:
            message = "there is no file to answer with"
            raise NotFoundError(message)
        self.file = file
        self.policy = policy_for(policy, disposition)
        self.mode: Mode = mode
        self.expires_in = expires_in
        self.offload = offload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer.

        Raises:
            StorageError: The object is missing, or is not the one that the row describes, or cannot be read.
        """
        method: str = scope["method"]
        file, storage = self.file, self.file.backend
        if method == "GET" and self.mode != "proxy":  # a service takes a URL for the method it was signed for
            url = await location_async(file, self.mode, self.policy, self.expires_in)
            if url is not None:
                await _send_empty(redirect(url), send)
                return
        key = file._key()
        representation = recorded(file) or found(file, await storage.stat_async(key))
        path = None if self.offload is None or method not in _READS else storage.plain_path(key)
        if self.offload is not None and path is not None:
            await _send_empty(self.offload.over(plan(method, {}, representation, self.policy), path), send)
            return
        reply = plan(method, asked(scope["headers"]), representation, self.policy)
        if reply.status not in {200, 206} or method == "HEAD":
            await _send_empty(reply, send)
            return
        block = storage.read_cached(key, reply.start, reply.end, representation.size)
        if block is not None:  # a quarter of the time is saved: nothing to watch, nothing to keep open
            await send(start(reply))
            await send(body(block))
            return
        plain = await storage.open_plain_async(key)
        if plain is None:
            await until_left(receive, send_stream(file, representation.size, reply, send))
            return
        with plain:
            if plain.size != representation.size:
                raise mismatch(storage.key, key)
            if reply.end - reply.start > BLOCK_SIZE:
                await until_left(receive, send_blocks(plain, reply, send))
                return
            block = await read_block(plain, reply.start, reply.end)
        await send(start(reply))  # the file is closed: a slow client keeps none open
        await send(body(block))


async def _send_empty(reply: Reply, send: Send) -> None:
    await send(start(reply))
    await send(body())
