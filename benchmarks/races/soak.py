"""Does memory stay as it is, over a hundred thousand saves and reads?"""

from benchmarks.measuring.race import Entry, Race, Target

OURS, OURS_ASYNC = "Holdfast", "Holdfast, async"
LOCAL = {"dropped": 1}  # few of each ten: ext4 is slow after deletions
S3 = {"dropped": 9, "store": "rclone"}  # most of them: rclone is slow with many in a folder
FLAT = (
    Target(OURS, 2, figure="drift", is_ceiling=True),
    Target(OURS_ASYNC, 2, figure="drift", is_ceiling=True),
)
MORE = {"drift": "MB"}  # from a fifth of the round to its end

RACES = (
    Race(
        "soak-local",
        "100,000 files of 4 KiB saved and read back, some deleted, local disk",
        "files/s",
        100_000,
        (Entry(OURS, "soaking_holdfast:Sync", LOCAL), Entry(OURS_ASYNC, "soaking_holdfast:Async", LOCAL)),
        FLAT,
        rounds=1,
        is_long=True,
        more=MORE,
    ),
    Race(
        "soak-s3",
        "10,000 files of 4 KiB saved and read back, most deleted, S3 (rclone)",
        "files/s",
        10_000,
        (Entry(OURS, "soaking_holdfast:Sync", S3), Entry(OURS_ASYNC, "soaking_holdfast:Async", S3)),
        FLAT,
        rounds=1,
        servers=("rclone",),
        is_long=True,
        more=MORE,
    ),
)
