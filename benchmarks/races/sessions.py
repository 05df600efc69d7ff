"""What sessions cost: rows with files loaded, and sessions that touch no file."""

from benchmarks.measuring.race import Entry, Race, Target

OURS, PLAIN, ALCHEMY, SQLALCHEMY_FILE = "Holdfast", "plain JSON", "advanced-alchemy", "sqlalchemy-file"
ALONE, AGAIN = "SQLAlchemy alone", "SQLAlchemy alone, a second time"
LOADED = 0.8  # of the speed of plain JSON, which is an overhead of 25 %
UNTOUCHED = 0.99

RACES = (
    Race(
        "loading-sync",
        "10,000 rows with a file loaded, SQLite",
        "rows/s",
        10_000,
        (
            Entry(OURS, "loading_holdfast:Sync"),
            Entry(PLAIN, "loading_plain:Sync"),
            Entry(ALCHEMY, "loading_alchemy:Sync"),
            Entry(SQLALCHEMY_FILE, "loading_sqlalchemy_file:Sync"),
        ),
        (Target(OURS, LOADED, (PLAIN,)), Target(OURS, 1.0, (ALCHEMY, SQLALCHEMY_FILE))),
        rounds=4,
    ),
    Race(
        "loading-async",
        "10,000 rows with a file loaded, SQLite, async",
        "rows/s",
        10_000,
        (
            Entry(OURS, "loading_holdfast:Async"),
            Entry(PLAIN, "loading_plain:Async"),
            Entry(ALCHEMY, "loading_alchemy:Async"),
        ),
        (Target(OURS, LOADED, (PLAIN,)), Target(OURS, 1.0, (ALCHEMY,))),
        rounds=4,
    ),
    Race(
        "untouched",
        "Sessions that touch no file, SQLite in memory (the second time says what the noise is)",
        "sessions/s of the processor",
        200,
        (
            Entry(OURS, "untouched_holdfast:Untouched"),
            Entry(ALONE, "untouched:Untouched"),
            Entry(AGAIN, "untouched:Untouched"),
            Entry(ALCHEMY, "untouched_alchemy:Untouched"),
        ),
        (
            Target(OURS, UNTOUCHED, (ALONE,)),
            Target(OURS, 1.01, (ALONE,), figure="calls", is_ceiling=True),
            Target(OURS, 1.0, (ALCHEMY,)),
        ),
        rounds=15,
        more={"calls": "calls/session"},
    ),
)
