"""Connects to a cluster; what that needs is imported only then."""

from typing import TYPE_CHECKING

from blueattr.cluster.address import ClusterAddress
from blueattr.cluster.engine import Progress
from blueattr.errors import UsageError

if TYPE_CHECKING:
    from blueattr.cluster.dask_engine import DaskEngine

__all__ = ["connect"]


def connect(address: ClusterAddress, progress: Progress | None = None) -> "DaskEngine":
    """Return the engine of a cluster, to be opened by ``with``.

    Parameters
    ----------
    address
        Of the cluster.
    progress
        Is told how far stages are.

    Raises
    ------
    UsageError
        The extra ``cluster`` is not installed.
    """
    try:
        from blueattr.cluster.dask_engine import DaskEngine  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.startswith("blueattr"):
            raise
        raise UsageError(
            "--cluster needs distributed, which is not installed; run: "
            "pip install 'blueattr[cluster]'"
        ) from None
    return DaskEngine(address, progress)
