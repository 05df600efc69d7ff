"""1 GiB through each driver: memory does not depend on the size of a file, wherever it comes from."""

from benchmarks.measuring.race import Entry, Race, Target

SOURCES = ("path", "file", "iterator", "async iterator")
LIMIT = 100  # MB
WORK = {
    "memory-local": ("local disk", {"is_fsspec": False}),
    "memory-local-fsspec": ("local disk through fsspec", {"is_fsspec": True}),
    "memory-s3": ("S3 (rclone)", {"is_fsspec": False, "store": "rclone"}),
    "memory-s3-fsspec": ("S3 (rclone) through s3fs", {"is_fsspec": True, "store": "rclone"}),
}
PLAYERS = {source: f"Holdfast, {source}" for source in SOURCES}


RACES = tuple(
    Race(
        name,
        f"1 GiB up, down, and down in async, {where}",
        "MiB/s",
        1024,
        tuple(Entry(PLAYERS[source], "memory_holdfast:Carrier", options | {"source": source}) for source in SOURCES),
        tuple(Target(PLAYERS[source], LIMIT, figure="growth", is_ceiling=True) for source in SOURCES),
        rounds=1,
        servers=("rclone",) if "store" in options else (),
        is_long=True,
    )
    for name, (where, options) in WORK.items()
)
