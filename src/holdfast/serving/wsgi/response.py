"""An answer with a file, as a WSGI application."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from holdfast.drivers.closing import close
from holdfast.errors import NotFoundError
from holdfast.serving.elsewhere import check_mode, location, redirect
from holdfast.serving.exact import exact, mismatch
from holdfast.serving.facts import found, policy_for, recorded
from holdfast.serving.planner import plan
from holdfast.serving.wsgi.environment import asked, start
from holdfast.serving.wsgi.plain import BLOCK_SIZE, OpenedFile, blocks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from holdfast.backends.plain_file import PlainFile
    from holdfast.disposition import Disposition
    from holdfast.file import FileObject
    from holdfast.serving.elsewhere import Mode, Offload
    from holdfast.serving.reply import Reply, ServePolicy
    from holdfast.serving.wsgi.environment import Environ, StartResponse

_READS = ("GET", "HEAD")


class FileResponse:
    """Like `holdfast.serving.asgi.FileResponse`, for WSGI: ``FileResponse(file)(environ, start_response)``."""

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

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Return the bytes of the answer; the server closes what is returned, and so the file.

        Raises:
            StorageError: The object is missing, or is not the one that the row describes, or cannot be read.
        """
        method: str = environ["REQUEST_METHOD"]
        file, storage = self.file, self.file.backend
        if method == "GET" and self.mode != "proxy":  # a service takes a URL for the method it was signed for
            url = location(file, self.mode, self.policy, self.expires_in)
            if url is not None:
                start(redirect(url), start_response)
                return []
        key = file._key()
        representation = recorded(file) or found(file, storage.stat(key))
        path = None if self.offload is None or method not in _READS else storage.plain_path(key)
        if self.offload is not None and path is not None:
            start(self.offload.over(plan(method, {}, representation, self.policy), path), start_response)
            return []
        reply = plan(method, asked(environ), representation, self.policy)
        if reply.status not in {200, 206} or method == "HEAD":
            start(reply, start_response)
            return []
        plain = storage.open_plain(key)
        if plain is None:
            sent = _Started(self._stream(representation.size, reply))
            start(reply, start_response)
            return sent
        return self._plain(plain, representation.size, reply, environ, start_response)

    def _stream(self, size: int, reply: Reply) -> Iterator[bytes]:
        length = reply.end - reply.start
        # A whole file is read to its end, wherever that is, so that a longer one is noticed.
        end = None if length == size else reply.end
        read = self.file.iter_content(start=reply.start, end=end, chunk_size=BLOCK_SIZE)
        return exact(self.file, read, length)

    def _plain(
        self, plain: PlainFile, size: int, reply: Reply, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        if plain.size != size:
            error = mismatch(plain.storage, plain.key)
            plain.__exit__(type(error), error, None)
            raise error
        wrapper = environ.get("wsgi.file_wrapper")
        # The simple ones, such as that of wsgiref, send everything up to the end of the file.
        if wrapper is None or (reply.start, reply.end) != (0, size):
            sent: Iterable[bytes] = _Started(blocks(plain, reply.start, reply.end))
        else:
            sent = wrapper(OpenedFile(plain), BLOCK_SIZE)
        start(reply, start_response)
        return sent


class _Started:
    """Chunks of which the first has been read, so that an error comes before the answer begins."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._all = chain([next(chunks, b"")], chunks)

    def __iter__(self) -> Iterator[bytes]:
        return self._all

    def close(self) -> None:
        """Let go of what is read, also when the client has left."""
        close(self._chunks)
