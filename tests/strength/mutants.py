"""Run tests against mutants, which they should kill: ``make mutants``.

Mutants of Python are mutmut's: the first of each function, and a seeded sample of the others. Its
settings, with the modules and their tests, are in pyproject.toml. Those of the fold are our own.
"""

import argparse
import multiprocessing
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from strength import machine
from strength.fold_mutants import MUTANTS, install
from support.places import ROOT

_OF_THE_FOLD = "tests/store/commit/test_fold.py"
# The tests of each step of the fold, those first that find most. Tests that kill processes are not
# among them: those read the step from its file.
_EVENTS = [
    f"{_OF_THE_FOLD}::test_of_two_versions_of_one_revision_the_delete_wins_in_any_order",
    f"{_OF_THE_FOLD}::test_of_other_versions_of_one_revision_the_same_wins_in_any_order",
    "tests/ingest/test_ingest.py::test_history_of_one_record",
    "tests/ingest/test_ingest.py::test_the_latest_handle_and_profile_stay_in_any_order_of_commits",
    "tests/ingest/test_ingest.py::test_only_a_deletion_of_an_account_takes_its_texts",
    "tests/ingest/test_ingest.py::test_deleting_what_was_never_seen_leaves_nothing_to_count",
    "tests/ingest/test_ingest.py::test_clean_ingest_equals_the_plain_fold",
    "tests/ingest/test_ingest.py::test_an_account_that_comes_back_keeps_what_it_writes_then",
    "tests/ingest/test_ingest.py::test_keys_become_numbers",
    "tests/ingest/test_ingest.py::test_only_a_later_deletion_is_looked_into",
    "tests/ingest/test_ingest.py::test_any_order_repeat_and_split_gives_the_same_store",
    "tests/ingest/test_ingest.py::test_texts_of_deleted_accounts_are_gone_whatever_the_order",
    "tests/ingest/test_ingest.py::test_departed_texts_are_gone_after_every_commit",
    "tests/store/test_rollups.py::test_after_any_sequence_rollups_say_what_the_records_say",
]
FOLD_TESTS = {
    "accounts": _EVENTS,
    "codes": _EVENTS,
    "keys": _EVENTS,
    "versions": _EVENTS,
    "records": _EVENTS,
    "changes": _EVENTS,
    "relations": [
        f"{_OF_THE_FOLD}::test_of_relations_of_one_time_the_lowest_key_counts_whichever_was_written_first",
        "tests/panel/test_features.py::test_a_relation_that_is_written_again_counts_once_in_everything",
        "tests/panel/test_features.py::test_features_equal_a_plain_recount",
        "tests/store/test_rollups.py",
        *_EVENTS,
    ],
    "corrections": ["tests/store/test_rollups.py"],
    "summaries": ["tests/store/test_rollups.py"],
    "notes": [
        f"{_OF_THE_FOLD}::test_spans_are_kept_in_the_order_in_which_they_were_read",
        f"{_OF_THE_FOLD}::test_a_state_does_not_grow_with_the_gaps_of_a_stream",
        f"{_OF_THE_FOLD}::test_notes_of_one_source_leave_those_of_others",
        "tests/store/test_store.py::test_sources_and_rejected_lines_survive_a_round_trip",
        "tests/ingest/test_ingest.py::test_same_file_again_touched_and_grown",
    ],
    "directory": ["tests/ingest/test_ingest.py::test_plc_export_folds_in_any_order"],
    "hydration": [
        "tests/ingest/test_hydrate.py::test_an_older_answer_changes_nothing",
        "tests/ingest/test_hydrate.py::test_what_is_said_is_kept_with_its_date",
    ],
}

_SECONDS_A_MUTANT = 600
_ENDED = 100

# Each mutant has a process of its own, forked from one that has imported what the tests need.
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(["blueattr.ingest.read", "blueattr.ingest.hydrate", "polars"])


def _run_tests(step: str, number: int | None, out: str) -> None:
    os.chdir(ROOT)
    with open(out, "w", encoding="utf-8") as file:  # noqa: PTH123 - its descriptor is what matters
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    if number is not None:
        install(MUTANTS[number])
    arguments = ["-q", "-x", "-p", "no:cacheprovider", "--hypothesis-profile=mutants"]
    # A process that fails by itself ends with 1.
    sys.exit(_ENDED + pytest.main([*arguments, *FOLD_TESTS[step]]))


def _failing(step: str, number: int | None) -> str:
    """Return which test of a step fails with a mutant, or with none; "" if all pass."""
    with tempfile.NamedTemporaryFile("r", encoding="utf-8") as out:
        process = _processes.Process(target=_run_tests, args=(step, number, out.name))
        process.start()
        process.join(_SECONDS_A_MUTANT)
        if process.exitcode is None:
            process.kill()
            process.join()
            return "the time limit"
        text = out.read()
    if process.exitcode == _ENDED + pytest.ExitCode.OK:
        return ""
    failed = re.search(r"^FAILED \S+::(\w+)", text, re.MULTILINE)
    if process.exitcode != _ENDED + pytest.ExitCode.TESTS_FAILED or not failed:
        raise SystemExit(text)
    return failed[1]


def try_fold(numbers: Sequence[int]) -> list[str]:
    """Try mutants of the fold; print and count the outcomes, and return the survivors."""
    counts: Counter[str] = Counter()
    survivors = []
    steps = {tuple(FOLD_TESTS[step]): step for step in (MUTANTS[n].step for n in numbers)}
    for step in steps.values():
        if failed := _failing(step, None):
            raise SystemExit(f"{failed} fails without a mutant")
    for number in numbers:
        mutant = MUTANTS[number]
        failed = _failing(mutant.step, number)
        if failed:
            counts["killed"] += 1
        elif mutant.equivalent:
            counts["equivalent"] += 1
        else:
            counts["survived"] += 1
            survivors.append(f"{mutant.step}: {mutant.what}")
        outcome = f"killed by {failed}" if failed else mutant.equivalent or "SURVIVED"
        print(f"{number:>3} {mutant.step}: {mutant.what}\n    {outcome}", flush=True)
    print(f"fold: {_listed(counts)}", flush=True)
    return survivors


def try_python(sample: int, seed: int, seconds: float) -> None:
    """Try mutants of Python, and print the outcomes by module and the survivors."""
    end = time.monotonic() + seconds
    shutil.rmtree(ROOT / "mutants", ignore_errors=True)
    _mutmut("run", "*__mutmut_1", seconds=seconds)
    names = sorted(_results())
    others = [name for name in names if not name.endswith("__mutmut_1")]
    chosen = random.Random(seed).sample(others, min(sample, len(others)))  # noqa: S311 - no secret
    print(f"{len(names)} mutants; {len(chosen)} drawn with seed {seed}", flush=True)
    if chosen:
        _mutmut("run", *chosen, seconds=end - time.monotonic())
    counts: dict[str, Counter[str]] = {}
    for name, outcome in _results().items():
        if outcome == "not checked":
            continue
        module = name.rpartition(".")[0]
        counts.setdefault(module, Counter())[outcome] += 1
        if outcome in {"survived", "no tests"}:
            print(_mutmut("show", name), flush=True)
    for module, found in sorted(counts.items()):
        print(f"{module}: {_listed(found)}")


def _results() -> dict[str, str]:
    return dict(re.findall(r"^\s+(\S+): (.+)$", _mutmut("results", "--all", "true"), re.MULTILINE))


def _mutmut(*arguments: str, seconds: float | None = None) -> str:
    program = Path(sys.executable).with_name("mutmut")
    try:
        done = subprocess.run(
            [program, *arguments], cwd=ROOT, env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
            capture_output=True, text=True, check=False, timeout=seconds,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        print("the time was up before all of them were tried")
        return ""
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return done.stdout


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common())


def main() -> None:
    """Try them within the time; end with 1 if a mutant of the fold survives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fold", nargs="*", type=int, default=range(len(MUTANTS)),
                        help="which mutants of the fold, by number; all by default")  # fmt: skip
    parser.add_argument("--sample", type=int, default=200, help="how many mutants of mutmut's")
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--minutes", type=float, default=60)
    options = parser.parse_args()
    end = time.monotonic() + options.minutes * 60
    print(machine("mutmut", "duckdb"), flush=True)
    survivors = try_fold(options.fold)
    if options.sample:
        try_python(options.sample, options.seed, end - time.monotonic())
    if survivors:
        raise SystemExit("survived: " + "; ".join(survivors))


if __name__ == "__main__":
    main()
