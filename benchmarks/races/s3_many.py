"""Many files of some MiB in one commit to S3."""

from benchmarks.measuring.race import MIB, Entry, Race, Target

WORK = {"size": 0, "file": 5 * MIB, "batch": 100, "store": "rclone"}
ALCHEMY = WORK | {"driver": "obstore"}

OURS, OURS_ASYNC = "Holdfast, sync", "Holdfast, async"
RAW = ("raw obstore, async", "raw obstore, sync", "raw obstore, 16 threads")
MEMORY = 16 * 2 * 5 * MIB / 1e6  # of 16 at once (`max_concurrency`), each holds its file and obstore a copy of it

RACES = (
    Race(
        "s3-many",
        "100 files of 5 MiB in one commit, S3 (rclone), from paths",
        "files/s",
        100,
        (
            Entry(OURS, "s3.many_holdfast:Sync", WORK),
            Entry(OURS_ASYNC, "s3.many_holdfast:Async", WORK),
            Entry("Holdfast, sync, no checksum", "s3.many_holdfast:Sync", WORK | {"backend": {"checksum": None}}),
            Entry("Holdfast, async, no checksum", "s3.many_holdfast:Async", WORK | {"backend": {"checksum": None}}),
            Entry("raw obstore, sync", "s3.many_raw:Sync", WORK),
            Entry("raw obstore, 16 threads", "s3.many_raw:Threads", WORK),
            Entry("raw obstore, async", "s3.many_raw:Async", WORK),
            Entry("advanced-alchemy, sync", "s3.many_alchemy:Sync", ALCHEMY),
            Entry("advanced-alchemy, async", "s3.many_alchemy:Async", ALCHEMY),
        ),
        (
            Target(OURS, 0.95, RAW),
            Target(OURS_ASYNC, 0.95, RAW),
            Target(OURS, MEMORY, figure="growth", is_ceiling=True),
            Target(OURS_ASYNC, MEMORY, figure="growth", is_ceiling=True),
        ),
        rounds=3,
        servers=("rclone",),
    ),
)
