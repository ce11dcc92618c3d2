"""The lock file: one holder at a time, named in it, and released by any end of the process."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from blueattr.file_lock import FileLock, FileLockHeld, lock_holder

_HOLD = """
import sys, time
from pathlib import Path
from blueattr.file_lock import FileLock
lock = FileLock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_a_second_taker_is_refused_and_told_the_holder_until_it_is_released(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with FileLock(path):
        with pytest.raises(FileLockHeld) as refusal:
            FileLock(path)
        assert refusal.value.holder == str(os.getpid())
        assert lock_holder(path) == os.getpid()
    assert lock_holder(path) is None
    FileLock(path).close()


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(path)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert lock_holder(path) == process.pid
        process.kill()
    assert lock_holder(path) is None
    FileLock(path).close()


def test_patience_is_spent_before_a_held_lock_is_refused(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    with FileLock(path):
        began = time.monotonic()
        with pytest.raises(FileLockHeld):
            FileLock(path, patience=0.1)
        assert time.monotonic() - began >= 0.1


def test_nobody_holds_a_lock_file_that_is_not_there(tmp_path: Path) -> None:
    assert lock_holder(tmp_path / ".lock") is None
