"""The model test notices when a rule of the unit of work is switched off."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.orm.model.bench import BrokenPromiseError
from tests.orm.model.driver import Driver, opened
from tests.orm.model.mutants import MUTANTS
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

COVER, OTHER_COVER = Place(0, 0), Place(1, 0)
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
}
"""For each mutant, transactions that it spoils, and which invariant they break."""

ON_POSTGRES = {"database_is_not_probed"}


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
    with opened(*urls, is_async=is_async) as opened_driver:
        yield opened_driver


@pytest.mark.parametrize(("name", "mutant"), MUTANTS.items(), ids=MUTANTS)
def test_the_model_test_notices(driver: Driver, name: str, mutant: Callable[[], AbstractContextManager[None]]) -> None:
    """Transactions that go well break a promise as soon as the rule is off, and go well again afterwards."""
    kind, plan = PLANS[name]
    driver.run(plan)
    with mutant(), pytest.raises(BrokenPromiseError) as caught:
        driver.run(plan)
    assert kind in caught.value.kinds
    driver.run(plan)
