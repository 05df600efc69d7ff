"""All races, in the order of the page."""

from benchmarks.races import (
    commits,
    importing,
    listing,
    local_large,
    maintaining,
    memory,
    observing,
    rows,
    s3_distance,
    s3_large,
    s3_many,
    s3_requests,
    serving,
    sessions,
    soak,
)

RACES = (
    *rows.RACES,
    *local_large.RACES,
    *commits.RACES,
    *sessions.RACES,
    *importing.RACES,
    *serving.RACES,
    *maintaining.RACES,
    *soak.RACES,
    *memory.RACES,
    *observing.RACES,
    *s3_requests.RACES,
    *s3_large.RACES,
    *s3_many.RACES,
    *s3_distance.RACES,
    *listing.RACES,
)
