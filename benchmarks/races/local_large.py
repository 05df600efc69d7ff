"""One GiB to and from local disk."""

from benchmarks.measuring.race import Entry, Race, Target

FAST = {"backend": {"durable": False}}
UNHASHED = {"backend": {"durable": False, "checksum": None}}
BLAKE3 = {"backend": {"durable": False, "checksum": "blake3"}}
OPEN = {"is_open": True}
GIB = 1024  # MiB
PART = {"amount": 256}  # MiB that tell the speed of those that are slow

RAW, ALCHEMY, SQLALCHEMY_FILE = "raw obstore", "advanced-alchemy", "sqlalchemy-file"
OURS, OURS_ASYNC = "Holdfast", "Holdfast, async"
OURS_UNHASHED, OURS_ASYNC_UNHASHED = "Holdfast, no checksum", "Holdfast, async, no checksum"
SHA256 = "SHA-256 alone"
STREAM, RANGES, PLAIN = "raw obstore, stream", "raw obstore, ranges of 1 MiB", "plain file"

RACES = (
    Race(
        "local-up-path",
        "1 GiB up, local disk, from a path",
        "MiB/s",
        GIB,
        (
            Entry(OURS, "local_up_holdfast:Sync", FAST),
            Entry(OURS_ASYNC, "local_up_holdfast:Async", FAST),
            Entry(OURS_UNHASHED, "local_up_holdfast:Sync", UNHASHED),
            Entry(OURS_ASYNC_UNHASHED, "local_up_holdfast:Async", UNHASHED),
            Entry("Holdfast, BLAKE3", "local_up_holdfast:Sync", BLAKE3),
            Entry(RAW, "local_up_raw:Sync"),
            Entry(ALCHEMY, "local_up_alchemy:Sync"),
            Entry(SQLALCHEMY_FILE, "local_up_sqlalchemy_file:Sync"),
            Entry("shutil.copyfile", "local_up_plain:Copy"),
            Entry(SHA256, "local_up_plain:Hash", {"algorithm": "sha256"}),
            Entry("BLAKE3 alone", "local_up_plain:Hash", {"algorithm": "blake3"}),
        ),
        (
            Target(OURS, 0.9, (SHA256,)),
            Target(OURS_ASYNC, 0.9, (SHA256,)),
            Target(OURS_UNHASHED, 0.95, (RAW,)),
            Target(OURS_ASYNC_UNHASHED, 0.95, (RAW,)),
            Target(OURS_UNHASHED, 1.0, (ALCHEMY, SQLALCHEMY_FILE)),
        ),
        rounds=3,
    ),
    Race(
        "local-up-open",
        "1 GiB up, local disk, from an open file",
        "MiB/s",
        GIB,
        (
            Entry(OURS, "local_up_holdfast:Sync", FAST | OPEN),
            Entry(OURS_ASYNC, "local_up_holdfast:Async", FAST | OPEN),
            Entry(OURS_UNHASHED, "local_up_holdfast:Sync", UNHASHED | OPEN),
            Entry(RAW, "local_up_raw:Sync", OPEN),
            Entry(ALCHEMY, "local_up_alchemy:Sync", OPEN | PART),
            Entry(SQLALCHEMY_FILE, "local_up_sqlalchemy_file:Sync", OPEN | PART),
        ),
        (
            Target(OURS, 0.8, (RAW,)),
            Target(OURS_ASYNC, 0.8, (RAW,)),
            Target(OURS_UNHASHED, 1.0, (RAW, ALCHEMY, SQLALCHEMY_FILE)),
        ),
        rounds=3,
    ),
    Race(
        "local-up-durable",
        "1 GiB up, local disk, synced before the commit",
        "MiB/s",
        GIB,
        (
            Entry(OURS, "local_up_holdfast:Sync", {"backend": {}}),
            Entry("copy, fsync, rename", "local_up_plain:Copy", {"durable": True}),
        ),
        rounds=3,
    ),
    Race(
        "local-down",
        "1 GiB down, streamed, local disk",
        "MiB/s",
        GIB,
        (
            Entry(OURS, "local_down_holdfast:Sync"),
            Entry(OURS_ASYNC, "local_down_holdfast:Async"),
            Entry(STREAM, "local_down_raw:Stream", PART),
            Entry(f"{STREAM}, async", "local_down_raw:AsyncStream", PART),
            Entry(RANGES, "local_down_raw:Ranges"),
            Entry(f"{RANGES}, async", "local_down_raw:AsyncRanges"),
            Entry("advanced-alchemy, all at once", "local_down_alchemy:Sync"),
            Entry("advanced-alchemy, all at once, async", "local_down_alchemy:Async"),
            Entry(SQLALCHEMY_FILE, "local_down_sqlalchemy_file:Sync"),
            Entry(PLAIN, "local_down_raw:Plain"),
        ),
        (
            Target(OURS, 0.55, (PLAIN,)),
            Target(OURS_ASYNC, 0.4, (PLAIN,)),
            Target(OURS, 1.0, (STREAM, RANGES, "advanced-alchemy, all at once", SQLALCHEMY_FILE)),
            Target(
                OURS_ASYNC,
                1.0,
                (f"{STREAM}, async", f"{RANGES}, async", "advanced-alchemy, all at once, async"),
            ),
        ),
        rounds=3,
    ),
)
