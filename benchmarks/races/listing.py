"""Listing many keys: what sweep and verify do first."""

from benchmarks.measuring.race import Entry, Race, Target

OURS, OURS_ASYNC = "Holdfast", "Holdfast, async"
OVER_OBSTORE, OVER_FSSPEC = "Holdfast over a LocalStore", "Holdfast over fsspec"
RAW, FSSPEC, S3FS, BOTO3 = "raw obstore", "fsspec", "s3fs", "boto3"
MEMORY = 50  # MB

RACES = (
    Race(
        "listing-local",
        "200,000 keys listed, local disk",
        "keys/s",
        200_000,
        (
            Entry(OURS, "listing.holdfast:Sync"),
            Entry(OURS_ASYNC, "listing.holdfast:Async"),
            Entry(RAW, "listing.raw:Obstore"),
            Entry(FSSPEC, "listing.fsspec:Find"),
            Entry("scandir", "listing.raw:Scandir"),
        ),
        (
            Target(OURS, 0.95, (RAW,)),
            Target(OURS_ASYNC, 0.95, (RAW,)),
            *(Target(name, MEMORY, figure="growth", is_ceiling=True) for name in (OURS, OURS_ASYNC)),
        ),
        rounds=3,
    ),
    Race(
        "listing-local-full",
        "200,000 keys listed, local disk, through stores and file systems that are already made",
        "keys/s",
        200_000,
        (
            Entry(OVER_OBSTORE, "listing.holdfast:Sync", {"driver": "obstore"}),
            Entry(RAW, "listing.raw:Obstore"),
            Entry(OVER_FSSPEC, "listing.holdfast:Sync", {"driver": "fsspec"}),
            Entry(FSSPEC, "listing.fsspec:Find"),
        ),
        tuple(Target(name, MEMORY, figure="growth", is_ceiling=True) for name in (OVER_OBSTORE, OVER_FSSPEC)),
        rounds=3,
        is_long=True,
    ),
    Race(
        "listing-s3",
        "200,000 keys listed, S3 (prepared pages)",
        "keys/s",
        200_000,
        (
            Entry(OURS, "listing.holdfast:Sync"),
            Entry(OURS_ASYNC, "listing.holdfast:Async"),
            Entry(RAW, "listing.raw:Obstore"),
        ),
        (
            Target(OURS, 0.95, (RAW,)),
            Target(OURS_ASYNC, 0.95, (RAW,)),
            *(Target(name, MEMORY, figure="growth", is_ceiling=True) for name in (OURS, OURS_ASYNC)),
        ),
        rounds=3,
        servers=("listing",),
    ),
    Race(
        "listing-s3-botocore",
        "50,000 keys listed by what is built on botocore, S3 (prepared pages)",
        "keys/s",
        50_000,
        (
            Entry(OVER_FSSPEC, "listing.holdfast:Sync", {"driver": "fsspec"}),
            Entry(S3FS, "listing.fsspec:Find"),
            Entry(BOTO3, "listing.boto3:Pages"),
        ),
        (
            Target(OVER_FSSPEC, 0.95, (S3FS,)),
            Target(OVER_FSSPEC, MEMORY, figure="growth", is_ceiling=True),
        ),
        rounds=1,
        servers=("listing",),
    ),
)
