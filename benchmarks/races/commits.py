"""One commit for each row: many sessions at once, PostgreSQL and local disk."""

from benchmarks.measuring.race import KIB, Entry, Race, Target

TASKS = {"size": 16 * KIB, "crowd": 50}
THREADS = {"size": 16 * KIB, "crowd": 16}
FAST = {"backend": {"durable": False}}
UNHASHED = {"backend": {"durable": False, "checksum": None}}
DURABLE: dict[str, dict[str, bool]] = {"backend": {}}

OURS, OURS_UNHASHED, OURS_DURABLE = "Holdfast", "Holdfast, no checksum", "Holdfast, durable"
RAW, ALCHEMY, ROWS = "raw obstore", "advanced-alchemy", "the database alone"
MORE = {"p50": "ms", "p99": "ms"}

RACES = (
    Race(
        "commits-async",
        "A row with a file of 16 KiB in each commit, 50 sessions at once, PostgreSQL, local disk, async",
        "commits/s",
        300,
        (
            Entry(OURS, "commits_holdfast:Tasks", TASKS | FAST),
            Entry(OURS_UNHASHED, "commits_holdfast:Tasks", TASKS | UNHASHED),
            Entry(OURS_DURABLE, "commits_holdfast:Tasks", TASKS | DURABLE),
            Entry(RAW, "commits_raw:Tasks", TASKS),
            Entry(ALCHEMY, "commits_alchemy:Tasks", TASKS),
            Entry(ROWS, "commits_raw:TasksOfRows", TASKS),
        ),
        (Target(OURS_UNHASHED, 1.0, (ALCHEMY,)),),
        rounds=4,
        servers=("postgres",),
        more=MORE,
    ),
    Race(
        "commits-sync",
        "A row with a file of 16 KiB in each commit, 16 threads, PostgreSQL, local disk",
        "commits/s",
        300,
        (
            Entry(OURS, "commits_holdfast:Threads", THREADS | FAST),
            Entry(OURS_UNHASHED, "commits_holdfast:Threads", THREADS | UNHASHED),
            Entry(OURS_DURABLE, "commits_holdfast:Threads", THREADS | DURABLE),
            Entry(RAW, "commits_raw:Threads", THREADS),
            Entry(ALCHEMY, "commits_alchemy:Threads", THREADS),
            Entry(ROWS, "commits_raw:ThreadsOfRows", THREADS),
        ),
        (Target(OURS_UNHASHED, 1.0, (ALCHEMY,)),),
        rounds=4,
        servers=("postgres",),
        more=MORE,
    ),
)
