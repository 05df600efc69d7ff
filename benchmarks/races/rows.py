"""A thousand rows with files of 16 KiB, a hundred in each commit."""

from benchmarks.measuring.race import KIB, Entry, Race, Target

WORK = {"size": 16 * KIB, "batch": 100}
S3 = WORK | {"store": "rclone"}
FAST = {"backend": {"durable": False}}
UNHASHED = {"backend": {"durable": False, "checksum": None}}

RAW, PLAIN, ALCHEMY, FSSPEC = "raw obstore", "plain files", "advanced-alchemy, obstore", "advanced-alchemy, fsspec"
OURS, OURS_UNHASHED, OURS_DURABLE = "Holdfast", "Holdfast, no checksum", "Holdfast, durable"

RACES = (
    Race(
        "rows-local-async",
        "1,000 rows with files of 16 KiB, 100 a commit, local disk, async",
        "files/s",
        1000,
        (
            Entry(OURS, "rows_holdfast:Async", WORK | FAST),
            Entry(OURS_UNHASHED, "rows_holdfast:Async", WORK | UNHASHED),
            Entry(OURS_DURABLE, "rows_holdfast:Async", WORK),
            Entry(RAW, "rows_raw:Async", WORK),
            Entry(ALCHEMY, "rows_alchemy:Async", WORK | {"driver": "obstore"}),
            Entry(FSSPEC, "rows_alchemy:Async", WORK | {"driver": "fsspec"}),
            Entry("the database alone", "rows_raw:AsyncRows", WORK),
        ),
        (Target(OURS, 1.3, (RAW,)), Target(OURS_UNHASHED, 1.0, (ALCHEMY, FSSPEC))),
    ),
    Race(
        "rows-local-sync",
        "1,000 rows with files of 16 KiB, 100 a commit, local disk, sync",
        "files/s",
        1000,
        (
            Entry(OURS, "rows_holdfast:Sync", WORK | FAST),
            Entry(OURS_UNHASHED, "rows_holdfast:Sync", WORK | UNHASHED),
            Entry(OURS_DURABLE, "rows_holdfast:Sync", WORK),
            Entry(RAW, "rows_raw:Sync", WORK),
            Entry(PLAIN, "rows_raw:Plain", WORK),
            Entry(f"{PLAIN}, durable", "rows_raw:Plain", WORK | {"durable": True}),
            Entry(ALCHEMY, "rows_alchemy:Sync", WORK | {"driver": "obstore"}),
            Entry(FSSPEC, "rows_alchemy:Sync", WORK | {"driver": "fsspec"}),
            Entry("sqlalchemy-file", "rows_sqlalchemy_file:Sync", WORK),
            Entry("the database alone", "rows_raw:Rows", WORK),
        ),
        (
            Target(OURS, 1.0, (RAW,)),
            Target(OURS_UNHASHED, 1.0, (ALCHEMY, FSSPEC, "sqlalchemy-file")),
            Target(OURS_DURABLE, 0.8, (f"{PLAIN}, durable",)),
        ),
    ),
    Race(
        "rows-s3",
        "1,000 rows with files of 16 KiB, 100 a commit, S3 (rclone)",
        "files/s",
        1000,
        (
            Entry("Holdfast, async", "rows_holdfast:Async", S3),
            Entry("Holdfast, sync", "rows_holdfast:Sync", S3),
            Entry("raw obstore, async", "rows_raw:Async", S3),
            Entry("raw obstore, sync", "rows_raw:Sync", S3),
            Entry("raw obstore, 16 threads", "rows_raw:Threads", S3),
            Entry("advanced-alchemy, async", "rows_alchemy:Async", S3 | {"driver": "obstore"}),
            Entry("advanced-alchemy, sync", "rows_alchemy:Sync", S3 | {"driver": "obstore"}),
        ),
        (
            Target("Holdfast, async", 0.9, ("raw obstore, async", "raw obstore, sync", "raw obstore, 16 threads")),
            Target("Holdfast, sync", 0.9, ("raw obstore, async", "raw obstore, sync", "raw obstore, 16 threads")),
            Target("Holdfast, async", 1.0, ("advanced-alchemy, async",)),
            Target("Holdfast, sync", 1.0, ("advanced-alchemy, sync",)),
        ),
        servers=("rclone",),
    ),
)
