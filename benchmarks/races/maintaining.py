"""What it costs to look after files of a few bytes; `docs/moving/scale.md` has millions of them, S3 and PostgreSQL."""

from benchmarks.measuring.race import Entry, Race, Target

OURS, SCRIPT = "Holdfast", "a script, all in memory"
SECONDS = "s for a million"
MORE = {"computed": "s of the processor"}
WORK = {"verify": "Verify", "sweep": "Sweep", "migrate": "Migrate"}
TITLES = {
    "verify": "Verify rows and files, local disk, SQLite",
    "sweep": "Sweep: delete one file in a hundred, local disk, SQLite",
    "migrate": "Migrate to another folder, local disk, SQLite",
}

RACES = tuple(
    Race(
        f"maintaining-{name}",
        TITLES[name],
        SECONDS,
        10_000,
        (Entry(OURS, f"maintaining_holdfast:{player}"), Entry(SCRIPT, f"maintaining_raw:{player}")),
        (Target(OURS, 3.0, (SCRIPT,), is_ceiling=True), Target(OURS, 50, figure="growth", is_ceiling=True)),
        rounds=3,
        is_long=True,
        is_less_better=True,
        more=MORE,
    )
    for name, player in WORK.items()
)
