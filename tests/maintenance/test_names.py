"""Rows may name an object through any storage that stands on its place: none of them loses its file."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import create_engine, insert, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, Outbox, StorageBackend, StoredObject, storages
from holdfast.backends.wrappers import LimitedBackend, MirrorBackend, PrefixBackend, ReadOnlyBackend
from holdfast.drivers.local import LocalDriver
from holdfast.keys import default_key, new_id
from holdfast.maintenance import mirror, sweep

NOW = timedelta(0)


class Base(DeclarativeBase):
    pass


class Deed(Base):
    __tablename__ = "vault_deed"
    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="vault"))


outbox = Outbox(Base.metadata)

STACKS = {
    "itself": lambda mirror: [mirror],
    "a folder": lambda mirror: [PrefixBackend("vault", mirror, "pub")],
    "folders": lambda mirror: [mirror, PrefixBackend("vault-a", mirror, "a"), PrefixBackend("vault-b", mirror, "a/b")],
    "a folder in one": lambda mirror: [PrefixBackend("vault", PrefixBackend("outer", mirror, "a/b"), "c")],
    "limits": lambda mirror: [mirror, LimitedBackend("vault-limited", mirror)],
    "a folder with limits": lambda mirror: [LimitedBackend("vault", PrefixBackend("inner", mirror, "pub"))],
    "a folder of limits": lambda mirror: [PrefixBackend("vault", LimitedBackend("inner", mirror), "pub")],
    "two mirrors": lambda mirror: [
        PrefixBackend("vault-a", mirror, "a"),
        PrefixBackend("vault-b", MirrorBackend("twin", mirror.storages), "b"),
    ],
    "a part": lambda mirror: [mirror, PrefixBackend("vault-part", mirror.storages[1], "pub")],
    "read only": lambda mirror: [mirror, ReadOnlyBackend("vault-old", PrefixBackend("inner", mirror, "old"))],
}


@pytest.fixture
def parts(tmp_path):
    """Two disks; what a test registers is forgotten after it."""
    yield [StorageBackend(name, LocalDriver(tmp_path / name, durable=False)) for name in ("one", "two")]
    storages.clear()


@pytest.fixture
def session(tmp_path):
    """A database."""
    engine = create_engine(f"sqlite:///{tmp_path}/test.db")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()


def hold(session, storage, key):
    """Insert a row that holds a file, as any application may have written it."""
    value = {"backend": storage, "filename": "deed.txt", "to_filename": key, "size": 5}
    session.execute(text("INSERT INTO vault_deed (file) VALUES (:file)"), {"file": json.dumps(value)})
    session.commit()


def fill(session, stack):
    """Register storages, and let rows have files through each of them, with keys of both kinds."""
    for storage in stack:
        storages.register_backend(storage)
        for key in (default_key(new_id(), "deed.txt"), f"{storage.key}.txt"):
            (storage if storage.abilities.writable else storage.inner).put(key, b"bytes")
            hold(session, storage.key, key)


@pytest.mark.parametrize("stack", STACKS)
def test_a_mirror_keeps_and_gives_back(session, parts, stack):
    """The last copy of what a row holds is not deleted, through whatever name the row holds it."""
    first, second = parts
    fill(session, STACKS[stack](MirrorBackend("vault", parts)))
    keys = [info.key for info in second.list()]
    first.delete([info.key for info in first.list()])
    report = mirror(session, Base.metadata, grace=NOW, delete=True)
    assert [info.key for info in second.list()] == keys
    assert [info.key for info in first.list()] == keys
    assert (report.ok, report.counts["lost"], report.counts["extra"]) == (True, len(keys), 0)
    assert len(report.storages) == 1  # one mirror is walked once


def test_an_id_is_enough(session, parts):
    """What a row names by an id stays, even where its name leads to another folder now."""
    storages.register_backend(MirrorBackend("vault", parts))
    key = default_key(new_id(), "deed.txt")
    parts[1].put(f"old/{key}", b"bytes")
    hold(session, "vault", key)
    assert mirror(session, Base.metadata, grace=NOW, delete=True).counts["deleted"] == 0
    assert parts[1].exists(f"old/{key}")


def test_an_outbox_names_a_folder(session, parts):
    """What a transaction that is still open has taken there is left alone."""
    storages.register_backend(PrefixBackend("vault", MirrorBackend("vault", parts), "pub"))
    key = default_key(new_id(), "deed.txt")
    parts[1].put(f"pub/{key}", b"bytes")
    session.execute(insert(outbox.table).values(kind="take", backend="vault", path=key, created_at=2**33))
    session.commit()
    assert mirror(session, Base.metadata, grace=NOW, delete=True).counts["deleted"] == 0
    assert parts[1].exists(f"pub/{key}")


@pytest.mark.parametrize("name", ["vault-whole", "vault-pub"])
def test_a_sweep_keeps(session, parts, name):
    """A sweep of all keys keeps what a row holds through another name, and nothing else."""
    whole = storages.register_backend(StorageBackend("vault-whole", parts[0]._plain))
    storages.register_backend(PrefixBackend("vault-pub", whole, "pub"))
    whole.put("pub/held.txt", b"bytes"), whole.put("pub/left.txt", b"bytes"), whole.put("held.txt", b"bytes")
    other = "vault-pub" if name == "vault-whole" else "vault-whole"
    key = "held.txt" if other == "vault-pub" else "pub/held.txt"
    hold(session, other, key)
    report = sweep(session, Base, storages=[name], grace=NOW, delete=True, all_keys=True)
    assert report.storages[name].counts["elsewhere"] == 1
    assert "pub/held.txt" in [info.key for info in whole.list()]
    assert "pub/left.txt" not in [info.key for info in whole.list()]
    assert whole.exists("held.txt") == (name == "vault-pub")
