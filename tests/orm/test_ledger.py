"""The ledger is data: what happened goes in, what is to be deleted comes out."""

import pytest

from holdfast.claim import Claim
from holdfast.objects import ObjectInfo
from holdfast.orm.ledger import Change, Dead, Ledger, Outcome, Owner
from holdfast.saving import Ref

A, B = Ref("docs", "a"), Ref("docs", "b")
ROW = Owner(mapper=None, bind=None, identity=(1,))
SAVEPOINT, INNER = "savepoint", "inner savepoint"


def refs(dead: list[Dead]) -> set[Ref]:
    """Return what is to be deleted."""
    return {item.ref for item in dead}


@pytest.fixture
def ledger() -> Ledger:
    """Row 1 replaced its old file A by the new file B, in the root transaction."""
    ledger = Ledger()
    frame = ledger.frame(None)
    frame.created.append(B)
    frame.changes += [Change(-1, A, ROW), Change(+1, B, ROW)]
    return ledger


def test_commit_deletes_what_was_replaced(ledger: Ledger) -> None:
    """The old object goes, the new one stays."""
    ledger.frame(None).committed = True
    outcome, dead = ledger.settle()
    assert (outcome, refs(dead)) == (Outcome.COMMITTED, {A})


def test_rollback_deletes_what_was_created(ledger: Ledger) -> None:
    """The new object goes, the old one stays."""
    outcome, dead = ledger.settle()
    assert (outcome, refs(dead)) == (Outcome.ROLLED_BACK, {B})


def test_an_unacknowledged_commit_deletes_nothing(ledger: Ledger) -> None:
    """Once COMMIT was sent, only its success is proof of anything."""
    ledger.sent = True
    assert ledger.settle() == (Outcome.UNKNOWN, [])


def test_the_rows_that_dropped_an_object_are_named(ledger: Ledger) -> None:
    """They are asked before it is deleted."""
    ledger.frame(None).committed = True
    assert ledger.settle()[1] == [Dead(A, (ROW,))]


def test_an_object_that_moves_to_another_row_stays(ledger: Ledger) -> None:
    """Dropped once and taken once is no drop."""
    frame = ledger.frame(None)
    frame.changes.append(Change(+1, A, ROW))
    frame.committed = True
    assert ledger.settle()[1] == []


def test_an_object_created_and_never_taken_goes_at_commit() -> None:
    """An upload whose flush failed, or that was replaced before the commit."""
    ledger = Ledger()
    ledger.frame(None).created.append(B)
    ledger.frame(None).committed = True
    assert refs(ledger.settle()[1]) == {B}


def test_a_released_savepoint_counts(ledger: Ledger) -> None:
    """What it did is done by the transaction around it."""
    inner = ledger.frame(SAVEPOINT)
    inner.changes.append(Change(-1, B, ROW))
    inner.committed = True
    ledger.end_nested(SAVEPOINT, None)
    ledger.frame(None).committed = True
    assert refs(ledger.settle()[1]) == {A, B}


@pytest.mark.parametrize("committed", [True, False])
def test_a_rolled_back_savepoint_leaves_only_garbage(ledger: Ledger, committed: bool) -> None:
    """Its changes never happened; its objects go at the end, however the root ends."""
    created = Ref("docs", "created inside")
    inner = ledger.frame(SAVEPOINT)
    inner.created.append(created)
    inner.changes += [Change(+1, created, ROW), Change(-1, B, ROW)]
    ledger.end_nested(SAVEPOINT, None)
    ledger.frame(None).committed = committed
    assert refs(ledger.settle()[1]) == {created, A if committed else B}


def test_a_savepoint_released_inside_one_that_rolls_back_is_rolled_back_with_it(ledger: Ledger) -> None:
    """A RELEASE is final only for what is around it."""
    created = Ref("docs", "deep")
    deep = ledger.frame(INNER)
    deep.created.append(created)
    deep.changes.append(Change(+1, created, ROW))
    deep.committed = True
    ledger.end_nested(INNER, SAVEPOINT)
    ledger.end_nested(SAVEPOINT, None)
    ledger.frame(None).committed = True
    assert refs(ledger.settle()[1]) == {created, A}


def test_rolling_back_undoes_in_reverse(ledger: Ledger) -> None:
    """A file that was saved twice becomes what it was before the first save."""
    undone: list[int] = []
    ledger.frame(None).undo += [lambda: undone.append(1), lambda: undone.append(2)]
    ledger.settle()
    assert undone == [2, 1]


def test_what_rows_let_go_of_may_be_taken_by_others(ledger: Ledger) -> None:
    """Only what was dropped more often than taken, in all open frames together."""
    assert ledger.let_go() == {A}
    ledger.frame(SAVEPOINT).changes.append(Change(+1, A, ROW))
    assert ledger.let_go() == set()


MARKER = Ref("docs", "b.claimed")
CLAIM = Claim(B, B, ObjectInfo("b", 1), 0)


@pytest.fixture
def claimed(ledger: Ledger) -> Ledger:
    """Row 1 took B by a claim, inside a savepoint."""
    ledger.frame(SAVEPOINT).markers[MARKER] = CLAIM
    return ledger


def test_a_marker_stays_with_the_commit(claimed: Ledger) -> None:
    """Although no row holds it."""
    claimed.frame(SAVEPOINT).committed = claimed.frame(None).committed = True
    claimed.end_nested(SAVEPOINT, None)
    assert claimed.settle() == (Outcome.COMMITTED, [Dead(A, (ROW,))])


def test_a_marker_goes_with_the_rollback(claimed: Ledger) -> None:
    """Unless a row holds the file after all, which is asked."""
    claimed.frame(SAVEPOINT).committed = True
    claimed.end_nested(SAVEPOINT, None)
    assert Dead(MARKER, (ROW,), B) in claimed.settle()[1]


def test_a_marker_of_a_savepoint_that_rolled_back_goes_with_the_commit(claimed: Ledger) -> None:
    """Its file is free again; until then it is not forgotten."""
    claimed.end_nested(SAVEPOINT, None)
    claimed.frame(None).committed = True
    assert MARKER in refs(claimed.settle()[1])


def test_a_marker_that_is_used_again_stays(claimed: Ledger) -> None:
    """By another claim of the same upload, in the same transaction."""
    claimed.end_nested(SAVEPOINT, None)
    claimed.frame(None).markers[MARKER] = CLAIM
    claimed.frame(None).committed = True
    assert MARKER not in refs(claimed.settle()[1])


def test_a_marker_whose_file_no_row_got_goes_with_the_commit() -> None:
    """Unless a row may have got it without notice."""
    ledger = Ledger()
    frame = ledger.frame(None)
    frame.markers[MARKER] = CLAIM
    frame.committed = True
    assert ledger.settle()[1] == [Dead(MARKER, (), B)]
    frame.uncertain.add(B)
    assert ledger.settle()[1] == []


def test_an_upload_goes_with_the_commit_of_its_copy(ledger: Ledger) -> None:
    """And stays if no row got that."""
    upload = Ref("docs", "upload")
    ledger.frame(None).markers[MARKER] = Claim(upload, B, ObjectInfo("b", 1), 0)
    ledger.frame(None).committed = True
    assert refs(ledger.settle()[1]) == {A, upload}
    ledger.frame(None).changes.clear()
    assert refs(ledger.settle()[1]) == {B, MARKER}


def test_a_marker_alone_is_something() -> None:
    """A flush that was given up has made it, and nothing else."""
    ledger = Ledger()
    assert ledger.is_empty()
    ledger.frame(None).markers[MARKER] = CLAIM
    assert not ledger.is_empty()
