"""Workers of one thread each on this machine; those that die are started again."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from blueattr.errors import ClusterError

__all__ = ["LocalWorkers"]


_DEATHS = 10  # so many, and three for each worker, between two finished tasks are no accident
_ENVIRONMENT = {
    # A worker is one thread; there are as many workers as cores shall be used.
    "NUMBA_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # A sampling thread, and limits that stop workers whose memory the system would give them.
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_DISTRIBUTED__WORKER__MEMORY__PAUSE": "False",
    "DASK_DISTRIBUTED__WORKER__MEMORY__TERMINATE": "False",
    "DASK_DISTRIBUTED__WORKER__MEMORY__SPILL": "False",
    "DASK_DISTRIBUTED__WORKER__MEMORY__TARGET": "False",
    # A worker's own address space is its own: nobody asks it to open another port.
    "DASK_DISTRIBUTED__WORKER__HTTP__ROUTES": '["distributed.http.health"]',
}


class LocalWorkers:
    """Processes that work for a scheduler on this machine.

    Parameters
    ----------
    scheduler
        Its address.
    count
        How many.
    """

    def __init__(self, scheduler: str, count: int) -> None:
        self._scheduler, self._deaths = scheduler, 0
        self._folder = tempfile.TemporaryDirectory(prefix="blueattr-workers-")
        self._log = Path(self._folder.name) / "log"
        self.processes: list[subprocess.Popen[bytes]] = []
        try:
            for _ in range(count):
                self.processes.append(self._start())
        except BaseException:
            self.close()
            raise

    def _start(self) -> subprocess.Popen[bytes]:
        # The library looks for this where the wheel has no such module of its own.
        command = [
            sys.executable, "-P", "-m", "distributed.cli.dask_worker", self._scheduler,
            "--nthreads", "1", "--no-nanny", "--memory-limit", "0", "--host", "127.0.0.1",
            "--dashboard-address", "127.0.0.1:0", "--local-directory", self._folder.name,
            "--death-timeout", "60",
        ]  # fmt: skip
        environment = {k: v for k, v in os.environ.items() if k != "MALLOC_TRIM_THRESHOLD_"}
        with self._log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
                command, env={**environment, **_ENVIRONMENT}, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log,
            )  # fmt: skip

    def tend(self) -> None:
        """Start those again that have died.

        Raises
        ------
        ClusterError
            They die again and again.
        """
        for k, one in enumerate(self.processes):
            if one.poll() is None:
                continue
            self._deaths += 1
            if self._deaths > _DEATHS + 3 * len(self.processes):
                raise ClusterError(
                    f"workers on this machine end again and again, the last with code "
                    f"{one.returncode}: {self._last_words()}"
                )
            self.processes[k] = self._start()

    def go_on(self) -> None:
        """Forget the dead: a task was finished."""
        self._deaths = 0

    def _last_words(self) -> str:
        lines = self._log.read_text("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def close(self) -> None:
        """End them all."""
        for one in self.processes:
            one.terminate()
        for one in self.processes:
            try:
                one.wait(5)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()
        self._folder.cleanup()

    def __enter__(self) -> "LocalWorkers":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
