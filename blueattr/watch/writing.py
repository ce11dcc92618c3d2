"""The ingest beside a watch: a process that follows the network into the store that is watched."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from blueattr.errors import SourceError
from blueattr.file_lock import lock_holder
from blueattr.store.store_file import store_file

__all__ = ["Ingest", "writer_of"]


# A folder of the user's may have a blueattr.py of its own. Its standard input ends with the watch,
# however that ends, and then so does the ingest.
_PROGRAM = """
import json, os, signal, sys, threading
def end_with_the_watch():
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=end_with_the_watch, daemon=True).start()
sys.path += json.loads(sys.argv.pop(1))
from blueattr.cli.main import app
app()
"""
_PATIENCE = 60.0  # seconds for the last commit; the next ingest takes up where this one was killed
_LONGEST = 10_000


def writer_of(db: Path) -> int | None:
    """Return the number of the process that writes a store; None if none does."""
    return lock_holder(Path(f"{store_file(db).resolve()}.lock"))


class Ingest:
    """``blueattr ingest`` in a process of its own, as readers of a store need another to write.

    Parameters
    ----------
    db
        The store, made if it is not there.
    words
        Sources and options of the command.
    memory
        Bytes that the process may use.
    """

    def __init__(self, db: Path, words: Sequence[str], memory: int) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        command = [
            sys.executable, "-P", "-c", _PROGRAM, json.dumps(sys.path), "ingest", *words,
            "--db", str(db), "--memory-limit", f"{memory}B", "--quiet",
        ]  # fmt: skip
        try:
            self._process = subprocess.Popen(  # noqa: S603 - words are those of the user
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._said,
                # An interrupt is for the watch, which then ends this one.
                start_new_session=True,
            )
        except OSError as error:
            self._said.close()
            raise SourceError(f"the ingest cannot be started: {error.strerror}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def check(self) -> None:
        """Raise SourceError if it has ended, with what it said last."""
        code = self._process.poll()
        if code is not None:
            raise SourceError(f"the ingest ended: {self._last_words() or f'exit code {code}'}")

    def close(self) -> None:
        """Let it commit what it has, and end."""
        try:
            if self._process.poll() is None:
                self._process.terminate()
                try:
                    self._process.wait(_PATIENCE)
                except subprocess.TimeoutExpired:
                    self._process.kill()
                    self._process.wait()
        finally:
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._said.close()

    def _last_words(self) -> str:
        size = self._said.seek(0, 2)
        self._said.seek(max(size - _LONGEST, 0))
        lines = self._said.read().decode(errors="replace").split("\n")
        said = [line.removeprefix("blueattr: ") for line in lines if line.strip()]
        return said[-1] if said else ""
