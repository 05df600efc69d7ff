"""What it costs to watch storages."""

from benchmarks.measuring.race import Entry, Race, Target

PLAIN, BLIND = "Holdfast, nothing set up", "Holdfast, made unwatchable"

RACES = (
    Race(
        "observing",
        "A put and a read of a kilobyte in memory, watched in each way",
        "µs",
        2000,
        (
            Entry(PLAIN, "observing_holdfast:Watched"),
            Entry(BLIND, "observing_holdfast:Watched", {"how": "not"}),
            Entry("Holdfast, records at DEBUG", "observing_holdfast:Watched", {"how": "log"}),
            Entry("Holdfast, OpenTelemetry's API alone", "observing_holdfast:Watched", {"how": "api"}),
            Entry("Holdfast, OpenTelemetry's SDK", "observing_holdfast:Watched", {"how": "sdk"}),
            Entry("the driver alone", "observing_holdfast:Driver"),
        ),
        (Target(PLAIN, 1.2, (BLIND,), is_ceiling=True),),
        is_long=True,
        is_less_better=True,
    ),
)
