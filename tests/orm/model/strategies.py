"""Strategies that make up transactions."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.orm.model import operations as do
from tests.orm.model import outsiders, statements
from tests.orm.model.schema import STORAGES, Mode

NUMBER = st.integers(0, 7)
COUNT = st.integers(1, 3)
FEW_TIMES = st.sampled_from([False, False, False, True])
SELDOM = st.sampled_from([False] * 11 + [True])
KINDS = ["bytes", "bytes", "bytes", "file", "file", "once", "once"]
PLACE = st.builds(do.Place, NUMBER, NUMBER, NUMBER)


def _contents(*kinds: str) -> st.SearchStrategy[do.Content]:
    return st.builds(do.Content, st.sampled_from(kinds), st.sampled_from([None, *STORAGES]), FEW_TIMES, SELDOM)


CONTENT = _contents(*KINDS, "failing")
SEVERAL = st.lists(CONTENT, max_size=3).map(tuple)
MAYBE = st.none() | CONTENT
MAYBE_SEVERAL = st.none() | SEVERAL
EDIT_PAGES = (st.sampled_from(do.Editing), NUMBER)

ROWS_AND_FILES: dict[st.SearchStrategy[object], int] = {
    st.builds(do.Flush): 3,
    st.builds(do.AddFolder): 1,
    st.builds(do.AddRow, st.booleans(), st.none() | NUMBER, MAYBE, MAYBE, MAYBE_SEVERAL, MAYBE): 3,
    st.builds(do.AddAgain): 3,
    st.builds(do.Assign, PLACE, SEVERAL, st.booleans()): 4,
    st.builds(do.Give, PLACE, PLACE, st.sampled_from(do.Giving)): 4,
    st.builds(do.EditPages, NUMBER, *EDIT_PAGES, SEVERAL): 4,
    st.builds(do.Annotate, PLACE, NUMBER): 1,
    st.builds(do.SaveFile, PLACE, CONTENT): 2,
    st.builds(do.DeleteFile, PLACE): 1,
    st.builds(do.DeleteRow, NUMBER): 2,
    st.builds(do.SwitchRow, NUMBER, st.just(False) | MAYBE, MAYBE_SEVERAL): 1,
    st.builds(do.DeleteFolder, NUMBER): 1,
    st.builds(do.Orphan, NUMBER): 1,
    st.builds(do.Lose, NUMBER, st.sampled_from(do.Losing), NUMBER): 2,
    st.builds(do.Begin): 3,
    st.builds(do.Release): 2,
    st.builds(do.RollBack): 2,
    st.builds(do.BreakFlush, CONTENT): 1,
    st.builds(do.BreakCommit): 1,
    st.builds(do.SwallowError): 1,
}
"""What the session's own objects go through, and how often."""

BULK: dict[st.SearchStrategy[object], int] = {
    st.builds(
        statements.BulkUpdate, PLACE, COUNT, SEVERAL, st.sampled_from(statements.Selecting), st.none() | PLACE
    ): 5,
    st.builds(statements.BulkDelete, NUMBER, COUNT): 2,
    st.builds(
        statements.BulkInsert,
        st.lists(MAYBE, min_size=1, max_size=3).map(tuple),
        MAYBE_SEVERAL,
        st.sampled_from(statements.Inserting),
        st.booleans(),
        FEW_TIMES,
    ): 3,
    st.builds(statements.BreakInsert, CONTENT, st.booleans(), st.booleans()): 1,
}
"""Bulk statements."""

RAW: dict[st.SearchStrategy[object], int] = {
    st.builds(statements.RawClear, PLACE): 2,
    st.builds(statements.RawMove, PLACE, PLACE, st.booleans()): 4,
    st.builds(statements.RawDelete, NUMBER): 2,
    st.builds(statements.RawDeleteFolder, NUMBER): 1,
}
"""Raw SQL."""

SOUND = st.lists(_contents(*KINDS), max_size=2).map(tuple)
ELSEWHERE: st.SearchStrategy[object] = st.builds(
    outsiders.Elsewhere,
    st.lists(
        st.builds(do.Assign, PLACE, SOUND)
        | st.builds(do.EditPages, NUMBER, *EDIT_PAGES, SOUND)
        | st.builds(do.DeleteRow, NUMBER),
        min_size=1,
        max_size=3,
    ).map(tuple),
)
SWEEP: st.SearchStrategy[object] = st.builds(outsiders.Sweep)
TAKE_UP: st.SearchStrategy[object] = st.builds(outsiders.TakeUp, NUMBER, NUMBER)

ENDINGS = [do.Ending.COMMIT] * 4 + [do.Ending.CLOSE, do.Ending.RAISE] + [do.Ending.ROLLBACK] * 3


def transactions(mode: Mode) -> st.SearchStrategy[do.Transaction]:
    """Return random transactions; most of them commit."""
    weighted: dict[Any, int] = {**ROWS_AND_FILES, **BULK, ELSEWHERE: 2, SWEEP: 1}
    endings, first = ENDINGS, st.lists(ELSEWHERE, max_size=1)
    if mode is not Mode.PLAIN:
        endings, first = [*ENDINGS, do.Ending.KILL, do.Ending.KILL], st.lists(ELSEWHERE | TAKE_UP, max_size=1)
    if mode is Mode.TRIGGERS:
        weighted |= RAW
    weighted_list = [strategy for strategy, weight in weighted.items() for _ in range(weight)]
    one = st.sampled_from(weighted_list).flatmap(lambda strategy: strategy)
    operations = st.tuples(first, st.lists(one, min_size=4, max_size=12)).map(lambda lists: (*lists[0], *lists[1]))
    return st.builds(do.Transaction, operations, st.sampled_from(endings), st.booleans())
