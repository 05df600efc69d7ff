"""``holdfast migrate``: what the command shows, and with which status it ends."""

import pytest
from sqlalchemy import select, text

STORAGE = """
    from pathlib import Path
    from holdfast import StorageBackend, storages
    from holdfast.drivers.local import LocalDriver

    def register():
        folder = Path(__file__).parent.parent
        for name in ("docs", "cloud"):
            storages.register_backend(StorageBackend(name, LocalDriver(folder / {"docs": "files"}.get(name, name))))
"""
COMMAND = ["migrate", "--from", "docs", "--to", "cloud"]


@pytest.fixture
def moving(shop):
    """An application with an old storage and a new one."""
    shop.write("shop/storage.py", STORAGE)
    (shop.folder / "cloud").mkdir()
    return shop


def named(shop):
    """The storages that rows name, in the order of their keys."""
    with shop.engine.connect() as connection:
        found = connection.execute(select(shop.documents.c.file).order_by(shop.documents.c.id)).scalars()
        return [value["backend"] for value in found]


def test_moving(moving):
    """A dry run ends with 3; with --keep the old objects stay; without it the next run deletes them."""
    key = moving.add(content=b"12345")
    dry, kept, done, again, json = moving.run_each(
        [*COMMAND, "--dry-run"], [*COMMAND, "--keep"], COMMAND, COMMAND, [*COMMAND, "--json"]
    )
    assert (dry.status, dry.out) == (3, "Dry run, nothing was changed: 1 file to move.\n"), dry
    assert kept.status == 0, kept
    assert kept.out.startswith("Done: 1 file moved (5 bytes, ")
    assert (done.status, done.out) == (0, "Done: 1 old object deleted.\n"), done
    assert (again.status, again.out.partition(" in ")[0]) == (0, "Nothing to move"), again
    assert (json.json["command"], json.json["status"], json.json["ok"]) == ("migrate", 0, True)
    assert (moving.folder / "cloud" / key).read_bytes() == b"12345"
    assert not moving.keys()
    assert named(moving) == ["cloud"]


def test_what_cannot_be_moved_is_named(moving):
    """A missing file is an error of its row alone."""
    moving.add()
    moving.storage.delete(moving.add("gone.txt"))
    outcome = moving.run(*COMMAND)
    assert outcome.status == 1, outcome
    assert "1 file missing" in outcome.out
    assert "in document.file [2]" in outcome.out
    assert outcome.out.splitlines()[-1].startswith("Not everything could be done: 1 file moved (5 bytes, ")
    assert named(moving) == ["cloud", "docs"]


def test_some_rows(moving):
    """--model and --where choose, and a model that does not exist is refused."""
    for _ in range(3):
        moving.add()
    some, wrong = moving.run_each(
        [*COMMAND, "--model", "document", "--where", "id > 1", "--workers", "2"], [*COMMAND, "--model", "Documnt"]
    )
    assert some.status == 0, some
    assert named(moving) == ["docs", "cloud", "cloud"]
    assert (wrong.status, wrong.out) == (2, ""), wrong
    assert "there is no model with file columns called 'Documnt'" in wrong.err


def test_a_wrong_condition_tells_what_the_database_says(moving):
    """No traceback, and nothing is done."""
    moving.add()
    outcome = moving.run(*COMMAND, "--where", "colour = 1")
    assert (outcome.status, outcome.out) == (2, ""), outcome
    assert "no such column: colour" in outcome.err
    assert named(moving) == ["docs"]


def test_a_row_that_says_nothing_is_filled_in(moving):
    """A value as other libraries write it gets size and checksum on the way."""
    moving.storage.put("old.txt", b"12345")
    with moving.engine.begin() as connection:
        connection.execute(text("""INSERT INTO document (file) VALUES ('{"backend":"docs","filename":"old.txt"}')"""))
    assert moving.run(*COMMAND).status == 0
    with moving.engine.connect() as connection:
        value = connection.execute(select(moving.documents.c.file)).scalar_one()
    assert (value["backend"], value["to_filename"], value["size"]) == ("cloud", "old.txt", 5)
    assert value["checksum"].startswith("sha256:5994471abb01112afcc18159f6cc74b4f511b998")
