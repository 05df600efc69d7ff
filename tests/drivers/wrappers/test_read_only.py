"""A storage that is read and never changed, and what the unit of work makes of it."""

from contextlib import closing

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, Outbox, StorageBackend, StoredObject, storages
from holdfast.backends.batch import PutRequest
from holdfast.backends.obstore import ObstoreBackend
from holdfast.backends.wrappers import ReadOnlyBackend
from holdfast.drivers.local import LocalDriver
from holdfast.drivers.local.folders import TEMPORARY
from holdfast.errors import UnsupportedError
from holdfast.testing.half import Half
from holdfast.testing.listing import Listing
from holdfast.testing.reading import Reading

S3 = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "aws_region": "us-east-1"}


class Reader(Half):
    """Writes to the storage behind, reads through the one that cannot."""

    def _call(self, operation, *args, **options):
        if operation not in {"put", "delete", "copy"}:
            return super()._call(operation, *args, **options)
        outer, self.storage = self.storage, self.storage.inner
        try:
            return super()._call(operation, *args, **options)
        finally:
            self.storage = outer

    def close(self):
        self.storage = self.storage.inner
        super().close()


class TestReadOnly(Reading, Listing):
    """The contract, as far as it reads."""

    @pytest.fixture
    def storage(self, tmp_path):
        """A disk."""
        return ReadOnlyBackend("docs", StorageBackend("inner", LocalDriver(tmp_path, durable=False)))

    @pytest.fixture(params=[False, True], ids=["sync", "async"])
    def half(self, storage, request):
        """One half of the storage, then the other."""
        with closing(Reader(storage, is_async=request.param, abilities=storage.abilities)) as half:
            yield half


@pytest.fixture
def inner(tmp_path):
    """The storage behind."""
    return StorageBackend("inner", LocalDriver(tmp_path, durable=False))


def test_writes_are_refused(inner, in_half):
    """The error says why; the content is not even read."""
    inner.put("x", b"bytes")
    half = in_half(ReadOnlyBackend("archive", inner))
    content = iter([b"other"])
    for call in [
        lambda: half.call("put", "x", content),
        lambda: half.call("delete", "x"),
        lambda: half.call("copy", "x", "y"),
    ]:
        with pytest.raises(UnsupportedError, match="in storage 'archive' failed: this storage is read-only"):
            call()
    outcomes = half.put_many([PutRequest(name, b"other") for name in "xy"])
    assert [type(outcome) for outcome in outcomes] == [UnsupportedError] * 2
    assert next(content) == b"other"
    assert [info.key for info in inner.list()] == ["x"]
    assert half.call("read", "x") == b"bytes"


def test_urls_for_reading_only(in_half):
    """A GET is signed, a PUT is not."""
    half = in_half(ReadOnlyBackend("archive", ObstoreBackend("inner", "s3://bucket/", **S3)))
    assert "X-Amz-Signature" in half.call("sign", "x")
    with pytest.raises(UnsupportedError, match="read-only"):
        half.call("sign", "x", for_upload=True)


def test_unfinished_uploads_are_shown_only(inner, in_half, tmp_path):
    """They can be looked for, not dropped."""
    inner.put("x", b"bytes")
    (tmp_path / TEMPORARY / "left").write_bytes(b"half")
    half = in_half(ReadOnlyBackend("archive", inner))
    assert half.call("clear_partial_uploads", 2.0**40, delete=False) == [f"{TEMPORARY}/left"]
    with pytest.raises(UnsupportedError, match="read-only"):
        half.call("clear_partial_uploads", 2.0**40, delete=True)
    assert (tmp_path / TEMPORARY / "left").exists()


class Base(DeclarativeBase):
    pass


class Scan(Base):
    __tablename__ = "scan"
    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="archive"))


outbox = Outbox(Base.metadata)


@pytest.fixture
def engine(inner):
    """A database with a row whose file is in an archive that has become read-only."""
    storages.register_backend(StorageBackend("archive", inner._plain))
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Scan(id=1, file=FileObject(filename="a.txt", content=b"bytes")))
        session.commit()
    storages.register_backend(ReadOnlyBackend("archive", inner))
    yield engine
    storages.unregister("archive")
    engine.dispose()


def test_a_row_can_be_deleted(engine, inner, caplog):
    """The row goes, its file stays, and nothing waits in the outbox for what will never be."""
    with Session(engine) as session:
        session.delete(session.get(Scan, 1))
        session.commit()
        assert session.query(Scan).count() == 0
        assert session.query(outbox.table).count() == 0
    assert len(list(inner.list())) == 1
    assert not [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}]


def test_a_new_file_is_refused(engine, inner):
    """The flush fails, and so does nothing else: the row is as it was."""
    with Session(engine) as session:
        session.get(Scan, 1).file = FileObject(filename="b.txt", content=b"other")
        with pytest.raises(UnsupportedError, match="read-only"):
            session.commit()
        session.rollback()
        assert session.get(Scan, 1).file.filename == "a.txt"
        assert session.get(Scan, 1).file.get_content() == b"bytes"
    assert len(list(inner.list())) == 1
