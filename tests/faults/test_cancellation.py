"""An AsyncSession whose task is cancelled at any of its awaits."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from tests.faults.world import Document, World, content, open_world, with_savepoints


class CancelAt:
    """Cancels a task when its coroutine is suspended for the n-th time."""

    def __init__(self, coroutine, step: int) -> None:
        self.coroutine, self.step, self.suspended = coroutine, step, 0

    def __await__(self):
        inner = self.coroutine.__await__()
        value: object = None
        error: BaseException | None = None
        while True:
            try:
                waiting = inner.send(value) if error is None else inner.throw(error)
            except StopIteration as stop:
                return stop.value
            self.suspended += 1
            if self.suspended == self.step:
                asyncio.current_task().cancel()
            error = None
            try:
                value = yield waiting
            except BaseException as raised:  # noqa: BLE001  # handed on to the coroutine
                error = raised


async def transaction(engine, world: World) -> None:
    """Replace a file, edit a list, add a row, inside and outside of a savepoint."""
    async with AsyncSession(engine) as session:
        document = await session.get_one(Document, 1)
        document.file = content("new", b"n" * 200_000)
        document.pages.append(content("page"))
        async with session.begin_nested():
            session.add(Document(id=2, file=content("second")))
        session.add(Document(id=3, file=document.file))
        await session.commit()


@pytest.mark.parametrize("part", range(4))
def test_a_cancellation_at_any_await_loses_no_file(tmp_path: Path, caplog: pytest.LogCaptureFixture, part: int) -> None:
    """Row and bytes agree wherever it strikes, and only an end that nobody saw leaves anything over."""
    finished = False
    step = part + 1
    while not finished:
        # A database of its own: a connection that was cancelled may keep its lock for a while.
        path = tmp_path / str(step)
        url = f"sqlite+aiosqlite:///{path}.sqlite"
        with open_world(path, f"sqlite:///{path}.sqlite", url) as world:
            caplog.clear()
            finished = asyncio.run(attempt(world, url, step))
            referenced = world.referenced()
            assert referenced <= world.keys()
            # While its connection goes back to the pool, a transaction ends without an event.
            if not any(text in caplog.text for text in ("not acknowledged", "Exception during reset")):
                assert world.keys() == referenced, f"left over after a cancellation at await {step}"
        step += 4
    assert step > 12


async def attempt(world: World, url: str, step: int) -> bool:
    """Run the transaction from a clean start; return whether it ended before it could be cancelled."""
    engine = create_async_engine(url)
    with_savepoints(engine.sync_engine)
    try:
        async with AsyncSession(engine) as session:
            session.add(Document(id=1, file=content("old"), pages=[content("p")]))
            await session.commit()
        cancelling = CancelAt(transaction(engine, world), step)
        task = asyncio.ensure_future(_run(cancelling))
        try:
            await task
        except asyncio.CancelledError:
            return False
        return cancelling.suspended < step
    finally:
        await engine.dispose()


async def _run(cancelling: CancelAt) -> None:
    await cancelling
