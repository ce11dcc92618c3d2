"""What the scripts have in common: names of agents, and arrays of all steps."""

from collections.abc import Mapping, Sequence

import numpy as np

from blueattr.kernels import FloatArray
from blueattr.scenarios.protocol import Array
from blueattr.scenarios.record import RecordArray

__all__ = ["number", "padded", "stacked"]


def number(agents: int) -> tuple[str, ...]:
    """Return names of agents that sort in their order, such as ``agent-07``."""
    width = len(str(agents))
    return tuple(f"agent-{k:0{width}}" for k in range(1, agents + 1))


def stacked(arrays: Sequence[object]) -> FloatArray:
    """Put the arrays of all steps together."""
    return np.stack([np.asarray(one) for one in arrays])


def padded(
    steps: Sequence[Mapping[str, Array]], columns: Mapping[str, RecordArray]
) -> dict[str, Array]:
    """Put the lists of all steps together, (n, k) each, padded to the longest that is used.

    Parameters
    ----------
    steps
        The lists of each step, which may be padded.
    columns
        The layout of the actions; those without a ``k`` are left out.
    """
    lists = {name: column for name, column in columns.items() if "k" in column.dims}
    used = [
        np.logical_or.reduce([step[name] != column.pad for name, column in lists.items()])
        for step in steps
    ]
    longest = max(int(one.any(axis=0).nonzero()[0].max(initial=-1)) + 1 for one in used)
    together = {}
    for name, column in lists.items():
        cut = [step[name][:, :longest] for step in steps]
        missing = [((0, 0), (0, longest - one.shape[1])) for one in cut]
        together[name] = np.stack([
            np.pad(one, width, constant_values=column.pad)
            for one, width in zip(cut, missing, strict=True)
        ])  # fmt: skip
    return together
