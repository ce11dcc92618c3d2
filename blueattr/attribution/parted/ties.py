"""Which agents of each part belong to a tier, of those that are like its last agent.

Of agents with as many followers and the same a, those first by DID belong to the tier. Where parts
follow each other by DID, counts say which; else the DID up to which they belong is found by
narrowing down a range of DIDs, of which each part returns some.
"""

from bisect import bisect_right
from collections.abc import Sequence

from blueattr.attribution.large.cuts import TierCut
from blueattr.attribution.parted import looking
from blueattr.attribution.parted.looking import TiedFound, TiedJob
from blueattr.attribution.parted.part import PanelPart, PartSetting
from blueattr.cluster.engine import TaskEngine

__all__ = ["KEPT", "cuts_by_part"]


KEPT = 1 << 10
"""So many DIDs a part returns at a time."""


def cuts_by_part(
    engine: TaskEngine,
    parts: Sequence[PanelPart],
    setting: PartSetting,
    cuts: Sequence[TierCut],
    order: Sequence[int] | None,
) -> list[tuple[TierCut, ...]]:
    """Return the last agents of tiers for each part, with how many of the part belong to each.

    Parameters
    ----------
    engine, parts, setting
        What runs tasks, and what they are told.
    cuts
        Of the whole panel.
    order
        The parts in order of DID, where they follow each other; else None.
    """
    ties = [[cut.equal] * len(parts) for cut in cuts]  # as many as there are: all of them
    split = [k for k, cut in enumerate(cuts) if cut.ties < cut.equal]
    if split:
        theirs = [cuts[k] for k in split]
        found = (
            _by_order(engine, parts, setting, theirs, order)
            if order is not None
            else _by_did(engine, parts, setting, theirs)
        )
        for k, counts in zip(split, found, strict=True):
            ties[k] = counts
    return [
        tuple(cut._replace(ties=ties[k][part]) for k, cut in enumerate(cuts))
        for part in range(len(parts))
    ]


def _by_order(
    engine: TaskEngine,
    parts: Sequence[PanelPart],
    setting: PartSetting,
    cuts: Sequence[TierCut],
    order: Sequence[int],
) -> list[list[int]]:
    looked = tuple((cut, "", "") for cut in cuts)
    jobs = [TiedJob(part, setting, looked, 0) for part in parts]
    found = dict(engine.run("ties", looking.tied, jobs))
    counts = []
    for k, cut in enumerate(cuts):
        left, mine = cut.ties, [0] * len(parts)
        for part in order:
            mine[part] = min(left, found[part][k].inside)
            left -= mine[part]
        counts.append(mine)
    return counts


def _by_did(
    engine: TaskEngine, parts: Sequence[PanelPart], setting: PartSetting, cuts: Sequence[TierCut]
) -> list[list[int]]:
    ranges = [("", "") for _ in cuts]
    counts: list[list[int] | None] = [None] * len(cuts)
    while any(one is None for one in counts):
        open_ones = [k for k, one in enumerate(counts) if one is None]
        looked = tuple((cuts[k], *ranges[k]) for k in open_ones)
        jobs = [TiedJob(part, setting, looked, KEPT) for part in parts]
        found = dict(engine.run("ties", looking.tied, jobs))
        for place, k in enumerate(open_ones):
            theirs = [found[part][place] for part in range(len(parts))]
            known = narrow(theirs, cuts[k].ties)
            if isinstance(known, list):
                counts[k] = known
            else:
                low, high = known
                ranges[k] = (low or ranges[k][0], high or ranges[k][1])
    return [one for one in counts if one is not None]


def narrow(found: Sequence[TiedFound], wanted: int) -> list[int] | tuple[str, str]:
    """Return how many of each part are among the first so many, or a range with the last of them.

    Parameters
    ----------
    found
        Of each part.
    wanted
        How many agents of all parts belong to the tier: at least one.
    """
    inside = wanted - sum(one.below for one in found)
    if all(len(one.dids) == one.inside for one in found):
        every = sorted(did for one in found for did in one.dids)
        last = every[inside - 1]
        return [one.below + bisect_right(one.dids, last) for one in found]
    low = high = ""
    for did in sorted({did for one in found for did in one.dids}):
        fewest = most = 0  # of the agents up to this DID
        for one in found:
            place = bisect_right(one.dids, did)
            fewest += _upto(one, place)
            most += _upto(one, place + 1) - 1 if place < len(one.dids) else one.inside
        if most < inside:
            low = did
        elif fewest >= inside:
            high = did
            break
    return low, high


def _upto(one: TiedFound, place: int) -> int:
    """Return the place, from 1, of one of the DIDs that were returned."""
    return place * one.inside // len(one.dids) if place else 0
