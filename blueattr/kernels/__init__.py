"""Compiled kernels: arrays in, arrays out; results do not depend on order or on threads."""

from blueattr.kernels.agents import (
    GEOMETRIC,
    LOG,
    MEAN,
    add_scaled,
    aggregate,
    combine,
    spread_about_mean,
)
from blueattr.kernels.compiled import FloatArray, IndexArray, IntArray
from blueattr.kernels.excess import Ahead, excess_beyond, pairwise_excess
from blueattr.kernels.minima import pairwise_minima
from blueattr.kernels.pairs import rank_correlations
from blueattr.kernels.sorting import argsort
from blueattr.kernels.sums import RunningGroupSums, RunningSum, exact_sum, exact_sums, group_sums

__all__ = [
    "GEOMETRIC",
    "LOG",
    "MEAN",
    "Ahead",
    "FloatArray",
    "IndexArray",
    "IntArray",
    "RunningGroupSums",
    "RunningSum",
    "add_scaled",
    "aggregate",
    "argsort",
    "combine",
    "exact_sum",
    "exact_sums",
    "excess_beyond",
    "group_sums",
    "pairwise_excess",
    "pairwise_minima",
    "rank_correlations",
    "spread_about_mean",
]
