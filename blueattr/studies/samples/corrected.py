"""Many samples put right: what they say of the whole, and how often they are right."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from blueattr.attribution.sampling import Protocol, Sampler
from blueattr.studies.samples.correction import FEWEST, Estimate

__all__ = ["CorrectedSamples", "CorrectedTier", "average", "obstacle"]


@dataclass(frozen=True, slots=True)
class CorrectedTier:
    """A tier's share of the whole, as estimated from each of several samples.

    Parameters
    ----------
    tier
        Its name.
    share_mean, share_std
        Mean and standard deviation of the estimates (divisor: samples less one; 0 for one sample).
    low, high
        Means of the ends of their 95 % intervals; None if no sample has one, or `n_e` is below
        `blueattr.studies.samples.correction.FEWEST`: those that have one would be the exceptions.
    n_e
        Mean of the number of agents on which the estimate effectively rests.
    intervals
        How many samples have an interval.
    coverage
        In how many of these the interval holds the share at full scale.
    """

    tier: str
    share_mean: float
    share_std: float
    low: float | None
    high: float | None
    n_e: float
    intervals: int
    coverage: int


@dataclass(frozen=True, slots=True)
class CorrectedSamples:
    """Samples of one protocol and size, put right.

    Parameters
    ----------
    tiers
        From the top to the tail.
    flip_mean
        Mean of the share of all tiers but the top at full scale, less the estimate of the same.
    n_eff
        Mean of the effective size of a sample, (Σu)² / Σu² with u the inverse of the inclusion
        probability.
    tiers_known
        Whether it is known of each sampled agent in which tier of the whole it is.
    seeds
        How many samples have an estimate.
    intervals
        How many samples have an interval for every tier.
    coverage
        In how many of these all intervals hold the shares at full scale.
    """

    tiers: tuple[CorrectedTier, ...]
    flip_mean: float
    n_eff: float
    tiers_known: bool
    seeds: int
    intervals: int
    coverage: int


def obstacle(sampler: Sampler, protocol: Protocol) -> str:
    """Return why samples of a protocol cannot be put right; empty if they can.

    Parameters
    ----------
    sampler
        Of the full panel.
    protocol
        How the samples are drawn.
    """
    if protocol == "top":
        return "the most followed are chosen, not drawn, so that all others had no chance"
    n, able = sampler.order.size, sampler.available(protocol)
    if able < n:
        return (
            f"{n - able:,} of {n:,} agents had no chance to be drawn, since they were not active; "
            f"the samples can only speak for the other {able:,}"
        )
    return ""


def average(
    estimates: Sequence[Estimate], truth: Sequence[float], names: Sequence[str]
) -> CorrectedSamples | None:
    """Average the estimates from several samples, and count how often they are right.

    Parameters
    ----------
    estimates
        One of each sample that has one.
    truth
        Each tier's share at full scale.
    names
        The tiers' names.

    Returns
    -------
    CorrectedSamples or None
        None if there is no estimate.
    """
    if not estimates:
        return None
    held = [
        [None if ends is None else ends[0] <= share <= ends[1] for ends, share in pairs]
        for pairs in (zip(one.intervals, truth, strict=True) for one in estimates)
    ]
    whole = [all(row) for row in held if None not in row]
    below = [math.fsum(one.shares[1:]) for one in estimates]
    return CorrectedSamples(
        tiers=tuple(
            _tier(name, place, estimates, [row[place] for row in held])
            for place, name in enumerate(names)
        ),
        flip_mean=math.fsum(truth[1:]) - statistics.fmean(below),
        n_eff=statistics.fmean(one.effective for one in estimates),
        tiers_known=True,
        seeds=len(estimates),
        intervals=len(whole),
        coverage=sum(whole),
    )


def _tier(
    name: str, place: int, estimates: Sequence[Estimate], held: Sequence[bool | None]
) -> CorrectedTier:
    shares = [one.shares[place] for one in estimates]
    ends = [interval for one in estimates if (interval := one.intervals[place]) is not None]
    agents = statistics.fmean(one.agents[place] for one in estimates)
    shown = bool(ends) and (agents >= FEWEST or len(ends) == len(estimates))
    return CorrectedTier(
        tier=name,
        share_mean=statistics.fmean(shares),
        share_std=statistics.stdev(shares) if len(shares) > 1 else 0.0,
        low=statistics.fmean(low for low, _ in ends) if shown else None,
        high=statistics.fmean(high for _, high in ends) if shown else None,
        n_e=agents,
        intervals=len(ends),
        coverage=sum(1 for holds in held if holds),
    )
