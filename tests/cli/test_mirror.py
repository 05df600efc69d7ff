"""``holdfast mirror``: what the command shows, and with which status it ends."""

import pytest

STORAGE = """
    from pathlib import Path
    from holdfast import StorageBackend, storages
    from holdfast.backends.wrappers import MirrorBackend
    from holdfast.drivers.local import LocalDriver

    def register():
        folder = Path(__file__).parent.parent
        first, second = (StorageBackend(name, LocalDriver(folder / name)) for name in ("files", "copies"))
        storages.register_backend(MirrorBackend("docs", [first, second]))
"""


@pytest.fixture
def mirrored(shop):
    """An application whose storage is a mirror with an empty copy."""
    shop.write("shop/storage.py", STORAGE)
    (shop.folder / "copies").mkdir()
    return shop


def copies(shop):
    """The names of the copies."""
    folder = shop.folder / "copies"
    return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]


def test_catching_up(mirrored):
    """A dry run shows what is missing and ends with 3; the run copies it, and then all is there."""
    key = mirrored.add(content=b"12345")
    dry, done, again, json = mirrored.run_each(
        ["mirror", "--dry-run"], ["mirror"], ["mirror", "--dry-run"], ["mirror", "--json"]
    )
    assert dry.status == 3, dry
    assert "docs/copies: 1 object missing" in dry.out
    assert key in dry.out
    assert dry.out.splitlines()[-1] == "Dry run, nothing was changed: 1 object to copy."
    assert (done.status, done.out.splitlines()[-1]) == (0, "Done: 1 object copied (5 bytes).")
    assert copies(mirrored) == [key]
    assert (again.status, again.out) == (0, "All copies are there: 1 object compared.\n")
    assert (json.json["command"], json.json["status"], json.json["ok"]) == ("mirror", 0, True)


def test_what_is_extra(mirrored):
    """It goes with --delete only."""
    key = mirrored.add()
    mirrored.run("mirror")
    left = mirrored.store("left.txt", age=7200.0)
    extra = mirrored.folder / "copies" / left
    extra.parent.mkdir(parents=True, exist_ok=True)  # of yesterday, after midnight
    (mirrored.folder / "files" / left).rename(extra)
    kept, gone = mirrored.run_each(["mirror", "--grace", "0s"], ["mirror", "--grace", "0s", "--delete"])
    assert (kept.status, gone.status) == (0, 0), (kept, gone)
    assert "docs/copies: 1 object extra" in kept.out
    assert gone.out.splitlines()[-1] == "Done: 0 objects copied (0 bytes), 1 object deleted."
    assert copies(mirrored) == [key]


def test_what_fails(mirrored):
    """Status 1 and the error where a storage fails; 2 where there is no mirror."""
    mirrored.add()
    (mirrored.folder / "copies").rmdir()
    (mirrored.folder / "copies").write_text("no folder")
    done = mirrored.run("mirror")
    assert done.status == 1, done
    assert "Not everything could be done: 0 objects copied (0 bytes)." in done.out
    mirrored.write("shop/storage.py", "def register(): pass")
    done = mirrored.run("mirror")
    assert (done.status, "no mirror is registered" in done.err) == (2, True), done
