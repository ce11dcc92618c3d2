"""Agreement of two attributions of the same agents: distance, direction, ranks, top ten."""

import math
from dataclasses import dataclass

import numpy as np

from blueattr import kernels
from blueattr.kernels import FloatArray
from blueattr.studies.rescaling import TIE

__all__ = ["TOP_COMPARED", "Agreement", "agreement", "top_in_common"]


TOP_COMPARED = 10


@dataclass(frozen=True, slots=True)
class Agreement:
    """How close values are to a reference.

    Parameters
    ----------
    mae
        The mean absolute difference.
    cosine
        Of the two vectors; None if one of them is 0.
    kendall_tau
        τ-b, values within 1e-12 of each other being ties; None if one of them is constant.
    top_overlap
        Which part of the reference's 10 largest (or n, if fewer) is among the 10 largest; ties
        are in order of DID.
    """

    mae: float
    cosine: float | None
    kendall_tau: float | None
    top_overlap: float


def _cosine(x: FloatArray, y: FloatArray) -> float | None:
    sizes = float(np.abs(x).max()), float(np.abs(y).max())
    if 0 in sizes:
        return None
    x, y = x / sizes[0], y / sizes[1]
    xy, xx, yy = (float(kernels.exact_sum(p * q)) for p, q in ((x, y), (x, x), (y, y)))
    return max(-1.0, min(1.0, xy / math.sqrt(xx) / math.sqrt(yy)))


def top_in_common(values: FloatArray, reference: FloatArray, top: int) -> float:
    """Return which part of the reference's largest values is among the largest values.

    Parameters
    ----------
    values, reference
        float64 (n,), in the same order; ties are in that order.
    top
        How many of the largest, at most n.
    """
    ours, theirs = (set(kernels.argsort(-x)[:top].tolist()) for x in (values, reference))
    return len(ours & theirs) / top


def agreement(values: FloatArray, reference: FloatArray) -> Agreement:
    """Compare values with a reference.

    Parameters
    ----------
    values, reference
        float64 (n,), in the same order.

    Returns
    -------
    Agreement

    Notes
    -----
    docs/methods.md, "Validation".
    """
    correlations = kernels.rank_correlations(values, reference, tolerance=TIE)
    return Agreement(
        mae=float(kernels.exact_sum(np.abs(values - reference)) / values.size),
        cosine=_cosine(values, reference),
        kendall_tau=None if correlations is None else correlations[0],
        top_overlap=top_in_common(values, reference, min(TOP_COMPARED, values.size)),
    )
