"""Opening a file that nothing vouches for, first in a process of its own.

The engine may crash on blocks that are whole and belong elsewhere, and its process with it.
"""

import json
import signal
import subprocess
import sys
from pathlib import Path

from blueattr import errors
from blueattr.errors import NoMemoryError, StoreError
from blueattr.store.engine.engine import is_of_memory
from blueattr.store.store_file import damaged

__all__ = ["try_to_open"]

# What this process finds, and last: a folder of the user's may have an enum.py of its own.
_PROGRAM = """
import json, sys
sys.path += json.loads(sys.argv[1])
from blueattr.store.engine.trial_process import main
main(*sys.argv[2:])
"""


def try_to_open(path: Path, memory: int) -> str | None:
    """Open and verify a store in another process, which may end by it.

    Parameters
    ----------
    path
        The DuckDB file.
    memory
        Bytes that the process may use.

    Returns
    -------
    str or None
        The process that has the file for itself, so that nothing is known of it. None if it can be
        read, and is as a commit left it.

    Raises
    ------
    StoreError
        Reading the file ended the process; or whatever error it was for that process.
    """
    places = json.dumps(sys.path)
    command = [sys.executable, "-P", "-c", _PROGRAM, places, str(path), str(memory)]
    try:
        done = subprocess.run(  # noqa: S603 - no word of it comes from events
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            # An interrupt is for this process, which then ends the other.
            start_new_session=True,
        )
    except OSError as error:
        raise StoreError(f"{path} cannot be verified: {error.strerror}") from None
    if done.returncode and is_of_memory(done.stderr):
        raise NoMemoryError(f"not enough memory to verify {path}; {NoMemoryError.more}")
    if done.returncode < 0:
        by = signal.Signals(-done.returncode).name
        raise damaged(path, f"the engine was ended by {by} while it read the file")
    if done.returncode:
        last = (done.stderr.splitlines() or [f"exit code {done.returncode}"])[-1]
        raise StoreError(f"{path} cannot be verified: {last}")
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise getattr(errors, answer["error"])(answer["says"])
    holder: str | None = answer["holder"]
    return holder
