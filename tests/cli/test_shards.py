"""Work in shards: ``--workers`` threads; ``--dask`` is tested where there is a cluster."""

import pytest


@pytest.fixture
def filled(shop):
    """A shop with rows, a missing file, and an object of no row."""
    for number in range(30):
        shop.add(f"{number}.txt")
    shop.storage.delete(shop.add("gone.txt"))
    shop.store("left.txt", age=3600)
    return shop


def test_threads(filled):
    """The commands do the same work, and tell how many shards are done."""
    more = ["--workers", "3", "--shard-size", "10"]
    plain, verified, dry, swept, filled_in, wrong = filled.run_each(
        ["verify", "--grace", "0s"],
        ["verify", "--grace", "0s", *more],
        ["sweep", "--grace", "0s", *more],
        ["sweep", "--grace", "0s", "--delete", *more],
        ["backfill", *more],
        ["verify", "--shard-size", "10"],
    )
    assert verified.out == plain.out
    assert (verified.status, "1 missing" in verified.out) == (1, True), verified
    assert "working through shards" in verified.err
    assert "Dry run" in dry.out
    assert "1 object deleted" in swept.out, swept
    assert filled_in.status == 1
    assert "30 files filled in" in filled_in.out, filled_in
    assert (wrong.status, "--workers or --dask" in wrong.err) == (2, True)


def test_options_that_exclude_each_other(shop):
    """Two kinds of workers; workers and a file of the progress."""
    both, resumed = shop.run_each(
        ["verify", "--workers", "2", "--dask", "tcp://127.0.0.1:9"], ["sweep", "--workers", "2", "--resume", "here"]
    )
    assert (both.status, "give one of them" in both.err) == (2, True)
    assert (resumed.status, "--resume does not go with" in resumed.err) == (2, True)
