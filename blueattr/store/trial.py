"""Opening a file that nothing vouches for, first in a process of its own.

The engine may crash on blocks that are whole and belong elsewhere, and its process with it.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from blueattr import errors
from blueattr.errors import StoreError

__all__ = ["try_to_open"]


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
    command = [sys.executable, "-m", "blueattr.store.trial_process", str(path), str(memory)]
    try:
        done = subprocess.run(  # noqa: S603 - no word of it comes from events
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            # An interrupt is for this process, which then ends the other.
            start_new_session=True,
        )
    except OSError as error:
        raise StoreError(f"{path} cannot be verified: {error.strerror}") from None
    if done.returncode < 0:
        raise StoreError(
            f"{path} is damaged: the engine was ended by {signal.Signals(-done.returncode).name} "
            "while it read the file. Put a backup in its place, or ingest the sources into a new "
            "store"
        )
    if done.returncode:
        last = (done.stderr.splitlines() or [f"exit code {done.returncode}"])[-1]
        raise StoreError(f"{path} cannot be verified: {last}")
    answer = json.loads(done.stdout)
    if "error" in answer:
        raise getattr(errors, answer["error"])(answer["says"])
    holder: str | None = answer["holder"]
    return holder
