"""Strategies that make up transactions."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.orm.model import operations as do
from tests.orm.model.schema import STORAGES


def transactions() -> st.SearchStrategy[do.Transaction]:
    """Return random transactions; most of them commit."""
    endings = st.sampled_from([do.Ending.COMMIT] * 4 + [do.Ending.CLOSE, do.Ending.RAISE] + [do.Ending.ROLLBACK] * 3)
    operations = st.lists(_operations(), min_size=4, max_size=12).map(tuple)
    return st.builds(do.Transaction, operations, endings, st.booleans())


def _operations() -> st.SearchStrategy[object]:
    number = st.integers(0, 7)
    kinds = st.sampled_from(["bytes", "bytes", "bytes", "file", "file", "once", "once", "failing"])
    named = st.sampled_from([False, False, False, True])
    content = st.builds(do.Content, kinds, st.sampled_from([None, *STORAGES]), named)
    several = st.lists(content, max_size=3).map(tuple)
    place = st.builds(do.Place, number, number, number)
    maybe = st.one_of(st.none(), content)
    maybe_several = st.one_of(st.none(), several)
    weighted = {
        st.builds(do.Flush): 3,
        st.builds(do.AddFolder): 1,
        st.builds(do.AddRow, st.booleans(), st.one_of(st.none(), number), maybe, maybe, maybe_several, maybe): 3,
        st.builds(do.AddAgain): 3,
        st.builds(do.Assign, place, several, st.booleans()): 4,
        st.builds(do.Give, place, place, st.sampled_from(do.Giving)): 4,
        st.builds(do.EditPages, number, st.sampled_from(do.Editing), number, several): 4,
        st.builds(do.Annotate, place, number): 1,
        st.builds(do.SaveFile, place, content): 2,
        st.builds(do.DeleteFile, place): 1,
        st.builds(do.DeleteRow, number): 2,
        st.builds(do.SwitchRow, number, st.one_of(st.just(False), content), maybe_several): 1,
        st.builds(do.DeleteFolder, number): 1,
        st.builds(do.Orphan, number): 1,
        st.builds(do.Lose, number, st.sampled_from(do.Losing), number): 2,
        st.builds(do.Begin): 3,
        st.builds(do.Release): 2,
        st.builds(do.RollBack): 2,
        st.builds(do.BreakFlush, content): 1,
        st.builds(do.BreakCommit): 1,
        st.builds(do.SwallowError): 1,
    }
    strategies = [strategy for strategy, weight in weighted.items() for _ in range(weight)]
    return st.sampled_from(strategies).flatmap(lambda strategy: strategy)
