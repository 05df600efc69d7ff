"""How many requests a saved file takes, and a commit that deletes many."""

from benchmarks.measuring.race import Entry, Race, Target

OURS = "Holdfast"
SAVED = {"16 KiB": "requests", "6 MiB": "requests", "8 MiB": "requests"}


def quick(player: str) -> tuple[Entry, ...]:
    """Return who does it in seconds."""
    return (
        Entry(OURS, f"s3.counted_holdfast:{player}"),
        Entry("raw obstore", f"s3.counted_raw:{player}"),
        Entry("advanced-alchemy, obstore", f"s3.counted_alchemy:{player}", {"driver": "obstore"}),
    )


def slow(player: str) -> tuple[Entry, ...]:
    """Return who takes half a minute to save and delete a thousand files."""
    return (
        Entry("advanced-alchemy, fsspec", f"s3.counted_alchemy:{player}", {"driver": "fsspec"}),
        Entry("sqlalchemy-file", f"s3.counted_sqlalchemy_file:{player}"),
    )


RACES = (
    Race(
        "s3-requests-save",
        "Requests for a saved file of 5 MiB, S3 (ministack)",
        "requests",
        1,
        (*quick("Save"), *slow("Save")),
        (
            Target(OURS, 1, is_ceiling=True),
            *(Target(OURS, 1, figure=figure, is_ceiling=True) for figure in SAVED),
        ),
        rounds=1,
        servers=("ministack",),
        is_less_better=True,
        more=SAVED,
    ),
    Race(
        "s3-requests-delete",
        "Requests to delete 1,000 files of one commit, S3 (ministack)",
        "requests",
        1000,
        quick("Drop"),
        (Target(OURS, 1, is_ceiling=True),),
        rounds=1,
        servers=("ministack",),
        is_less_better=True,
    ),
    Race(
        "s3-requests-delete-full",
        "Requests of slower libraries to delete 1,000 files of one commit, S3 (ministack)",
        "requests",
        1000,
        slow("Drop"),
        rounds=1,
        servers=("ministack",),
        is_long=True,
        is_less_better=True,
    ),
)
