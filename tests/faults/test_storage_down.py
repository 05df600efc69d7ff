"""Disks that are full or read-only, services that are away, closed or gone: nothing is lost and nothing is left."""

import logging
import re
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from holdfast import storages
from holdfast.errors import StorageError
from holdfast.maintenance import sweep
from holdfast.orm import bridge
from holdfast.testing.s3 import S3Bucket
from tests.faults import outages
from tests.faults.outages import BIG, SMALL, Outage, through_obstore, through_s3fs
from tests.faults.world import STORAGE, Base, Document, World, content, with_savepoints
from tests.servers.proxy import CountingProxy
from tests.servers.shared import start_or_skip

DISKS = {
    "full disk": outages.full_disk,
    "file size limit": outages.limited_files,
    "read-only disk": outages.read_only_disk,
}
SERVICES = {
    "503": outages.unavailable,
    "wrong credentials": outages.wrong_credentials,
    "vanished bucket": outages.vanished_bucket,
}
CLIENTS = {"obstore": through_obstore, "s3fs": through_s3fs}
PLACES = [
    *(pytest.param((name, None), id=name) for name in DISKS),
    *(
        pytest.param((name, client), id=f"{name}, {client}", marks=pytest.mark.s3)
        for name in SERVICES
        for client in CLIENTS
    ),
]


class Scene(World):
    """A document with two files, in a storage that breaks down on cue."""

    def __init__(self, outage: Outage, database: Path, is_async: bool) -> None:
        self.outage = outage
        self.engine = with_savepoints(create_engine(f"sqlite:///{database}"))
        self.async_url = f"sqlite+aiosqlite:///{database}" if is_async else None
        Base.metadata.create_all(self.engine)

    def keys(self) -> set[str]:
        """Return all that lies in the storage, temporary files included."""
        return self.outage.keys()

    def check(self, error: StorageError, operation: str) -> None:
        """Compare an error with what it should be."""
        assert isinstance(error, self.outage.error)
        assert (error.operation, error.storage) == (operation, STORAGE)
        assert f"storage {STORAGE!r}" in str(error)
        assert error.path
        assert error.path in str(error)
        assert re.search(self.outage.says, str(error))
        self.check_text("".join(traceback.format_exception(error)))

    def check_text(self, text: str) -> None:
        """Look for secrets."""
        for secret in (*self.outage.secrets, "Signature="):
            assert secret not in text


@pytest.fixture(params=["sync", "async"])
def is_async(request: pytest.FixtureRequest) -> bool:
    """Each world."""
    return request.param == "async"


@pytest.fixture(params=PLACES)
def scene(request: pytest.FixtureRequest, tmp_path: Path, is_async: bool) -> Iterator[Scene]:
    """A committed document, in each storage that can break down."""
    name, client = request.param
    with ExitStack() as stack:
        stack.callback(storages._backends.pop, STORAGE, None)
        if client is None:
            outage = start_or_skip(lambda: stack.enter_context(DISKS[name](tmp_path)))
        else:
            bucket = request.getfixturevalue("s3_bucket")
            outage = stack.enter_context(SERVICES[name](bucket, CLIENTS[client]))
        made = Scene(outage, tmp_path / "db.sqlite", is_async)
        stack.callback(made.engine.dispose)
        with Session(made.engine) as session:
            session.add(Document(id=1, title="one", file=content("old", SMALL), pages=[content("p")]))
            session.commit()
        yield made


def add(_: Session) -> list[Document]:
    """Add a document."""
    return [Document(id=2, file=content("small", SMALL), pages=[content("big", BIG), content("q")])]


def replace(session: Session) -> list[Document]:
    """Replace a file, and edit a list."""
    document = session.get_one(Document, 1)
    document.file = content("big", BIG)
    document.pages.append(content("q"))
    return [document]


@pytest.mark.parametrize("change", [add, replace])
def test_a_failing_upload_leaves_nothing(scene: Scene, change: Any) -> None:
    """The error says what and where; the session goes on after a rollback, and commits when the storage is back."""
    before = scene.keys()

    def story(session: Session) -> None:
        session.add_all(change(session))
        scene.outage.begin()
        with pytest.raises(StorageError) as caught:
            session.commit()
        scene.check(caught.value, "put")
        session.rollback()
        assert session.get_one(Document, 1).file.size == len(SMALL)
        session.commit()
        scene.outage.end()
        assert scene.keys() == before
        session.add_all(change(session))
        session.commit()

    scene.tell(story)
    assert scene.keys() == scene.referenced()
    assert scene.keys() - before


def test_a_failing_upload_is_repeated(scene: Scene) -> None:
    """A flush that could not upload sends no SQL; the same commit succeeds when the storage is back."""

    def story(session: Session) -> None:
        session.add_all(replace(session))
        scene.outage.begin()
        with pytest.raises(StorageError):
            session.commit()
        scene.outage.end()
        session.commit()

    scene.tell(story)
    assert scene.keys() == scene.referenced()
    with Session(scene.engine) as session:
        assert session.get_one(Document, 1).file.get_content() == BIG


def test_a_row_can_be_deleted_meanwhile(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """Its files stay if they have to, as an ERROR says, and are found by a sweep."""
    before = scene.keys()

    def story(session: Session) -> None:
        session.delete(session.get_one(Document, 1))
        session.commit()

    scene.outage.begin()
    with caplog.at_level(logging.DEBUG, logger="holdfast"):
        scene.tell(story)
    scene.outage.end()
    assert scene.referenced() == set()
    if "delete" not in scene.outage.fails:
        assert scene.keys() == set()
        return
    assert scene.keys() == before
    (record,) = [each for each in caplog.records if each.levelno >= logging.ERROR and each.name == "holdfast"]
    assert all(key in record.getMessage() for key in before)
    assert repr(STORAGE) in record.getMessage()
    scene.check_text(caplog.text)
    scene.tell(lambda session: sweep(session, Base.metadata, grace=timedelta(0), delete=True))
    assert scene.keys() == set()


def test_a_failing_read_says_so(scene: Scene) -> None:
    """The row is there, its bytes cannot be had for the moment."""

    def story(session: Session) -> bytes:
        file = session.get_one(Document, 1).file
        scene.outage.begin()
        if "read" in scene.outage.fails:
            with pytest.raises(StorageError) as caught:
                bridge.do(file.get_content, file.get_content_async)
            scene.check(caught.value, "read")
        scene.outage.end()
        return bridge.do(file.get_content, file.get_content_async)

    assert scene.tell(story) == SMALL


# --- half of an outage


@pytest.fixture(params=CLIENTS)
def proxied(
    request: pytest.FixtureRequest, tmp_path: Path, s3_bucket: S3Bucket, is_async: bool
) -> Iterator[tuple[Scene, CountingProxy]]:
    """An empty service behind a proxy."""
    with (
        CountingProxy(s3_bucket.server.endpoint) as proxy,
        CLIENTS[request.param](s3_bucket.at(proxy.endpoint)) as storage,
    ):
        storages.register_backend(storage)
        outage = Outage(proxy.clear, proxy.clear, lambda: set(s3_bucket.keys()), StorageError, "")
        made = Scene(outage, tmp_path / "db.sqlite", is_async)
        yield made, proxy
        made.engine.dispose()
        storages._backends.pop(STORAGE)


@pytest.mark.parametrize("method", ["PUT", "GET"])
def test_a_short_outage_is_not_noticed(proxied: tuple[Scene, CountingProxy], method: str) -> None:
    """A service that is back after one answer gets each object once, and gives it."""
    scene, proxy = proxied
    fault = proxy.fail(how="503", method=method, match=".bin")

    def story(session: Session) -> bytes:
        session.add(Document(id=1, file=content("a.bin", BIG)))
        session.commit()
        file = session.get_one(Document, 1).file
        return bridge.do(file.get_content, file.get_content_async)

    assert scene.tell(story) == BIG
    assert fault.hits == 1
    assert scene.keys() == scene.referenced()


def test_an_upload_that_fails_halfway_is_aborted(proxied: tuple[Scene, CountingProxy], s3_bucket: S3Bucket) -> None:
    """The parts that the service has already are dropped, whether the rows are rolled back or not."""
    scene, proxy = proxied
    fault = proxy.fail(how="503", method="PUT", match="partNumber=2", times=100)

    def story(session: Session) -> None:
        session.add(Document(id=1, file=content("a.bin", BIG * 20)))
        with pytest.raises(StorageError, match=r"a\.bin"):
            session.commit()

    scene.tell(story)
    assert fault.hits
    assert proxy.count("PUT", "partNumber=1")
    assert s3_bucket.uploads() == 0
    assert scene.keys() == set() == scene.referenced()
