"""What measures the tests: mutants that still fit the code, and coverage by room."""

import pytest

from blueattr.store.commit import fold
from strength.coverage_by_room import by_room, table
from strength.faults import FAULTS, ROWS, Fault
from strength.fold_mutants import MUTANTS, Mutant
from strength.mutants import FOLD_TESTS
from support.places import ROOT


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.step}: {mutant.what}")
def test_a_mutant_of_the_fold_fits_the_step_that_it_changes(mutant: Mutant) -> None:
    assert mutant.text()
    assert mutant.old != mutant.new


def test_every_step_of_the_fold_that_has_mutants_has_tests_that_try_them() -> None:
    assert {mutant.step for mutant in MUTANTS} == FOLD_TESTS.keys()
    for test in {test for tests in FOLD_TESTS.values() for test in tests}:
        path, _, name = test.partition("::")
        assert f"def {name}" in (ROOT / path).read_text(encoding="utf-8")


def test_every_step_of_the_fold_has_mutants() -> None:
    steps = {mutant.step for mutant in MUTANTS}
    assert {*fold.STEPS, *fold.DIRECTORY_STEPS, "codes", "hydration"} == steps


def test_a_mutant_that_fits_no_more_is_refused() -> None:
    with pytest.raises(ValueError, match=r"notes\.sql has 0 times 'FROM nowhere'"):
        Mutant("notes", "what is not there", "FROM nowhere", "").text()


def test_coverage_is_added_up_by_room() -> None:
    def file(statements: int, ran: int) -> dict[str, dict[str, int]]:
        return {"summary": {"num_statements": statements, "covered_lines": ran}}

    files = {
        "blueattr/errors.py": file(10, 10),
        "blueattr/sources/find.py": file(20, 10),
        "blueattr/sources/live/relay.py": file(20, 20),
        "cli/main.py": file(5, 4),
        "cli/commands/run.py": file(5, 1),
    }
    rooms = by_room({"files": files})
    assert rooms == {"blueattr": (10, 10), "cli": (10, 5), "sources": (40, 30)}
    assert [line.split() for line in table(rooms).splitlines()] == [
        ["room", "statements", "ran", "%"],
        ["cli", "10", "5", "50.0"],
        ["sources", "40", "30", "75.0"],
        ["blueattr", "10", "10", "100.0"],
        ["all", "60", "45", "75.0"],
    ]


def test_the_page_lists_each_fault_that_was_mended_with_the_test_that_notices_it() -> None:
    listed = [
        tuple(cell.strip() for cell in line.split("|")[1:-1])
        for line in (ROOT / "docs" / "tests.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| F")
    ]
    assert listed == [
        (f"F{fault.row}", fault.what, f"`{fault.test.rpartition('/')[2]}`") for fault in FAULTS
    ]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"F{fault.row}: {fault.what}")
def test_a_fault_fits_the_file_that_it_changes_and_names_a_test(fault: Fault) -> None:
    assert fault.text()
    assert fault.old != fault.new
    path, name = fault.test.split("::")
    # All cases of a test: the name of one would go unnoticed when it changes.
    assert f"\ndef {name}(" in (ROOT / path).read_text(encoding="utf-8")


def test_every_fault_that_was_mended_is_in_the_table() -> None:
    assert {fault.row for fault in FAULTS} == {*range(1, ROWS + 1)}


def test_a_fault_that_fits_no_more_is_refused() -> None:
    with pytest.raises(ValueError, match=r"README\.md has 0 times 'from nowhere'"):
        Fault(1, "what is not there", "README.md", "from nowhere", "", "").text()
