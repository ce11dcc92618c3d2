"""Whether workers compute what this process computes: the same versions, and the same bits."""

import functools
import hashlib
import math
import platform
import struct
from importlib import metadata

import numpy as np

from blueattr import kernels
from blueattr.errors import ClusterError
from blueattr.version import __version__

__all__ = ["Identity", "identity", "refuse_others"]


Identity = tuple[tuple[str, str], ...]
"""Names of packages, and of the self-test, each with its version or digest."""

_PACKAGES = ("numpy", "numba", "polars", "duckdb", "pyarrow", "distributed")
_SELF_TEST = "self-test of the kernels"


@functools.cache
def identity() -> Identity:
    """Return the versions of all that computes, and a digest of what the kernels compute here."""
    versions = [("blueattr", __version__), ("Python", platform.python_version())]
    for package in _PACKAGES:
        try:
            versions.append((package, metadata.version(package)))
        except metadata.PackageNotFoundError:
            versions.append((package, "none"))
    return (*versions, (_SELF_TEST, _digest()))


def _digest() -> str:
    """Return a digest of sums, logarithms and excesses of numbers of many magnitudes."""
    # Halves of a linear congruence: no generator's version changes them.
    words = np.arange(1, 4097, dtype=np.uint64) * np.uint64(6364136223846793005)
    x = (words >> np.uint64(33)).astype(np.float64) / 2.0**20
    y, z = np.log1p(x), np.exp(np.sqrt(x[::-1]) / 8)
    found = hashlib.sha256()
    for column in (x, y, z):
        found.update(column.tobytes())
        found.update(repr(kernels.exact_sum(column)).encode())
    found.update(kernels.combine(x, y, z, (0.1, 0.2, 0.3)).tobytes())
    excess, total = kernels.pairwise_excess(z.copy())
    found.update(excess.tobytes() + repr(total).encode())
    logarithms = [math.log1p(number) for number in y.tolist()]
    found.update(struct.pack(f"{len(logarithms)}d", *logarithms))
    return found.hexdigest()[:16]


def refuse_others(theirs: Identity, mine: Identity, worker: str) -> None:
    """Refuse a worker whose results might differ.

    Raises
    ------
    ClusterError
        The first difference, by name.
    """
    if theirs == mine:
        return
    known = dict(theirs)
    for name, version in mine:
        found = known.get(name, "none")
        if found != version:
            if name == _SELF_TEST:
                what = "computes other bits from the same numbers (its processor or libraries)"
            else:
                what = f"has {name} {found}, and this process has {version}"
            raise ClusterError(f"the worker {worker} {what}: its results could differ")
    raise ClusterError(f"the worker {worker} has other packages: its results could differ")
