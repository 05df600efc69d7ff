"""``holdfast settle``: what the command shows, and with which status it ends."""

import pytest

STORAGE = """
    from pathlib import Path
    from holdfast import StorageBackend, storages
    from holdfast.backends.wrappers import GradualBackend
    from holdfast.drivers.local import LocalDriver

    def register():
        folder = Path(__file__).parent.parent
        old, new = (StorageBackend(name, LocalDriver(folder / name)) for name in ("files", "cloud"))
        storages.register_backend(GradualBackend("docs", new=new, old=old))
"""


@pytest.fixture
def moving(shop):
    """An application whose storage moves."""
    shop.write("shop/storage.py", STORAGE)
    (shop.folder / "cloud").mkdir()
    return shop


def test_settling(moving):
    """A dry run counts what is still old and ends with 3; the run moves it; then nothing is left."""
    key = moving.add(content=b"12345")
    dry, done, again, json = moving.run_each(
        ["settle", "docs", "--dry-run"],
        ["settle", "docs"],
        ["settle", "docs", "--dry-run"],
        ["settle", "docs", "--json"],
    )
    said = "Dry run, nothing was changed: 1 object (5 bytes) in the old storage, 1 to copy.\n"
    assert (dry.status, dry.out) == (3, said), dry
    assert (done.status, done.out) == (0, "Done: 1 object copied (5 bytes), 1 deleted.\n"), done
    assert (again.status, again.out) == (0, "Settled: 0 objects (0 bytes) in the old storage, 0 to copy.\n"), again
    assert (json.json["command"], json.json["ok"]) == ("settle", True)
    assert (moving.folder / "cloud" / key).read_bytes() == b"12345"
    assert not moving.keys()
    assert moving.run("verify").status == 0


def test_a_storage_that_does_not_move_is_refused(shop):
    """And so is one that is not registered."""
    other, unknown = shop.run_each(["settle", "docs"], ["settle", "dcos"])
    assert (other.status, unknown.status) == (2, 2), (other, unknown)
    assert "storage 'docs' does not move" in other.err
    assert "dcos" in unknown.err
