"""The model test notices when a rule of the unit of work is switched off."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.orm.model.bench import BrokenPromiseError
from tests.orm.model.driver import Driver, opened
from tests.orm.model.operations import (
    AddAgain,
    AddRow,
    Annotate,
    Assign,
    Begin,
    Content,
    DeleteFile,
    DeleteRow,
    Editing,
    EditPages,
    Ending,
    Flush,
    Give,
    Giving,
    Place,
    Release,
    RollBack,
    SaveFile,
    SwallowError,
    SwitchRow,
    Transaction,
)
from tests.orm.model.outsiders import Elsewhere, Sweep, TakeUp
from tests.orm.model.schema import Mode
from tests.orm.model.statement_mutants import MUTANTS
from tests.orm.model.statements import BreakInsert, BulkDelete, BulkUpdate, RawMove, Selecting

COVER, OTHER_COVER = Place(0, 0), Place(1, 0)
THUMBNAIL, NO_SCAN = Place(1, 3), Place(1, 1)
NEW_COVER, NEW_SCAN = Place(2, 0), Place(2, 1)
NEW = (Content(),)


def transaction(*operations: object, ending: Ending = Ending.COMMIT) -> Transaction:
    """Return one root transaction."""
    return Transaction(operations, ending)


def rolled_back(*operations: object) -> Transaction:
    """Return one root transaction that is rolled back."""
    return transaction(*operations, ending=Ending.ROLLBACK)


PLANS: dict[str, tuple[str, list[Transaction]]] = {
    "old_value_is_not_looked_up": ("leak", [transaction(Assign(COVER, NEW, expire=True))]),
    "flush_is_not_noted": ("lost", [transaction(Assign(COVER, NEW))]),
    "deleted_row_is_not_noted": ("leak", [transaction(DeleteRow(0))]),
    "row_switch_is_not_noticed": ("leak", [transaction(SwitchRow(0, cover=Content()))]),
    "created_is_noted_after_the_upload": (
        "leak",
        [transaction(AddRow(cover=Content(), scan=Content("failing")), Flush())],
    ),
    "savepoint_rollback_discards_nothing": ("leak", [transaction(Begin(), Assign(COVER, NEW), Flush(), RollBack())]),
    "savepoint_release_is_not_merged": ("leak", [transaction(Begin(), Assign(COVER, NEW), Release())]),
    "savepoint_rollback_counts_as_release": (
        "leak",
        [transaction(Begin(), AddRow(cover=Content()), Flush(), RollBack())],
    ),
    "database_is_not_probed": ("leak", [transaction(Assign(COVER, NEW), Flush(), SwallowError())]),
    "dropped_is_deleted_at_once": ("lost", [rolled_back(Assign(COVER, NEW), Flush())]),
    "rollback_counts_as_commit": ("leak", [rolled_back(Assign(COVER, NEW), Flush())]),
    "owner_is_not_asked": ("lost", [transaction(DeleteFile(COVER))]),
    "second_owner_gets_no_copy": ("shared", [transaction(Give(COVER, OTHER_COVER, Giving.COPY))]),
    "list_edits_are_not_tracked": ("value", [transaction(EditPages(0, Editing.POP))]),
    "metadata_edits_are_not_tracked": ("value", [transaction(Annotate(COVER, 1))]),
    "files_do_not_know_their_row": ("value", [transaction(SaveFile(COVER))]),
    "save_by_hand_is_not_noted": ("leak", [rolled_back(SaveFile(COVER))]),
    "delete_by_hand_acts_at_once": ("lost", [transaction(DeleteFile(COVER))]),
    "rollback_leaves_files_stored": (
        "refused",
        [rolled_back(AddRow(cover=Content()), Flush()), transaction(AddAgain())],
    ),
    "rollback_leaves_copies_in_place": (
        "refused",
        [
            rolled_back(AddRow(cover=Content()), Give(NEW_COVER, NEW_SCAN, Giving.COPY), Flush()),
            transaction(AddAgain()),
        ],
    ),
    "rows_of_statements_are_not_read_again": (
        "shared",
        [transaction(BulkUpdate(NO_SCAN, contents=NEW), Give(NO_SCAN, COVER, Giving.COPY))],
    ),
    "rows_of_statements_are_not_read_before": ("leak", [transaction(BulkUpdate(COVER, contents=NEW))]),
    "deleted_rows_are_not_found": ("leak", [transaction(BulkDelete(0))]),
    "statements_copy_no_files": ("shared", [transaction(BulkUpdate(OTHER_COVER, given=COVER))]),
    "rows_of_a_statement_share_a_file": ("shared", [transaction(BulkUpdate(COVER, count=2, contents=NEW))]),
    "primary_keys_of_joined_tables_are_unknown": (
        "lost",
        [transaction(BulkUpdate(THUMBNAIL, contents=NEW, how=Selecting.PRIMARY_KEY))],
    ),
    "failed_statement_is_not_asked_for": ("lost", [transaction(BreakInsert(swallow=True))]),
    "failed_statement_holds_nothing": (
        "shared",
        [transaction(BreakInsert(swallow=True), Give(NEW_COVER, COVER, Giving.COPY))],
    ),
    "failed_statement_leaves_its_files_free": ("shared", [transaction(BreakInsert(swallow=True, again=True))]),
    "outbox_is_told_after_the_commit": ("leak", [transaction(Assign(COVER, NEW), ending=Ending.KILL)]),
    "drain_does_not_ask_the_rows": ("lost", [transaction(RawMove(COVER, OTHER_COVER, swap=True))]),
    "drain_forgets_the_takes": ("lost", [transaction(RawMove(COVER, NO_SCAN))]),
    "takes_are_not_written": ("lost", [transaction(TakeUp(0, 1))]),
    "last_look_is_left_out": ("lost", [transaction(AddRow(cover=Content(aged=True)), Sweep())]),
    "memory_is_believed": ("leak", [transaction(Elsewhere((Assign(COVER, NEW),)), Assign(COVER, NEW))]),
}
"""For each mutant, transactions that it spoils, and which invariant they break."""

MODES = {
    "outbox_is_told_after_the_commit": Mode.OUTBOX,
    "drain_does_not_ask_the_rows": Mode.TRIGGERS,
    "drain_forgets_the_takes": Mode.TRIGGERS,
    "takes_are_not_written": Mode.OUTBOX,
}
"""Those that show only with an outbox, or with triggers."""

ON_POSTGRES = {"database_is_not_probed"}

KEEP_ROWS = {"memory_is_believed"}
"""Those that show only when a session keeps what it knows after a COMMIT."""


@pytest.fixture(params=["sync", "async"])
def is_async(request: pytest.FixtureRequest) -> bool:
    """Each world."""
    return request.param == "async"


@pytest.fixture
def driver(request: pytest.FixtureRequest, tmp_path: Path, name: str, is_async: bool) -> Iterator[Driver]:
    """SQLite, or PostgreSQL for the mutants that only show there."""
    if name in ON_POSTGRES:
        postgres = request.getfixturevalue("postgres")
        urls = postgres.url("psycopg_async" if is_async else "psycopg"), postgres.url("psycopg")
    else:
        path = f"{tmp_path}/model.db"
        urls = f"sqlite+{'aiosqlite' if is_async else 'pysqlite'}:///{path}", f"sqlite:///{path}"
    with opened(*urls, is_async=is_async, mode=MODES.get(name, Mode.PLAIN)) as opened_driver:
        yield opened_driver


@pytest.mark.parametrize(("name", "mutant"), MUTANTS.items(), ids=MUTANTS)
def test_the_model_test_notices(driver: Driver, name: str, mutant: Callable[[], AbstractContextManager[None]]) -> None:
    """Transactions that go well break a promise as soon as the rule is off, and go well again afterwards."""
    kind, plan = PLANS[name]
    expire = name not in KEEP_ROWS
    driver.run(plan, expire_on_commit=expire)
    with mutant(), pytest.raises(BrokenPromiseError) as caught:
        driver.run(plan, expire_on_commit=expire)
    assert kind in caught.value.kinds
    driver.run(plan, expire_on_commit=expire)
