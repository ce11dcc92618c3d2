"""Describe the machine, and measure the cost of a process."""

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

__all__ = ["Cost", "blueattr", "child", "cost_of", "describe", "median", "swapped"]

Cost = dict[str, float]
"""Wall-clock ``seconds``, ``processor_seconds``, ``peak_bytes`` of memory, and counts."""

# The versions that the measurements depend on.
PACKAGES = ("blueattr", "duckdb", "numba", "numpy", "polars", "pyarrow")


def describe(packages: Sequence[str] = PACKAGES) -> dict[str, Any]:
    """Return the processor, cores, memory, system and versions of packages."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def cost_of(command: Sequence[str | Path], **options: Any) -> Cost:
    """Run a process to its end and return its cost.

    The peak memory is at least that of the calling process, so that should be small.
    """
    started = time.perf_counter()
    process = subprocess.Popen([*map(str, command)], **options)  # noqa: S603 - our own programs
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return {
        "seconds": seconds,
        "processor_seconds": usage.ru_utime + usage.ru_stime,
        "peak_bytes": usage.ru_maxrss * 1024.0,
    }


def blueattr(*arguments: str | Path) -> Cost:
    """Run a blueattr command and return its cost, start-up included."""
    command = [Path(sys.executable).with_name("blueattr"), *arguments]
    with tempfile.TemporaryFile() as messages:
        try:
            return cost_of(command, stdout=subprocess.DEVNULL, stderr=messages)
        except subprocess.CalledProcessError:
            messages.seek(0)
            print(messages.read().decode(), file=sys.stderr)
            raise


def child(script: str | Path, *arguments: str | Path | float, **variables: str) -> dict[str, Any]:
    """Run a script of this folder as a process, and return the JSON that it prints.

    Environment variables of the process are given by name.
    """
    command = [sys.executable, str(script), *map(str, arguments)]
    done = subprocess.run(  # noqa: S603 - our own scripts
        command, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ, **variables}
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def median(costs: Sequence[Cost], name: str) -> float:
    """Return the median of one cost over the rounds."""
    return statistics.median(cost[name] for cost in costs)


def swapped() -> int | None:
    """Return the number of pages swapped out since boot; None if the system does not tell."""
    try:
        lines = Path("/proc/vmstat").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("pswpout ")), None)
