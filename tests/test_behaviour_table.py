"""The promises of the documents, line by line: each has tests that are named after it, so that a gap shows here."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent

LINES = set(range(1, 71))

# Requirements of security with tests of their name: keys and local disk, rows, uploads, serving, secrets. Those on
# fetching from URLs, images, converters and scanning (18, 19, 25-29) come with the features that they are about.
SECURITY = {1, 2, 3, 6, *range(7, 18), 22, 23, 30}

# Decisions beside the lines, which two people could have taken differently.
DECISIONS = {
    "an existing object is looked up at the flush": "orm/test_claims.py::test_b38_the_claim_of_a_direct_upload",
    "delete on a row waits for the commit": "orm/test_attached.py::test_delete_waits_for_the_commit",
    "save on a row makes a new key": "orm/test_attached.py::test_save_makes_a_new_key",
    "refresh marks the row": "orm/test_attached.py::test_refresh_marks_the_row",
    "metadata edits mark the row": "orm/test_attached.py::test_changed_metadata_is_persisted",
    "detached values act at once": "orm/test_detached.py::test_detached_values_act_at_once",
    "a file saved by hand is the caller's": "orm/test_session.py::test_a_file_of_its_own",
    "a stored value is copied": "orm/test_ownership.py::test_a_value_given_to_another_row_is_copied",
    "a move keeps the key": "orm/test_ownership.py::test_a_move",
    "a swap keeps the keys": "orm/test_ownership.py::test_a_swap",
    "a key scheme sees what is set": "orm/test_key_schemes.py::test_what_is_not_set_yet",
    "copy and pickle": "files/test_copy_pickle.py::test_a_pending_file_that_cannot_travel",
    "an async iterator in a sync call": "files/test_save.py::test_b11_async_iterator",
    "a taken to_filename is refused": "orm/test_session.py::test_to_filename_is_never_overwritten",
    "malformed rows load": "orm/test_malformed.py::test_s6_it_loads_and_raises_on_use",
    "rows of advanced-alchemy": "orm/test_advanced_alchemy.py::test_rows_written_there_load_here",
}


def all_tests() -> Iterator[str]:
    """Yield all test functions, as ``folder/file.py::name``."""
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                yield f"{path.relative_to(TESTS)}::{node.name}"


def test_every_line_has_a_test() -> None:
    """``test_b24_…`` is for line 24; no line is missing, and none was invented."""
    named = {int(line) for test in all_tests() for line in re.findall(r"(?<=_)b(\d+)(?=_)", test)}
    assert named == LINES


def test_every_requirement_of_security_has_a_test() -> None:
    """``test_s16_…`` is for requirement 16."""
    named = {int(line) for test in all_tests() for line in re.findall(r"(?<=_)s(\d+)(?=_)", test)}
    assert set() == SECURITY - named


def test_the_tests_of_the_decisions_exist() -> None:
    """A renamed or removed test opens a gap, which shows."""
    assert set(DECISIONS.values()) - set(all_tests()) == set()
