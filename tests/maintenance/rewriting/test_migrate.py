"""`migrate` moves files between storages: copied once, checked, switched, and the old objects deleted last."""

import json
import os
import time
import uuid
from hashlib import sha256

import pytest
from sqlalchemy import select

from holdfast import StorageBackend, storages
from holdfast.backends.wrappers import PrefixBackend, ReadOnlyBackend
from holdfast.errors import ConfigurationError, SweepRefusedError, UnknownStorageError
from holdfast.keys import find_id
from tests.maintenance.rewriting.moves import BIG, Crate, Deed, Leaf, Memo, Moves, Scroll, file, name, wrong
from tests.maintenance.stacks import DAY, keys

SQLITE = pytest.mark.parametrize("driver", ["pysqlite", "aiosqlite"], indirect=True)


def checksum(content: bytes) -> str:
    """Return a checksum as rows hold it."""
    return f"sha256:{sha256(content).hexdigest()}"


async def test_files_move(moves: Moves) -> None:
    """Single files, lists and large files of every kind of primary key are in the new storage, under their own keys."""
    pages = [file(b"one", metadata={"by": "Ada"}, content_type="text/x-page"), file(b"two")]
    crates = [Crate(number=uuid.uuid4(), name=each, lid=file(each.encode())) for each in ("lid", "hat", "ÅÄÖ")]
    leaves = [Leaf(id=bytes([0, 255, number]), file=file(bytes([number]))) for number in range(5)]
    await moves.add(Deed(file=file(b"single"), pages=pages), Deed(file=file(BIG)), Deed(), *crates, *leaves)
    before = keys(moves.old)
    report = await moves.migrate(batch=2)
    assert report.ok
    assert (report.counts["moved"], report.counts["deleted"], report.counts["again"]) == (12, 12, 0)
    assert report.counts["moved_bytes"] == len(BIG) + 6 + 3 + 3 + 3 + 3 + 6 + 5
    assert keys(moves.new) == before
    assert not keys(moves.old)
    deed = await moves.world.run(lambda session: session.scalars(select(Deed).order_by(Deed.id)).first())
    assert (deed.pages[0].metadata, deed.pages[0].content_type, deed.pages[0].filename) == (
        {"by": "Ada"},
        "text/x-page",
        "a.txt",
    )
    verified = await moves.verify()
    assert verified.ok
    assert (verified.counts["hashed"], verified.counts["unreferenced"]) == (12, 0)


async def test_all_that_a_row_knew_is_kept(moves: Moves) -> None:
    """Size, time, etag and version are those of the new object; fields that Holdfast does not know stay."""
    moves.lay("2025/plan.txt", b"plan", number=1, filename="Plan.txt", extra=[1], metadata={"a": {"b": 1}})
    await moves.migrate()
    value = moves.json(1)
    info = moves.new.stat("2025/plan.txt")
    assert (value["backend"], value["to_filename"], value["filename"]) == ("new", "2025/plan.txt", "Plan.txt")
    assert (value["size"], value["checksum"], value["etag"]) == (4, checksum(b"plan"), info.etag)
    assert (value["extra"], value["metadata"]) == ([1], {"a": {"b": 1}})


async def test_rows_of_advanced_alchemy(moves: Moves) -> None:
    """What has only a filename moves under it, and gets its size and checksum on the way."""
    moves.old.put("inbox/a.pdf", b"pdf")
    moves.insert(1, json.dumps({"backend": "old", "filename": "inbox/a.pdf", "size": None, "checksum": None}))
    moves.insert(2, "null")
    report = await moves.migrate()
    assert report.ok
    value = moves.json(1)
    assert (value["size"], value["checksum"], value["filename"]) == (3, checksum(b"pdf"), "inbox/a.pdf")
    assert moves.new.read("inbox/a.pdf") == b"pdf"
    assert not keys(moves.old)


async def test_a_dry_run(moves: Moves) -> None:
    """It counts, and changes nothing."""
    await moves.add(Deed(file=file(), pages=[file(), file()]))
    before = moves.json(1), keys(moves.old)
    report = await moves.migrate(dry_run=True)
    assert (report.counts["to_do"], report.counts["moved"]) == (3, 0)
    assert (moves.json(1), keys(moves.old)) == before
    assert not keys(moves.new)


async def test_kept_and_deleted_later(moves: Moves) -> None:
    """With `keep` the old objects stay until a run without it, which copies nothing."""
    await moves.add(Deed(file=file(b"1")), Deed(file=file(b"2")))
    before = keys(moves.old)
    report = await moves.migrate(keep=True)
    assert (report.counts["moved"], report.counts["deleted"]) == (2, 0)
    assert keys(moves.old) == keys(moves.new) == before
    report = await moves.migrate()
    assert (report.counts["moved"], report.counts["deleted"]) == (0, 2)
    assert not keys(moves.old)
    assert (await moves.verify()).ok


@SQLITE
async def test_some_rows_only(moves: Moves) -> None:
    """A model and a condition choose; what the others hold stays where it is."""
    await moves.add(*(Deed(file=file(), title=title) for title in ("yes", "no")), Leaf(id=b"1", file=file()))
    report = await moves.migrate(models=Deed, where="title = 'yes'")
    assert (report.counts["moved"], report.counts["deleted"], report.counts["kept"]) == (1, 1, 2)
    assert (await moves.migrate(models=["leaf"], where=Leaf.id == b"1")).counts["moved"] == 1
    assert [moves.json(number)["backend"] for number in (1, 2)] == ["new", "old"]
    assert (await moves.verify()).ok


@SQLITE
async def test_objects_that_nobody_knows(moves: Moves) -> None:
    """What no row holds, and none has the copy of, is left and told of."""
    moves.old.put("stray.txt", b"stray")
    await moves.add(Deed(file=file()))
    report = await moves.migrate()
    assert (report.counts["deleted"], report.counts["left"]) == (1, 1)
    assert keys(moves.old) == {"stray.txt"}
    assert "1 objects are left in 'old'" in report.notes[0]


# --- files that cannot be moved


async def test_files_that_are_missing_or_corrupt(moves: Moves) -> None:
    """They are told, their rows stay as they are, and all others move."""
    moves.lay("short", b"12", number=1, size=3)
    moves.lay("other", b"12", number=2, checksum=checksum(b"13"), size=2)
    moves.lay("large", BIG, number=3, checksum=checksum(b"13"), size=len(BIG))
    moves.insert(4, name("gone", size=1))
    moves.insert(5, name("gone too"))
    await moves.add(Deed(id=6, file=file(b"good")))
    report = await moves.migrate()
    assert not report.ok
    expected = [("corrupt", "large"), ("corrupt", "other"), ("corrupt", "short"), ("missing", "gone")]
    assert wrong(report) == [*expected, ("missing", "gone too")]
    assert (report.counts["corrupt"], report.counts["missing"], report.counts["moved"]) == (3, 2, 1)
    assert [moves.json(number)["backend"] for number in range(1, 7)] == ["old"] * 5 + ["new"]
    assert keys(moves.old) == {"short", "other", "large"}
    assert len(keys(moves.new)) == 1


async def test_malformed_rows(moves: Moves) -> None:
    """A value that is no file is told; the others of its list move, and what it may mean stays."""
    await moves.add(Deed(id=1, file=file(b"kept")))
    key = moves.json(1)["to_filename"]
    moves.world.sql("UPDATE deed SET file = :value", value=json.dumps({"backend": "old", "path": key}))
    moves.lay("page", b"page", number=2)
    moves.world.sql("UPDATE deed SET pages = file, file = NULL WHERE id = 2")
    moves.insert(3, json.dumps(["text", json.loads(name("page"))]), column="pages")
    report = await moves.migrate(batch=1)
    assert {finding.kind for finding in report.findings} == {"malformed"}
    assert moves.json(3, column="pages")[0] == "text"
    assert moves.json(3, column="pages")[1]["backend"] == "new"
    assert key in keys(moves.old)


# --- keys that are taken


@SQLITE
async def test_a_copy_that_lies_there(moves: Moves) -> None:
    """The copy of an earlier run, or of another program, is taken over and not made again."""
    await moves.add(Deed(file=file(b"mine")), Deed(file=file(BIG)))
    for key in keys(moves.old):
        moves.new.put(key, moves.old.read(key))
    times = {info.key: info.last_modified for info in moves.new.list()}
    report = await moves.migrate()
    assert (report.counts["moved"], report.counts["adopted"], report.counts["deleted"]) == (2, 2, 2)
    assert {info.key: info.last_modified for info in moves.new.list()} == times
    assert (await moves.verify()).ok


@SQLITE
async def test_a_copy_of_what_is_gone(moves: Moves) -> None:
    """A file that only the new storage has is taken over if the row knows its bytes."""
    await moves.add(Deed(id=1, file=file(b"mine")), Deed(id=2, file=file(b"gone")))
    first, second = moves.json(1)["to_filename"], moves.json(2)["to_filename"]
    moves.new.put(first, b"mine"), moves.new.put(second, b"else")
    moves.old.delete([first, second])
    assert wrong(await moves.migrate()) == [("missing", second)]
    assert (moves.json(1)["backend"], moves.json(2)["backend"]) == ("new", "old")


@SQLITE
async def test_a_key_of_another_object(moves: Moves) -> None:
    """What lies there with other bytes stays; the file gets a fresh key, and its old object goes all the same."""
    moves.lay("logo.png", b"mine", number=1, size=4)
    moves.lay("large.bin", BIG, number=2)
    moves.new.put("logo.png", b"else"), moves.new.put("large.bin", b"else")
    report = await moves.migrate()
    assert (report.counts["renamed"], report.counts["deleted"]) == (2, 2)
    assert moves.new.read("logo.png") == moves.new.read("large.bin") == b"else"
    assert find_id(moves.json(1)["to_filename"])
    assert moves.new.read(moves.json(1)["to_filename"]) == b"mine"
    assert (await moves.verify()).ok


@SQLITE
async def test_a_key_of_another_row(moves: Moves) -> None:
    """What another row holds is not shared, even if it has the same bytes."""
    moves.lay("logo.png", b"logo", number=1, size=4, checksum=checksum(b"logo"))
    moves.new.put("logo.png", b"logo")
    moves.insert(2, name("logo.png", "new", size=4))
    report = await moves.migrate()
    assert report.counts["renamed"] == 1
    assert moves.json(2)["to_filename"] == "logo.png" != moves.json(1)["to_filename"]
    assert moves.new.read(moves.json(1)["to_filename"]) == b"logo"


@SQLITE
async def test_rows_that_share_a_file(moves: Moves) -> None:
    """Each has its bytes afterwards, whether they stand in one page or in two."""
    await moves.add(Deed(id=1, file=file(b"shared")))
    value = json.dumps(moves.json(1))
    moves.lay("logo.png", b"logo", number=2)
    for number in (3, 4):
        moves.insert(number, value)
        moves.insert(number + 10, name("logo.png"))
    report = await moves.migrate(batch=3)
    assert report.ok
    assert report.counts["moved"] == 6
    for number in (1, 3, 4):
        assert moves.new.read(moves.json(number)["to_filename"]) == b"shared"
    for number in (2, 13, 14):
        assert moves.new.read(moves.json(number)["to_filename"]) == b"logo"
    assert not keys(moves.old)


# --- which storages


@SQLITE
async def test_the_same_place(moves: Moves, named, tmp_path) -> None:
    """Where both names lead to one place rows get the other name, and no object is copied or deleted."""
    await moves.add(Deed(id=1, file=file(b"here")))
    named(StorageBackend("alias", moves.old._plain.driver))
    before = {info.key: info.etag for info in moves.old.list()}
    report = await moves.migrate(target="alias")
    assert (report.counts["moved"], report.counts["deleted"]) == (1, 0)
    assert moves.json(1)["backend"] == "alias"
    assert {info.key: info.etag for info in moves.old.list()} == before


@SQLITE
async def test_one_inside_the_other(moves: Moves, named) -> None:
    """A folder of a storage is refused as the other end."""
    named(PrefixBackend("folder", moves.old, "folder"))
    for options in ({"target": "folder"}, {"source": "folder", "target": "old"}):
        with pytest.raises(ConfigurationError, match="inside the other"):
            await moves.migrate(**options)


@SQLITE
async def test_storages_that_cannot_be_ends(moves: Moves, named) -> None:
    """Unknown ones, the same one twice, a target or a source that cannot be written."""
    named(ReadOnlyBackend("archive", moves.old))
    await moves.add(Deed(id=1, file=file(b"here")))
    with pytest.raises(UnknownStorageError):
        await moves.migrate(target="nowhere")
    with pytest.raises(ConfigurationError, match="to itself"):
        await moves.migrate(target="old")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        await moves.migrate(source="new", target="archive")
    with pytest.raises(ConfigurationError, match="keep=True"):
        await moves.migrate(source="archive")
    with pytest.raises(ConfigurationError, match="must be one of"):
        await moves.migrate(check="md5")
    moves.world.sql("UPDATE deed SET file = REPLACE(file, '\"old\"', '\"archive\"')")
    assert (await moves.migrate(source="archive", keep=True)).counts["moved"] == 1


@SQLITE
async def test_columns_that_were_not_shown(moves: Moves) -> None:
    """Nothing is deleted while others may hold files; with `keep`, or if one knows better, it goes on."""
    await moves.add(Deed(file=file()))
    moves.world.sql("CREATE TABLE stranger (id INTEGER, note JSON)")
    moves.world.sql("INSERT INTO stranger VALUES (1, :value)", value=name("x"))
    with pytest.raises(SweepRefusedError, match=r"stranger\.note"):
        await moves.migrate(shared=False)
    assert not keys(moves.new)
    assert (await moves.migrate(keep=True, shared=False)).counts["moved"] == 1
    assert (await moves.migrate()).counts["deleted"] == 1


# --- how copies are checked and stored


@pytest.mark.parametrize("driver", ["pysqlite", "aiosqlite"], indirect=True)
@pytest.mark.parametrize("algorithm", [None, "blake3"])
async def test_checksums_of_the_target(moves: Moves, algorithm) -> None:
    """SHA-256 is looked at whatever the new storage computes."""
    storages.register_backend(StorageBackend("new", moves.new._plain, checksum=algorithm))
    content = [b"small", BIG]
    await moves.add(*(Deed(file=file(each)) for each in content))
    moves.lay("bad", b"bad", number=3, size=3, checksum=checksum(b"good"))
    moves.lay("bad large", BIG, number=4, size=len(BIG), checksum=checksum(b"good"))
    assert wrong(await moves.migrate()) == [("corrupt", "bad"), ("corrupt", "bad large")]
    found = [moves.json(number)["checksum"] for number in (1, 2)]
    if algorithm is None:
        assert found == [checksum(each) for each in content]
    else:
        assert all(each.startswith("blake3:") for each in found)
        assert (await moves.verify()).counts["corrupt"] == 2


@SQLITE
async def test_reading_copies_back(moves: Moves) -> None:
    """On demand each copy is read again."""
    await moves.add(Deed(file=file()), Deed(file=file(BIG)))
    moves.new._plain.calls.clear()
    assert (await moves.migrate(check="read")).ok
    assert moves.new._plain.calls.count("read") == 2


# --- outboxes


async def test_an_outbox_with_triggers(logged: Moves) -> None:
    """What triggers write about the switch is taken back: nothing is deleted before its time, and no entry stays."""
    await logged.add(Scroll(id=1, file=file(b"1")), Scroll(id=2, file=file(b"2")))
    with logged.world.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM holdfast_outbox")
    before = keys(logged.old)
    assert (await logged.migrate(keep=True)).counts["moved"] == 2
    with logged.world.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM holdfast_outbox").scalar() == 0
    assert keys(logged.old) == before
    logged.world.sql("DELETE FROM scroll WHERE id = 1")
    assert (await logged.migrate()).counts["deleted"] == 1
    assert (await logged.verify()).ok
    assert len(keys(logged.new)) == 1


async def test_an_outbox_of_the_unit_of_work(noted: Moves) -> None:
    """What waits there is deleted; the entries of others stay."""
    await noted.add(Memo(id=1, file=file(b"1")), Memo(id=2, file=file(b"2")))
    assert (await noted.migrate()).counts["deleted"] == 2

    def delete(session):
        session.delete(session.get_one(Memo, 1))
        session.commit()

    await noted.world.run(delete)
    assert len(keys(noted.new)) == 1
    assert (await noted.verify()).ok


@SQLITE
async def test_names_that_were_given_by_hand(moves: Moves) -> None:
    """Deleting later, such a name is left while it is young: somebody may have just given it again."""
    moves.lay("logo.png", b"logo", number=1)
    assert (await moves.migrate(keep=True)).ok
    report = await moves.migrate()
    assert (report.counts["left"], report.counts["deleted"]) == (1, 0)
    if hasattr(moves.old.native, "joinpath"):
        at = time.time() - 2 * DAY
        os.utime(moves.old.native / "logo.png", (at, at))
        assert (await moves.migrate()).counts["deleted"] == 1


async def test_a_copy_that_was_lost(moves: Moves) -> None:
    """An old object stays while the new storage does not have what the row holds: it may be the last one."""
    await moves.add(Deed(id=1, file=file(b"1")), Deed(id=2, file=file(b"2")))
    await moves.migrate(keep=True)
    key = moves.json(1)["to_filename"]
    moves.new.delete(key)
    report = await moves.migrate()
    assert (report.counts["needed"], report.counts["deleted"]) == (1, 1)
    assert keys(moves.old) == {key}
    assert "does not have the copies" in report.notes[0]
