"""Real servers of both worlds in this process, whose application each test sets: uvicorn and cheroot."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, Thread
from typing import Any

import uvicorn
from cheroot import wsgi

from holdfast.serving.asgi import SignedFiles as ASGISignedFiles
from holdfast.serving.wsgi import SignedFiles as WSGISignedFiles

HOST = "127.0.0.1"


class World:
    """A running server.

    Attributes:
        name: ``"asgi"`` or ``"wsgi"``.
        base_url: Where it is reached.
        app: What answers.
    """

    def __init__(self, name: str) -> None:
        self.name, self.base_url = name, ""
        self.app: Any = None
        self._running = 0
        self._change = Condition()

    @property
    def kind(self) -> Callable[..., Any]:
        """The class of this world's applications."""
        return ASGISignedFiles if self.name == "asgi" else WSGISignedFiles

    async def asgi(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on."""
        with self._call():
            await self.app(scope, receive, send)

    def wsgi(self, environ: Any, start_response: Any) -> Any:
        """Pass a request on."""
        with self._call():
            return self.app(environ, start_response)

    def settle(self) -> None:
        """Wait until the application has come to an end with every request."""
        with self._change:
            assert self._change.wait_for(lambda: self._running == 0, 30)

    @contextmanager
    def _call(self) -> Iterator[None]:
        with self._change:
            self._running += 1
        try:
            yield
        finally:
            with self._change:
                self._running -= 1
                self._change.notify_all()


@contextmanager
def serving(name: str) -> Iterator[World]:
    """Run the server of a world."""
    with {"asgi": _uvicorn, "wsgi": _cheroot}[name](World(name)) as world:
        yield world


@contextmanager
def _uvicorn(world: World) -> Iterator[World]:
    server = uvicorn.Server(
        uvicorn.Config(world.asgi, HOST, 0, log_config=None, lifespan="off", ws="none", interface="asgi3")
    )
    bound = server.config.bind_socket()
    bound.listen()  # from now on a request waits; the thread may take its time
    thread = Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    try:
        world.base_url = f"http://{HOST}:{bound.getsockname()[1]}"
        yield world
    finally:
        server.should_exit = True
        thread.join()
        bound.close()


@contextmanager
def _cheroot(world: World) -> Iterator[World]:
    server = wsgi.Server((HOST, 0), world.wsgi, numthreads=4)
    server.prepare()
    thread = Thread(target=server.serve)
    thread.start()
    try:
        world.base_url = f"http://{HOST}:{server.bind_addr[1]}"
        yield world
    finally:
        server.stop()
        thread.join()
