"""``holdfast backfill``, ``rekey`` and ``alter``: what the commands show, and with which status they end."""

import json

import pytest
from sqlalchemy import select

STORAGE = """
    from pathlib import Path
    from holdfast import storages
    from holdfast.backends.obstore import ObstoreBackend

    def register():
        storage = ObstoreBackend("docs", "memory://")
        storage.put("a.txt", b"12345", content_type="text/plain")
        storages.register_backend(storage)
"""


def insert(shop, *keys, **fields):
    """Add rows that say no more of their files than it takes."""
    values = [{"file": {"backend": "docs", "filename": key} | fields} for key in keys]
    with shop.engine.begin() as connection:
        connection.execute(shop.documents.insert(), values)


def files(shop):
    """Return what the rows hold."""
    with shop.engine.connect() as connection:
        return list(connection.execute(select(shop.documents.c.file).order_by(shop.documents.c.id)).scalars())


@pytest.fixture
def old(shop):
    """An application with two old files."""
    shop.storage.put("a.txt", b"12345")
    shop.storage.put("b.txt", b"1234567")
    insert(shop, "a.txt", "b.txt")
    return shop


def test_backfill(old):
    """A dry run ends with 3, the run with 0, and then nothing is missing."""
    dry, some, done, again, as_json = old.run_each(
        ["backfill", "--dry-run"],
        ["backfill", "--field", "size", "--where", "id = 1", "--model", "Document"],
        ["backfill"],
        ["backfill", "--dry-run", "--storage", "docs"],
        ["backfill", "--json", "--overwrite"],
    )
    assert (dry.status, dry.out) == (3, "Dry run, nothing was changed: 2 files to fill in.\n"), dry
    assert (some.status, some.out.startswith("Done: 1 file filled in; ")) == (0, True), some
    assert done.out.startswith("Done: 2 files filled in, 12 bytes read; "), done
    assert (again.status, again.out) == (0, "Nothing is missing in 2 rows.\n")
    assert (as_json.json["command"], as_json.json["status"], as_json.json["counts"]["unchanged"]) == ("backfill", 0, 2)
    assert [file["size"] for file in files(old)] == [5, 7]
    assert all(file["checksum"].startswith("sha256:") for file in files(old))


def test_backfill_of_what_is_not_there(old):
    """Status 1 and the files where some are missing; 2 where the arguments cannot work."""
    insert(old, "gone.txt")
    done, wrong, field = old.run_each(["backfill"], ["backfill", "--model", "Nothing"], ["backfill", "--field", "x"])
    assert done.status == 1, done
    assert "1 file missing" in done.out
    assert "gone.txt" in done.out
    assert "Not everything could be done: 2 files filled in" in done.out
    assert (wrong.status, "no model with file columns called 'Nothing'" in wrong.err) == (2, True), wrong
    assert field.status == 2


def test_rekey(old):
    """Dry run, kept, deleted later, and nothing to do after that."""
    command = ["rekey", "--storage", "docs", "--scheme", "{model}/{row.id}/{id}.{ext}", "--resume", "state"]
    dry, kept, done, again, bad = old.run_each(
        [*command, "--dry-run"],
        [*command, "--keep"],
        command,
        command,
        ["rekey", "--storage", "docs", "--scheme", "{x}"],
    )
    assert (dry.status, dry.out) == (3, "Dry run, nothing was changed: 2 files to name anew.\n"), dry
    assert (kept.status, kept.out.startswith("Done: 2 files named anew (12 bytes); ")) == (0, True), kept
    assert (done.status, done.out) == (0, "Done: 2 old objects deleted.\n"), done
    assert (again.status, again.out) == (0, "All files follow the scheme in 2 rows.\n")
    assert (bad.status, "key_scheme" in bad.err) == (2, True)
    assert [file["to_filename"].split("/")[:2] for file in files(old)] == [["document", "1"], ["document", "2"]]
    assert sorted(old.keys()) == sorted(file["to_filename"] for file in files(old))


def test_alter(old):
    """Rows get a type and metadata; what the storage cannot do is refused before anything is done."""
    command = ["alter", "--set", "team=legal", "--unset", "draft", "--content-type", "text/csv"]
    done, again, refused, nothing, form = old.run_each(
        command,
        [*command, "--json"],
        ["alter", "--object", "storage_class=COLD", "--set", "x=y"],
        ["alter"],
        ["alter", "--set", "team"],
    )
    assert (done.status, done.out.startswith("Done: 2 files changed; ")) == (0, True), done
    assert (again.json["counts"]["to_do"], again.json["ok"]) == (0, True)
    assert (refused.status, "storage_class" in refused.err) == (2, True), refused
    assert (nothing.status, "nothing to change" in nothing.err) == (2, True)
    assert (form.status, "not of the form name=value" in form.err) == (2, True)
    assert [(file["content_type"], file["metadata"]) for file in files(old)] == [("text/csv", {"team": "legal"})] * 2


def test_alter_objects(shop):
    """Where the storage can, objects are changed in place, and counted."""
    shop.write("shop/storage.py", STORAGE)
    insert(shop, "a.txt")
    dry, done = shop.run_each(
        ["alter", "--object", "storage_class=COLD", "--dry-run"],
        ["alter", "--object", "storage_class=COLD", "--objects", "--set", "team=legal"],
    )
    assert (dry.status, dry.out) == (3, "Dry run, nothing was changed: 1 file to change.\n"), dry
    assert (done.status, done.out.startswith("Done: 1 file changed, 1 object in the storage; ")) == (0, True), done
    assert json.loads(json.dumps(files(shop)[0]))["metadata"] == {"team": "legal"}
