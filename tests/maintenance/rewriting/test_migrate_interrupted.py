"""`migrate` is cut off anywhere, and started again: no file is lost, none copied twice, nothing left over."""

import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, event
from sqlalchemy.orm import Session

from holdfast import StorageBackend, storages
from holdfast.drivers.local import LocalDriver
from holdfast.maintenance import migrate, verify
from tests.crash.process import fork
from tests.maintenance.rewriting.moves import BIG, Base, Deed, Leaf, file
from tests.maintenance.stacks import keys

SOAK = int(os.environ.get("HOLDFAST_SOAK", "1"))
ROUNDS = 8 * SOAK
STRIDE = 4 if SOAK == 1 else 1


class Cut(BaseException):
    """The end of the process, as far as it can be acted."""


class Clock:
    """Counts what happens, and cuts at one of the steps."""

    def __init__(self) -> None:
        self.steps, self.last = 0, None

    def __call__(self) -> None:
        """Let one step happen."""
        self.steps += 1
        if self.steps == self.last:
            raise Cut


class Ticking:
    """A driver each of whose operations is a step before it and one after it."""

    def __init__(self, driver: Any, clock: Clock) -> None:
        self.driver, self.clock = driver, clock
        self.written: list[str] = []

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.driver, name)
        return self._ticking(name, found) if name in {"stat", "delete", "put"} else found

    def _ticking(self, name: str, call: Any) -> Any:
        def ticking(*args: Any) -> Any:
            self.clock()
            result = call(*args)
            if name == "put" and not args[0].endswith("-probe.txt"):
                self.written.append(args[0])
            self.clock()
            return result

        return ticking

    def read(self, *args: Any) -> Iterator[bytes]:
        """Read, in two steps."""
        self.clock()
        yield from self.driver.read(*args)
        self.clock()

    def list(self, *args: Any) -> Iterator[Any]:
        """List, in two steps."""
        self.clock()
        yield from self.driver.list(*args)
        self.clock()


class Scene:
    """A database, two storages in memory, and a clock over all of it."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.old, self.new = (self._storage(name) for name in ("old", "new"))
        self.engine = create_engine(f"sqlite:///{folder}/cut.db")
        event.listen(self.engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=OFF"))
        Base.metadata.create_all(self.engine)
        with Session(self.engine) as session:
            session.add_all([Deed(file=file(b"%d" % number), pages=[file(b"p")]) for number in range(3)])
            session.add(Leaf(id=b"\x00\xff", file=file(b"leaf")))
            session.commit()
        self.count = len(keys(self.old))
        for name in ("before_cursor_execute", "after_cursor_execute", "commit"):
            event.listen(self.engine, name, lambda *_, **__: self.clock())

    def _storage(self, name: str) -> StorageBackend:
        driver = storages.register_backend("memory://", key=name)._driver
        return storages.register_backend(StorageBackend(name, Ticking(driver, self.clock)))

    def run(self, cut: int | None = None) -> bool:
        """Migrate, and say whether it came to its end."""
        self.clock.steps, self.clock.last = 0, cut
        try:
            with Session(self.engine) as session:
                report = migrate(session, Base, source="old", target="new", shared=True, batch=2, concurrency=1)
        except Cut:
            return False
        finally:
            self.clock.last = None
        assert report.ok
        return True

    def check(self) -> None:
        """Assert that all is in the new storage, once, and nothing else is anywhere."""
        with Session(self.engine) as session:
            report = verify(session, Base, deep=True)
        assert report.ok
        assert report.counts["hashed"] == self.count
        assert not keys(self.old)
        assert len([key for key in keys(self.new) if not key.endswith("-probe.txt")]) == self.count
        written = self.new._plain.written
        assert len(written) == len(set(written)) == self.count


@pytest.fixture
def _names() -> Iterator[None]:
    yield
    storages._backends.pop("old", None), storages._backends.pop("new", None)


@pytest.mark.usefixtures("_names")
def test_each_step(tmp_path: Path) -> None:
    """Whatever is the last thing that happens, the next run does the rest."""
    cut, done = -random.randrange(STRIDE), False
    while not done:
        cut = max(cut + STRIDE, 1)
        folder = tmp_path / str(cut)
        folder.mkdir()
        scene = Scene(folder)
        done = scene.run(cut)
        with Session(scene.engine) as session:
            assert verify(session, Base).ok, f"cut at step {cut}"
        scene.run()
        scene.check()
        scene.engine.dispose()
    assert cut > 60


@pytest.mark.usefixtures("_names")
def test_killed_again_and_again(tmp_path: Path) -> None:
    """Processes that end by SIGKILL at any moment; the last run finds all that they have done."""
    rows, seed = 300, random.randrange(2**32)
    chance = random.Random(seed)
    old, new = (
        storages.register_backend(StorageBackend(name, LocalDriver(tmp_path / name, durable=False)))
        for name in ("old", "new")
    )
    url = f"sqlite:///{tmp_path}/kill.db"
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Deed(file=file(b"%d" % number)) for number in range(rows)])
        session.add_all([Deed(file=file(BIG)) for _ in range(2)])
        session.commit()
    engine.dispose()

    def work(*, keep: bool = False) -> None:
        own = create_engine(url)
        with Session(own) as session:
            report = migrate(session, Base, source="old", target="new", shared=True, keep=keep, batch=20, concurrency=4)
        assert report.ok
        own.dispose()

    seen: dict[str, str | None] = {}
    killed = 0
    for _ in range(ROUNDS):
        status = fork(work, tmp_path / "errors", chance.uniform(0.02, 0.4))
        assert status in {0, -signal.SIGKILL}, (tmp_path / "errors").read_text()
        killed += status != 0
        found = {info.key: info.etag for info in new.list() if not info.key.endswith("-probe.txt")}
        assert all(found[key] == etag for key, etag in seen.items()), f"copied twice, seed {seed}"
        seen = found
    work()
    assert killed, f"none was killed, seed {seed}"
    with Session(create_engine(url)) as session:
        report = verify(session, Base, deep=True)
    assert report.ok, f"seed {seed}"
    assert report.counts["hashed"] == rows + 2
    assert not keys(old), f"seed {seed}"
    assert not any(path.is_file() for path in (tmp_path / "old").rglob("*"))
