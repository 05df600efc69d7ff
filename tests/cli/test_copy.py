"""``holdfast copy``: what the command shows, and with which status it ends."""

import pytest
from sqlalchemy import create_engine, select

STAGING = """
[storages.docs]
uri = "{}"
"""


@pytest.fixture
def staging(shop):
    """Another environment: an empty database with the tables, a folder, its configuration."""
    (shop.folder / "staging").mkdir()
    shop.write("staging.toml", STAGING.format((shop.folder / "staging").as_uri()))
    engine = create_engine(f"sqlite:///{shop.folder}/staging.sqlite")
    shop.documents.metadata.create_all(engine)
    yield engine
    engine.dispose()


def test_copying(shop, staging):
    """A dry run ends with 3, the run copies row and file, and the next one has nothing to do."""
    key = shop.add(content=b"12345")
    command = ["copy", "--to-database", str(staging.url), "--to-storages", "staging.toml"]
    dry, done, again, json = shop.run_each([*command, "--dry-run"], command, command, [*command, "--json"])
    assert (dry.status, dry.out) == (3, "Dry run, nothing was changed: 1 row to copy.\n"), dry
    assert (done.status, done.out) == (0, "Done: 1 row and 1 file (5 bytes) copied.\n"), done
    assert (again.status, again.out) == (0, "Done: 0 rows and 0 files (0 bytes) copied; 1 row there already.\n")
    assert (json.json["command"], json.json["counts"]["there"]) == ("copy", 1)
    with staging.connect() as connection:
        (row,) = connection.execute(select(shop.documents.c.file)).all()
    assert (row.file["backend"], row.file["to_filename"]) == ("docs", key)
    assert (shop.folder / "staging" / key).read_bytes() == b"12345"


def test_what_cannot_be_copied_is_named(shop, staging):
    """Its row stays behind, and the status says so."""
    shop.storage.delete(shop.add("gone.txt"))
    outcome = shop.run("copy", "--to-database", str(staging.url), "--to-storages", "staging.toml")
    assert outcome.status == 1, outcome
    assert "1 file missing" in outcome.out
    assert "in document.file [1]" in outcome.out
    assert outcome.out.splitlines()[-1] == "Not everything could be copied: 0 rows and 0 files (0 bytes) copied."


def test_the_same_database_is_refused(shop, staging):
    """Nothing is done, and the message says why."""
    shop.add()
    outcome = shop.run("copy", "--to-database", shop.url, "--to-storages", "staging.toml")
    assert (outcome.status, outcome.out) == (2, ""), outcome
    assert "both sessions have the same database for table 'document'" in outcome.err
