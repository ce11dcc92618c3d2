"""How much the tests see: coverage by room, and mutants that they should kill."""

import os
import platform
from importlib.metadata import version

__all__ = ["machine"]


def machine(*packages: str) -> str:
    """Return the system, its cores and the versions of Python and of packages, in a line."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = [f"{name} {version(name)}" for name in packages]
    python = f"Python {platform.python_version()}"
    system = f"{platform.system()} {platform.machine()}"
    return ", ".join([system, f"{cores} cores", python, *versions])
