"""One large file to S3, and back as a stream."""

from benchmarks.measuring.race import Entry, Race, Target

OURS, OURS_PLAIN, OURS_BLAKE3 = "Holdfast", "Holdfast, no checksum", "Holdfast, BLAKE3"
OURS_ASYNC = "Holdfast, async"
RAW, RAW_ASYNC, ALCHEMY, S3FS = "raw obstore", "raw obstore, async", "advanced-alchemy", "s3fs"
BOTO3, BOTO3_UNSIGNED = "boto3", "boto3, unsigned payload"
MEMORY = 110  # MB

RACES = (
    Race(
        "s3-up",
        "256 MiB to S3 (rclone), from a path",
        "MiB/s",
        256,
        (
            Entry(OURS, "s3.large_holdfast:Up"),
            Entry(OURS_PLAIN, "s3.large_holdfast:Up", {"backend": {"checksum": None}}),
            Entry(OURS_BLAKE3, "s3.large_holdfast:Up", {"backend": {"checksum": "blake3"}}),
            Entry(RAW, "s3.large_raw:Up"),
            Entry(ALCHEMY, "s3.large_alchemy:Up"),
            Entry(BOTO3, "s3.large_boto3:Up"),
            Entry(BOTO3_UNSIGNED, "s3.large_boto3:Up", {"is_unsigned": True}),
            Entry(S3FS, "s3.large_s3fs:Up"),
        ),
        (
            Target(OURS, 0.95, (RAW,)),
            Target(OURS_PLAIN, 0.95, (RAW,)),
            Target(OURS_PLAIN, 1.0, (ALCHEMY, BOTO3, S3FS)),
            Target(OURS, MEMORY, figure="growth", is_ceiling=True),
            Target(OURS_PLAIN, MEMORY, figure="growth", is_ceiling=True),
        ),
        rounds=3,
        servers=("rclone",),
    ),
    Race(
        "s3-down",
        "256 MiB from S3 (rclone), as a stream",
        "MiB/s",
        256,
        (
            Entry(OURS, "s3.large_holdfast:Down"),
            Entry(OURS_ASYNC, "s3.large_holdfast:AsyncDown"),
            Entry(RAW, "s3.large_raw:Down"),
            Entry(RAW_ASYNC, "s3.large_raw:AsyncDown"),
            Entry(ALCHEMY, "s3.large_alchemy:Down"),
            Entry(BOTO3, "s3.large_boto3:Down"),
            Entry(S3FS, "s3.large_s3fs:Down"),
            Entry("s3fs, body", "s3.large_s3fs:Body"),
        ),
        (
            Target(OURS, 1.0, (ALCHEMY, BOTO3, S3FS)),
            Target(OURS_ASYNC, 1.0, (ALCHEMY, BOTO3, S3FS)),
            Target(OURS, MEMORY, figure="growth", is_ceiling=True),
            Target(OURS_ASYNC, MEMORY, figure="growth", is_ceiling=True),
        ),
        rounds=3,
        servers=("rclone",),
    ),
)
