"""All races, in the order of the page."""

from benchmarks.races import rows

RACES = (*rows.RACES,)
