"""All races, in the order of the page."""

from benchmarks.races import commits, importing, local_large, rows, serving, sessions

RACES = (*rows.RACES, *local_large.RACES, *commits.RACES, *sessions.RACES, *importing.RACES, *serving.RACES)
