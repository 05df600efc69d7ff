"""Rows with files on an S3 server that is 20 ms away."""

from benchmarks.measuring.race import KIB, Entry, Race, Target

WORK = {"size": 16 * KIB, "batch": 100, "store": "distant"}
ALCHEMY = WORK | {"driver": "obstore"}

RACES = (
    Race(
        "s3-distance",
        "100 rows with files of 16 KiB in one commit, S3 (rclone) with 20 ms a request",
        "files/s",
        100,
        (
            Entry("Holdfast, async", "rows_holdfast:Async", WORK | {"backend": {"max_concurrency": 64}}),
            Entry("Holdfast, async, 16 at once", "rows_holdfast:Async", WORK),
            Entry("Holdfast, sync", "rows_holdfast:Sync", WORK),
            Entry("raw obstore, async", "rows_raw:Async", WORK),
            Entry("raw obstore, sync", "rows_raw:Sync", WORK),
            Entry("raw obstore, 16 threads", "rows_raw:Threads", WORK),
            Entry("advanced-alchemy, async", "rows_alchemy:Async", ALCHEMY),
            Entry("advanced-alchemy, sync", "rows_alchemy:Sync", ALCHEMY),
        ),
        (
            Target("Holdfast, async", 0.9, ("raw obstore, async", "advanced-alchemy, async")),
            Target("Holdfast, sync", 0.9, ("raw obstore, sync", "raw obstore, 16 threads", "advanced-alchemy, sync")),
        ),
        rounds=3,
        servers=("distant",),
    ),
)
