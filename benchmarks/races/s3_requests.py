"""How many requests a saved file takes, and a commit that deletes many."""

from benchmarks.measuring.race import Entry, Race, Target

OURS = "Holdfast"
SAVED = {"16 KiB": "requests", "6 MiB": "requests", "8 MiB": "requests"}


def entries(player: str) -> tuple[Entry, ...]:
    """Return who does it."""
    return (
        Entry(OURS, f"s3.counted_holdfast:{player}"),
        Entry("raw obstore", f"s3.counted_raw:{player}"),
        Entry("advanced-alchemy, obstore", f"s3.counted_alchemy:{player}", {"driver": "obstore"}),
        Entry("advanced-alchemy, fsspec", f"s3.counted_alchemy:{player}", {"driver": "fsspec"}),
        Entry("sqlalchemy-file", f"s3.counted_sqlalchemy_file:{player}"),
    )


RACES = (
    Race(
        "s3-requests-save",
        "Requests for a saved file of 5 MiB, S3 (ministack)",
        "requests",
        1,
        entries("Save"),
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
        entries("Drop"),
        (Target(OURS, 1, is_ceiling=True),),
        rounds=1,
        servers=("ministack",),
        is_less_better=True,
    ),
)
