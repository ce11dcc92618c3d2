"""Bring mended faults back, one at a time, and run what must then fail: ``make faults``."""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from strength import machine
from strength.faults import FAULTS, Fault
from support.places import ROOT

# The same one each time, since machine code is kept for the path of what it is made of.
_COPY = ROOT / "out" / "faults"
_COPIED = ("blueattr", "cli", "sql", "data", "docs", "tests")
_COPIED_FILES = ("pyproject.toml", "README.md", "CHANGELOG.md", "CITATION.cff", "LICENSE")
_SECONDS = 600


def copy_project() -> None:
    """Copy the package and its tests to where they are edited."""
    shutil.rmtree(_COPY, ignore_errors=True)
    _COPY.mkdir(parents=True)
    for name in _COPIED:
        ignored = shutil.ignore_patterns("__pycache__", "commands" if name == "docs" else "")
        shutil.copytree(ROOT / name, _COPY / name, symlinks=True, ignore=ignored)
    for name in _COPIED_FILES:
        shutil.copy2(ROOT / name, _COPY / name)


def run_tests(tests: Iterable[str], seconds: float | None = None) -> tuple[int, str]:
    """Run tests of the copy; return the exit code of pytest and what it printed."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    environment = os.environ | {"PYTHONPATH": str(_COPY), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, cwd=_COPY, env=environment, capture_output=True, text=True, check=False,
        timeout=seconds,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def outcome_of(fault: Fault) -> str:
    """Bring one fault back and return how its test fails; empty if it passes."""
    file = _COPY / fault.file
    before = file.stat()
    sound = file.read_bytes()
    file.write_text(fault.text(_COPY), encoding="utf-8")
    try:
        code, printed = run_tests([fault.test], _SECONDS)
    except subprocess.TimeoutExpired:
        return f"it does not end in {_SECONDS} s"
    finally:
        file.write_bytes(sound)
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    if code == pytest.ExitCode.OK:
        return ""
    failed = re.search(r"^(?:FAILED|ERROR) \S+::(\w.*)", printed, re.MULTILINE)
    # Not where nothing could be collected: then the edit is none that a test could notice.
    if code != pytest.ExitCode.TESTS_FAILED or failed is None:
        raise SystemExit(f"row {fault.row}, {fault.what}: pytest ended with {code}\n{printed}")
    return failed[1]


def main() -> None:
    """Try them; end with 1 if a test passes with the fault that it is there for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", type=int, help="numbers of faults; all by default")
    options = parser.parse_args()
    chosen = [fault for fault in FAULTS if not options.rows or fault.row in options.rows]
    print(machine("duckdb"), flush=True)
    copy_project()
    code, printed = run_tests(dict.fromkeys(fault.test for fault in chosen))
    if code != pytest.ExitCode.OK:
        raise SystemExit(f"{printed}\nwithout any fault they should pass")
    passed = []
    for fault in chosen:
        outcome = outcome_of(fault)
        if not outcome:
            passed.append(fault)
        print(f"F{fault.row} {Path(fault.file)}: {fault.what}", flush=True)
        print(f"    {outcome or 'PASSED: ' + fault.test}", flush=True)
    print(f"{len(chosen) - len(passed)} of {len(chosen)} faults are noticed", flush=True)
    if passed:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
